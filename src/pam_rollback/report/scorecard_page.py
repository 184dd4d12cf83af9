"""The first page of a run's report: one file that opens from the disk, asks nobody for anything, and is made from the run record alone.

Someone who was not there should understand it within a minute: the verdict and what limits it, who did what and why, how the service was
meanwhile, each criterion, what was not judged and what would let it be.

In one module: a function for each part of one page, in its order.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pam_rollback.core.figures import duration
from pam_rollback.report import failures, recommendation, sections, timeline_picture, wording
from pam_rollback.report.failures import Failure, advisory_lines, by_test, not_good
from pam_rollback.report.redaction import shown
from pam_rollback.report.run_folder import RUNBOOK
from pam_rollback.report.run_record import Result, RunRecord
from pam_rollback.report.terms_table import (
    RIGHT,
    drills_tables,
    figures_tables,
    judged,
    key_figures,
    steps_tables,
    terms_tables,
)
from pam_rollback.report.verdict import Outcome

if TYPE_CHECKING:
    from jinja2 import Template

NAME: Final = "index.html"
EVIDENCE: Final = "allure"
"""The folder of the Allure report, beside this page."""

VERDICT_TONES: Final = {"GO": "go", "INCONCLUSIVE": "open", "PLANNED": "open"}
_PROBLEMS_MAX: Final = 12
_FOUND_MAX: Final = 480
"""Characters of what a test found that are shown at once: five lines of the page."""
_NAMES_MAX: Final = 5
_IDS_MAX: Final = 10
"""Broken criteria that are named beside the verdict."""
_VERIFICATION: Final = "post_rollback"
_ANCHOR: Final = re.compile(r"docs/runbook\.md#([a-z0-9-]+)")


def render(
    record: RunRecord,
    *,
    links: Iterable[tuple[str, str]] = (),
    pictures: Mapping[str, bytes] = MappingProxyType({}),
    zone: tzinfo | None = None,
) -> str:
    """The page. ``links``: names and addresses of what lies beside it; ``pictures``: titles and SVG of what was drawn of the run."""
    from markupsafe import Markup, escape  # noqa: PLC0415 - with the template: a session that writes no page does without

    record = shown(record)

    def linked(text: str) -> Markup:
        found = _ANCHOR.search(text)
        return Markup('<a href="{}.html#{}">{}</a>').format(RUNBOOK, found[1], text) if found else escape(text)

    problems = not_good(record)
    found = by_test(problems)
    return template("run.html").render(
        title=wording.title(record),
        tone=VERDICT_TONES.get(record.verdict, "no"),
        verdict=wording.verdict_word(record),
        summary=_summary(record, problems),
        limits=[*filter(None, (wording.rehearsed(record), wording.no_all_clear(record)))],
        reasons=failures.more_reasons(record)[:_NAMES_MAX],
        tiles=list(_tiles(record)),
        problems=[_problem(one) for one in found[:_PROBLEMS_MAX]],
        problems_title=_problems_title(problems),
        more_problems=_more(found[_PROBLEMS_MAX:]),
        answer=recommendation.recommended(record),
        parts=[*wording.told(record), *sections.preflight(record)],
        facts=list(_facts(record, zone)),
        rollbacks=[timeline_picture.section(one, record, zone, Markup) for one in record.watched],
        # As images: nothing in them can run, and their names cannot meet.
        pictures=[(title, base64.b64encode(picture).decode("ascii")) for title, picture in pictures.items()],
        tables=[*terms_tables(record), *drills_tables(record)],
        lists=[(name, entries) for name, entries in _lists(record) if entries],
        folded=[("Checklists", lists)] if (lists := sections.checklists(record)) else [],
        details=[*figures_tables(record), *steps_tables(record)],
        right=RIGHT,
        links=[*links],
        run_id=record.run_id,
        command=" ".join(record.command_line),
        link=linked,
    )


def _summary(record: RunRecord, problems: Sequence[Result]) -> str:
    line = wording.verdict_line(record).removeprefix(wording.verdict_word(record)).strip()
    broken = wording.ids(one for one in problems if one.outcome is Outcome.BROKEN_CRITERION).split()
    place = {item.id: number for number, item in enumerate(record.items)}
    few = broken and len(broken) <= _IDS_MAX and record.decision is None
    return f"{line}. Broken: {' '.join(sorted(broken, key=lambda one: place.get(one, len(place))))}" if few else line


def _problems_title(problems: Sequence[Result]) -> str:
    unknown = [one.outcome is Outcome.UNKNOWN for one in problems]
    if all(unknown):
        return "Could not be measured"
    return "What is broken, and what could not be measured" if any(unknown) else "What is broken"


def _more(rest: Sequence[Failure]) -> str:
    """How much has no card here, with its plan items: no view names fewer of them than another."""
    results = [result for one in rest for result in one.every]
    findings = f"{len(rest)} more finding{'s' if len(rest) > 1 else ''} of {wording.tests(results)}"
    return f"and {findings}, for {wording.ids(results)}: below" if rest else ""


def _tiles(record: RunRecord) -> Iterator[dict[str, str]]:
    for one in key_figures(record):
        tone, said = judged(one.outcome)
        yield {
            "tone": tone,
            "word": "" if one.outcome is Outcome.PASSED else said,
            "name": f"{one.id} {one.title}",
            "measured": one.measured,
            "proviso": one.proviso,
            "asked": f"asked {wording.together(one.asked)}" if one.asked else "",
        }


def _problem(one: Failure) -> dict[str, Any]:
    """One cause, once, whatever number of tests came upon it; what else the same test found in its cases is folded away."""
    found, rest = _parted(one.found)
    others = one.in_other_words
    tone, said = judged(one.first.outcome)
    return {
        "tone": tone,
        "word": said,
        "ids": one.ids + wording.where(one.first),
        "title": f"{one.count}; {one.heading}" if one.count else one.heading,
        "found_name": "why" if one.first.outcome is Outcome.UNKNOWN else "found",
        "found": found,
        "rest": rest,
        "others": others or [other.found for other in one.also],
        "others_are": "that say it in words of their own" if others else "of this test",
        "expected": one.expected,
        "next": "".join(one.pages[:1]),
    }


def _parted(text: str) -> tuple[str, str]:
    if len(text) <= _FOUND_MAX:
        return text, ""
    end = text.rfind(" ", 0, _FOUND_MAX) + 1 or _FOUND_MAX
    return f"{text[:end].rstrip()} …", text[end:]


def _facts(record: RunRecord, zone: tzinfo | None) -> Iterator[tuple[str, str]]:
    actions = {action.situation: action for action in record.actions}
    for action in actions.values():
        yield "what", f"{action.strategy} {action.story}: {action.title}"
        yield "why", action.incident
        yield "decided by", action.initiated_by
    if not actions and {result.phase for result in record.results} == {_VERIFICATION}:
        yield "what", "a verification: nothing was rolled back in this session"
    if wording.escalation(record):
        yield "escalation", wording.escalation(record)
    yield "where", f"{record.environment.name} ({record.environment.kind}) {record.environment.host}"
    yield "releases seen", " → ".join(record.releases_seen) or (record.release or "unknown")
    yield "mode", wording.mode(record)
    yield "began", wording.moment(record, 0.0, zone)
    yield "took", duration(record.duration_s)


def _lists(record: RunRecord) -> Iterator[tuple[str, Sequence[str]]]:
    yield failures.HEADING, failures.old_lines(record)
    yield "Conditions", wording.conditions(record)
    yield "Not judged, and why", wording.left_out(record, _NAMES_MAX)
    yield sections.PLAN_ITEMS, sections.coverage(record)
    yield wording.ONLY_ADVISORY, advisory_lines(record)


@cache
def template(name: str) -> "Template":
    """Give a page template by its file name. What comes from outside is escaped; a value that is not given is an error."""
    # Loaded when a page is made: most sessions answer without one.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    folder = Path(__file__).with_name("pages_html")
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined).get_template(name)
