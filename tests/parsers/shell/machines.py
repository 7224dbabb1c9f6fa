"""Machines for the shell reader's tests: one of given texts, one of a real directory."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from certaudit.parsers.shell import ScriptText

INTERPRETER = re.compile(r"#!\s*(\S+)(?:\s+(\S+))?")


def script_text(path: str, text: str) -> ScriptText:
    found = INTERPRETER.match(text)
    interpreter = None
    if found:
        interpreter = found[2] if found[1].endswith("/env") and found[2] else found[1]
    return ScriptText(path, text, interpreter)


@dataclass(frozen=True)
class TextMachine:
    """Scripts by path; file tests by path: true, false, or (not named) unknown."""

    scripts: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, bool] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)

    def script(self, path: str) -> ScriptText | None:
        text = self.scripts.get(path)
        return None if text is None else script_text(path, text)

    def test(self, operator: str, path: str) -> bool | None:
        return self.answers.get(f"{operator} {path}", self.answers.get(path))

    def which(self, name: str, search_path: Sequence[str]) -> str | None:
        return self.programs.get(name)


@dataclass(frozen=True)
class DirectoryMachine:
    """A real directory; what stands in ``leaves`` is not opened."""

    leaves: Path

    def script(self, path: str) -> ScriptText | None:
        file = Path(path)
        if self.leaves in file.parents or not file.is_file():
            return None
        data = file.read_bytes()[: 1 << 20]
        return (
            None if b"\0" in data else script_text(str(file.resolve()), data.decode("utf-8", "replace"))
        )

    def test(self, operator: str, path: str) -> bool | None:
        file = Path(path)
        answers = {
            "-e": file.exists(),
            "-f": file.is_file(),
            "-d": file.is_dir(),
            "-x": os.access(file, os.X_OK),
            "-s": file.exists() and file.stat().st_size > 0,
            "-L": file.is_symlink(),
        }
        return answers.get(operator)

    def which(self, name: str, search_path: Sequence[str]) -> str | None:
        return shutil.which(name, path=":".join(search_path))
