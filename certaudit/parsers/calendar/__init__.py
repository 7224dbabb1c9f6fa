"""systemd calendar expressions: what ``OnCalendar=`` says and when it fires.

Law: the same answers as ``systemd-analyze calendar``, in every zone and across clock changes.
Source: systemd.time(7), and ``calendarspec.c`` of systemd 252 for what the page leaves open.
"""

from __future__ import annotations

from certaudit.parsers.calendar.elapse import next_after
from certaudit.parsers.calendar.expression import parse
from certaudit.parsers.calendar.spec import CalendarSpec, Component, normalize

__all__ = ["CalendarSpec", "Component", "next_after", "normalize", "parse"]
