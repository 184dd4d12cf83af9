"""The verdict in two sentences, the same wherever people are told of it: in a channel, by mail, in a CI job's summary and annotations."""

from collections.abc import Sequence
from typing import Final

from pam_rollback.base.outside_text import for_terminal, one_line
from pam_rollback.report import wording
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.shown_record import shown
from pam_rollback.report.terminal_page import alike
from pam_rollback.report.terms_table import key_figures, not_good

ANNOTATIONS_MAX: Final = 10
"""GitHub shows no more of one step."""
_IDS_MAX: Final = 12
_LEVELS: Final = {"GO": "notice", "PLANNED": "notice", "INCONCLUSIVE": "warning"}


def in_short(record: RunRecord) -> str:
    """Verdict and why, which plan items are not good, the figures that people ask for first, and where to read on. One line."""
    record = shown(record)
    parts = [wording.verdict_line(record), *_not_good(record), figures(record), where(record)]
    return ". ".join(one_line(part) for part in parts if part)


def figures(record: RunRecord) -> str:
    """How soon users were well again, how long it took in all, what was lost, each with what was asked; empty where not measured."""
    told = (
        f"{one.id} {one.title}: {one.found}{f', asked {one.asked}' if one.asked else ''}" for one in key_figures(record)
    )
    return "; ".join(told)


def where(record: RunRecord) -> str:
    """Where all of it is: the report's first page, or the record where there is none; empty where neither could be written."""
    found = record.reports.html or record.reports.record
    return f"report: {found}" if found else ""


def annotations(record: RunRecord) -> list[str]:
    """Commands to GitHub's runner: the verdict as a note, a warning or an error, and one for each cause, as many as it shows."""
    record = shown(record)
    level = _LEVELS.get(record.verdict, "error")
    lines = [annotation(record.verdict, wording.verdict_word(record), in_short(record))]
    told = alike(not_good(record))[: ANNOTATIONS_MAX - 1] if level != "notice" else ()
    return lines + [
        _command(level, f"{one[0].outcome.value} {wording.ids(one)}", wording.problem_together(one)) for one in told
    ]


def annotation(verdict: str, title: str, text: str) -> str:
    """The command for one: a note, a warning or an error, by the verdict."""
    return _command(_LEVELS.get(verdict, "error"), title, text)


def _not_good(record: RunRecord) -> Sequence[str]:
    ids = wording.ids(not_good(record)).split()
    if not ids or record.verdict == "GO":
        return []
    more = f" and {len(ids) - _IDS_MAX} more" if len(ids) > _IDS_MAX else ""
    return [f"not good: {', '.join(ids[:_IDS_MAX])}{more}"]


def _command(level: str, title: str, text: str) -> str:
    """A workflow command. Whatever a text holds, it is one line and ends nothing: the runner reads what follows a colon or a percent."""
    data = for_terminal(one_line(text), in_a_line=True).replace("%", "%25")
    named = one_line(title).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={named}::{data}"
