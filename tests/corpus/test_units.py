"""Unit files of real machines: every one parses, and what their units say is found."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from certaudit.host.root import Root
from certaudit.host.units.files import UnitFiles
from certaudit.parsers.environment import parse_environment
from certaudit.parsers.exec_line import expand_command, read_exec_line, unit_specifiers
from certaudit.parsers.systemctl_show import parse_show
from certaudit.parsers.unit_file import TIMERS, merged, parse_unit_file

CORPUS = Path(os.environ.get("CERTAUDIT_CORPUS", "/nonexistent"))
UNITS = sorted((CORPUS / "units").iterdir()) if (CORPUS / "units").is_dir() else []
HOSTS = sorted((CORPUS / "hosts").iterdir()) if (CORPUS / "hosts").is_dir() else []
MACHINE = CORPUS / "machines/debian12-wildcard-story.tar.gz"
SAID = CORPUS / "machines/debian12-wildcard-story.bus.tar.gz"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not UNITS, reason="CERTAUDIT_CORPUS names no folder with units/"),
]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_every_unit_file_parses(path: Path) -> None:
    file = parse_unit_file(path.read_text(errors="replace"), path.name)
    settings = merged([file])
    assert not file.refused
    if ".timer" in path.name:
        assert any(s.section == "Timer" and s.key in TIMERS and s.value for s in settings)
    if ".service" in path.name:
        lines = [s.value for s in settings if s.section == "Service" and s.key == "ExecStart"]
        assert lines
        environment = {
            name: value
            for s in settings
            if s.key == "Environment"
            for name, value in parse_environment(s.value)
        }
        for line in lines:
            for command in read_exec_line(line).commands:
                expanded = expand_command(command, environment, unit_specifiers("unit.service"))
                assert expanded.program


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.name)
def test_every_unit_of_every_host_is_built(path: Path) -> None:
    root = path / "root" if (path / "root").is_dir() else path
    units = UnitFiles(Root(root))
    for name in units.names():
        unit = units.unit(name)
        assert unit is not None
        assert unit.fragment or unit.links or unit.mask or unit.file_state == "bad"


def unpacked(archive: Path, folder: Path) -> Path:
    if not archive.exists():
        pytest.skip(f"no {archive.name}")
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    return folder


def test_a_collected_machine_is_as_its_manager_said(tmp_path: Path) -> None:
    units = UnitFiles(Root(unpacked(MACHINE, tmp_path / "root")))
    said = unpacked(SAID, tmp_path / "said") / "story-live"
    states = {
        row["unit_file"]: row["state"] for row in json.loads((said / "list-unit-files.json").read_text())
    }
    own = [name for name in units.names() if name in states and units.unit(name)]
    assert len(own) > 3
    compared = 0
    for name in own:
        unit = units.unit(name)
        if unit is not None and unit.fragment is not None:
            assert units.file_state(name) == states[name], name
            compared += 1
    assert compared > 3
    for shown in sorted(said.glob("show-*.txt")):
        (properties,) = parse_show(shown.read_text())
        unit = units.unit(properties["Id"])
        if unit is not None and unit.fragment is not None:
            assert unit.fragment == properties["FragmentPath"]
            assert " ".join(unit.drop_ins) == properties.get("DropInPaths", "")
