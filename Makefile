# Everything a checkout needs. `make audit` and `make test` do all set-up themselves.

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
DEMO := .cache/demo
AS_OF := $(shell sed -n 's/^as-of //p' fixtures/machines/demo.machine)

.PHONY: help install audit test check lab bench clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Leave .venv/bin/certaudit

$(VENV)/.installed: pyproject.toml .ci/set-up
	@.ci/set-up "$(PYTHON)" $(VENV)
	@touch $@

$(VENV)/.developer: pyproject.toml .ci/set-up
	@.ci/set-up "$(PYTHON)" $(VENV) test
	@touch $@ $(VENV)/.installed

$(VENV)/.bench: pyproject.toml .ci/set-up
	@.ci/set-up "$(PYTHON)" $(VENV) bench
	@touch $@

audit: install ## Audit the demo server in fixtures/
	@rm -rf $(DEMO) && mkdir -p $(dir $(DEMO))
	@$(BIN)/python -m fixtures.build fixtures/machines/demo.machine $(DEMO) >/dev/null
	@$(BIN)/certaudit audit $(DEMO) --as-of '$(AS_OF)' --fail-on never

test: $(VENV)/.developer ## Run every check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2

bench: $(VENV)/.bench ## Measure, as ratios to a peer (BENCH_MB=2000: how many megabytes of logs)
	@$(BIN)/python -m compileall -q certaudit benchmarks
	@$(BIN)/python -m benchmarks.start
	@$(BIN)/python -m benchmarks.live
	@$(BIN)/python -m benchmarks.search

lab: $(VENV)/.developer ## A root shell in a throw-away real systemd
	@$(BIN)/python -m tests.live.lab

clean: ## Remove what make made
	rm -rf $(VENV) .cache dist build
