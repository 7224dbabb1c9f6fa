"""Shell scripts: from a trigger's command to every command it can lead to, read and never executed.

Law: pure; the machine is asked through ``Machine``, and what cannot be followed is ``Unresolved``.
"""

from certaudit.parsers.shell.follow import follow
from certaudit.parsers.shell.records import (
    LEAVES,
    Command,
    CommandLine,
    Guard,
    Limits,
    Machine,
    Need,
    Place,
    Program,
    Redirect,
    ScriptText,
    Trace,
    Unresolved,
)

__all__ = [
    "LEAVES",
    "Command",
    "CommandLine",
    "Guard",
    "Limits",
    "Machine",
    "Need",
    "Place",
    "Program",
    "Redirect",
    "ScriptText",
    "Trace",
    "Unresolved",
    "follow",
]
