"""One run while it is read: takes its records one by one, gives a ``LogRun`` at the end.

Law: keeps decisive lines only, so that memory does not grow with the file; a message counts for what
``vocabulary`` says and nothing else; what the log does not prove stays ``None``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, get_args

from certaudit.parsers.letsencrypt_log import lines
from certaudit.parsers.letsencrypt_log.attempts import Seen
from certaudit.parsers.letsencrypt_log.clock import Anchor, header_moment
from certaudit.parsers.letsencrypt_log.finish import Found
from certaudit.parsers.letsencrypt_log.subcommand import Mark
from certaudit.parsers.letsencrypt_log.vocabulary import Meaning, notice_meaning

HEAD_RECORDS = 8  # version, entry point, arguments, plugins, level ... stand among the first ones
_MOST = 10_000  # lines of evidence of one run
_REASON_LENGTH = 300
_JOINED_WITHIN = timedelta(hours=1)  # a run is split in mid-work, between two records

_FAILED_LINEAGE = re.compile(
    r"(?:Failed to renew certificate (\S+) with error|Attempting to renew cert \(([^)]+)\) from)"
)
_FAILED_CONF = re.compile(r"Attempting to renew cert from (\S+) produced")
_BROKEN_CONF = re.compile(r"(?:Renewal configuration file|An error occurred while parsing) (\S+)")
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]{0,200}(?::|\s*$)", re.ASCII)
_RENEW_FAILURES = " renew failure(s), "


class RunReader:
    """Takes the records of one run into ``found``.

    After each record, ``want`` is what its continuation lines (with their numbers) are to be given to,
    ``None`` for nobody; ``block`` is the record's stamp where those lines are the output of a hook,
    which may look like records: certbot logs it once the hook is done, so its own next records are
    not older than that stamp. Whoever comes to the next record sets both back. ``settled`` are the
    meanings that can tell nothing new of this run.
    """

    def __init__(self, first: Seen, headed: bool) -> None:
        self.found = Found(first, headed, first)
        self.records = 1  # so far, as long as they are few
        self.found.evidence.append(first)
        self.want: Callable[[str, int], None] | None = None
        self.block = ""
        self.settled: set[Meaning] = set()
        self._here = first
        self._indented = False

    def takes_head(self, meaning: Meaning) -> bool:
        """Whether a record that begins a run belongs to this run's head, not to a next run.

        Only a version record can: where the level record begins a run, it is the very first.
        """
        found = self.found
        if not found.headed or self.records > HEAD_RECORDS:
            return False
        return meaning == "version" and found.version is None

    def joins(self, wall: datetime) -> bool:
        """Whether a headless file that begins at ``wall`` can go on with this run.

        A run whose end is in its log goes on nowhere: such a file is another run without its head.
        """
        if self.found.complete or self.found.error is not None:
            return False
        return timedelta(0) <= wall - self.found.last.wall <= _JOINED_WITHIN

    def take(self, meaning: Meaning, message: str, seen: Seen) -> None:
        """One record that means something."""
        self._here = seen
        _TAKES[meaning](self, message)

    def _take_version(self, message: str) -> None:
        if self.found.version is None:
            self.found.version = lines.version_text(message.partition("version: ")[2])
            self._keep()

    def _take_level(self, message: str) -> None:
        """A level record tells nothing but that a run begins."""

    def _take_entry_point(self, message: str) -> None:
        if self.found.entry_point is None:
            self.found.entry_point = message.partition("entry point: ")[2].strip() or None
            self._keep()

    def _take_arguments(self, message: str) -> None:
        if self.found.arguments is None:
            self.found.arguments = lines.argument_list(message.partition(": ")[2])
            self._keep()

    def _take_notice(self, message: str) -> None:
        self.want = self._notice_line
        self._notice_line(message[len("Notifying user:") :], self._here.line)

    def _notice_line(self, text: str, number: int) -> None:
        text = text.strip()
        meaning = notice_meaning(text)
        if meaning == "output":
            self.want = None
        elif meaning == "processing":
            self._take_processing(text, number)
        elif meaning is not None:
            self._move_to(text, number)
            _TAKES[meaning](self, text)
        elif text.endswith(")"):
            self._result_line(text, number)

    def _take_processing(self, text: str, number: int) -> None:
        path = text[len("Processing") :].strip()
        if path:
            self._announce(path, number)
        else:  # wrapped at 80 columns: the path stands on the next line
            self.want = self._announce

    def _announce(self, text: str, number: int) -> None:
        self.want = self._notice_line
        self._mark("renew")
        name = lines.conf_lineage(text)
        if name is not None:
            self._move_to(text, number)
            self._keep()
            self.found.attempts.announced(name, self._here, f"Processing {text.strip()}")
            self.settled.add("checked")

    def _result_line(self, text: str, number: int) -> None:
        entry = lines.summary_entry(text)
        if entry is not None:
            self._move_to(text, number)
            self._keep()
            reason = text.strip()[:_REASON_LENGTH]
            self.found.attempts.result(*entry, self._here, reason, not self.found.headed)

    def _take_result(self, message: str) -> None:
        self.want = self._result_line  # more of them may follow in the same record
        self._result_line(message, self._here.line)

    def _take_renew_result(self, message: str) -> None:
        del message
        self._mark("renew")
        self._keep()
        self.want = self._notice_line

    def _take_not_due(self, message: str) -> None:
        self._keep()
        self.found.attempts.not_due(self._here, message)

    def _take_no_action(self, message: str) -> None:
        self._keep()
        self._mark("no_action")
        self.found.complete = True
        if not self.found.attempts.last_not_due:
            self.found.attempts.not_due(self._here, message, self._cert_name())

    def _take_due(self, message: str) -> None:
        self._keep()
        self.found.attempts.due(self._here, message)

    def _take_forced(self, message: str) -> None:
        self._mark("forced")
        self._take_due(message)

    def _take_renewing(self, message: str) -> None:
        self._mark("renewing")
        self._keep()
        self.found.attempts.renewing(self._here, message, self._cert_name())

    def _take_requesting(self, message: str) -> None:
        self._mark("requesting")
        self._keep()
        self.found.attempts.due(self._here, message, self._cert_name())

    def _take_simulating(self, message: str) -> None:
        self._mark("dry_run")
        self._take_due(message)

    def _take_simulated_renewal(self, message: str) -> None:
        self._mark("dry_run")
        self._take_renewing(message)

    def _take_simulated_request(self, message: str) -> None:
        self._mark("dry_run")
        self._take_requesting(message)

    def _take_dry_run(self, message: str) -> None:
        self._mark("dry_run")
        self._keep()
        if message.startswith("The dry run was successful"):
            self.found.complete = True

    def _take_dry_lineage(self, message: str) -> None:
        self._take_dry_run(message)
        name = lines.last_name(message.partition(" lineage at ")[2].strip())
        self.found.attempts.simulated(name, self._here, message[:_REASON_LENGTH])

    def _take_delay(self, message: str) -> None:
        self._mark("renew")
        self._keep()
        text = message.partition(" delay of ")[2].partition(" ")[0]
        if re.fullmatch(r"\d{1,6}(\.\d{1,30})?", text, re.ASCII):
            self.found.delay = (float(text), self._here)

    def _take_checked(self, message: str) -> None:
        found = lines.certificate_path(message)
        if found is not None:
            self.found.attempts.checked(found[0])

    def _take_written(self, message: str) -> None:
        found = lines.certificate_path(message)
        if found is not None:
            self._keep()
            name, generation = found
            reason = message[:_REASON_LENGTH]
            self.found.attempts.written(name, generation or 1, self._here, reason)

    def _take_failed_named(self, message: str) -> None:
        found = _FAILED_LINEAGE.match(message)
        if found is not None:
            self._fail(found[1] or found[2], message)
            self._mark("renew")

    def _take_failed_conf(self, message: str) -> None:
        found = _FAILED_CONF.match(message)
        if found is not None:
            self._fail(lines.conf_lineage(found[1]), message)
            self._mark("renew")

    def _take_broken_conf(self, message: str) -> None:
        found = _BROKEN_CONF.match(message)
        name = lines.conf_lineage(found[1].rstrip(".")) if found is not None else None
        if name is not None:
            self._fail(name, message)

    def _fail(self, name: str | None, message: str) -> None:
        self._keep()
        self.found.attempts.failed(name, self._here, message[:_REASON_LENGTH])

    def _take_issued(self, message: str) -> None:
        del message
        self._mark("issued")
        self._keep()

    def _take_hook(self, message: str) -> None:
        if self.found.hooks.begun(message, self._here):
            self._keep()

    def _take_hook_failed(self, message: str) -> None:
        if " error code " in message:  # else its output, which is indented since it is announced so
            self._keep()
            self.found.hooks.failed(message)

    def _take_output(self, message: str) -> None:
        del message
        self.block = self._here.text[:23]

    def _take_no_failures(self, message: str) -> None:
        del message
        self._mark("renew")
        self._end()

    def _take_finished(self, message: str) -> None:
        del message
        self._mark("finished")
        self._end()

    def _take_exit(self, message: str) -> None:
        self.found.error = self.found.error or message.strip(" :")
        self._end()
        self._indented = False
        self.want = self._traceback_line

    def _take_user_exit(self, message: str) -> None:
        self.found.error = message.strip()
        self._end()

    def _traceback_line(self, text: str, number: int) -> None:
        del number
        indented = text.startswith((" ", "\t"))
        if self._indented and not indented and _EXCEPTION.match(text):
            self.found.error = text.strip()[:_REASON_LENGTH]
            if _RENEW_FAILURES in text:
                self._mark("renew")
        self._indented = indented

    def _end(self) -> None:
        self.found.complete = True
        self._keep()

    def _take_installer(self, message: str) -> None:
        if message.rstrip().endswith(" and installer None"):
            self._mark("no_installer")
            self.settled.add("installer")

    def _take_removed(self, message: str) -> None:
        if message.rstrip().endswith(".conf"):
            self._keep()
            self._mark("deleted")

    def _take_deleted(self, message: str) -> None:
        del message
        self._mark("deleted")
        self._end()

    def _take_listing(self, message: str) -> None:
        del message
        self._mark("listing")
        self._end()
        self.want = None

    def _take_revoking(self, message: str) -> None:
        del message
        self._mark("revoking")
        self._keep()

    def _take_plugins(self, message: str) -> None:
        del message
        self._mark("plugins")
        self._keep()

    def _take_reconfigured(self, message: str) -> None:
        del message
        self._mark("reconfigured")
        self._end()

    def _take_deploying(self, message: str) -> None:
        del message
        self._mark("deploying")
        self._keep()

    def _take_response(self, message: str) -> None:
        del message
        self.want = self._header_line

    def _header_line(self, text: str, number: int) -> None:
        del number
        if not text.strip():
            self.want = None
        elif text.startswith("Date: "):
            self.want = None
            moment = header_moment(text)
            anchor = Anchor(self._here.wall, moment) if moment is not None else None
            if anchor is not None and anchor.offset is not None:
                self.found.anchor = anchor
                self.settled.add("response")

    def _mark(self, mark: Mark) -> None:
        self.found.marks.add(mark)

    def _keep(self) -> None:
        evidence = self.found.evidence
        if evidence[-1] == self._here:
            return
        if len(evidence) < _MOST:
            evidence.append(self._here)
        else:  # the latest line is always there
            evidence[-1] = self._here

    def _move_to(self, text: str, number: int) -> None:
        """Make a continuation line the one that is looked at."""
        if number != self._here.line:
            cut = text[: lines.EVIDENCE_LENGTH]
            self._here = self._here._replace(line=number, text=cut)

    def _cert_name(self) -> str | None:
        return lines.option_value(self.found.arguments or (), "--cert-name")


_TAKES: Final[dict[Meaning, Callable[[RunReader, str], None]]] = {
    meaning: getattr(RunReader, f"_take_{meaning}")
    for meaning in get_args(Meaning)
    if meaning != "processing"
}
