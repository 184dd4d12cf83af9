"""What a person sees when a session has ended: one screen, from the run record alone. ``scorecard`` shows all of it.

A GO fits into 40 lines of 80 columns: the verdict first and last, incident and strategy, the recovery asked for and measured, a line for
each success criterion and objective, what was not judged as counts. Anything else begins with what is broken, or with what could not be
measured; that part is as long as it has to be, and tells one cause once. What is new comes before what was there before; a NO-GO of nothing
else fits into 60 lines.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Final

from pam_rollback.environment.known_words import NEW
from pam_rollback.plan.checklist import CONFIRMED, NOT_DONE
from pam_rollback.report import (
    checklist,
    decision_screen,
    plan_coverage,
    planned_screen,
    readiness,
    terminal_page,
    unanswered,
    wording,
)
from pam_rollback.report.run_record import ActionTaken, Result, RunRecord
from pam_rollback.report.shown_record import shown
from pam_rollback.report.terminal_page import WORDS, Page, fitted, labelled, several_labelled
from pam_rollback.report.terms_table import criteria_table, is_term, not_good, situations_table
from pam_rollback.report.verdict import Outcome

LINES_MAX: Final = 40
"""Of a GO."""
LINES_OF_NOTHING_NEW_MAX: Final = 60
"""Of a NO-GO in which everything red was there before."""
_TOLD_IN_FULL: Final = 6
"""So many causes are told in full; of more, each is a line."""
_COUNTED: Final = -1
"""None in full, and of what is not known only how much it is."""
_LIST_MAX: Final = 5
"""Lines of a list beside the verdict."""


def render(
    record: RunRecord,
    width: int,
    *,
    color: bool,
    ascii_only: bool,
    zone: tzinfo | None = None,
    only_bad: bool = False,
) -> list[str]:
    """The lines of the screen.

    ``zone`` is where somebody looks, for times of day beside UTC; ``only_bad`` shows problems and verdict.
    """
    record = shown(record)
    page = Page.of(width, color=color)
    if record.decision is not None:
        whole = decision_screen.only_bad if only_bad else decision_screen.render
        return terminal_page.harmless(whole(record, record.decision, page), ascii_only=ascii_only)
    verdict = terminal_page.verdict(record, page)
    if record.verdict == "PLANNED":
        return terminal_page.harmless(
            verdict if only_bad else planned_screen.render(record, page), ascii_only=ascii_only
        )
    last = [
        *terminal_page.paragraphs([*readiness.paragraphs(record), *wording.told(record)], page),
        *terminal_page.where(record, page),
        *verdict,
    ]
    middle = [*_head(record, page, zone), *_table(record, page)]
    of_old = LINES_OF_NOTHING_NEW_MAX if unanswered.waivers(record) else 0
    most = LINES_MAX if record.verdict == "GO" else of_old

    def lines(in_full: int) -> list[str]:
        first = [*terminal_page.reasons(record, page), *_problems(record, page, in_full)]
        if only_bad:
            return [*first, *verdict]
        first = [*verdict[1:], *first, *middle]
        room = most - len(first) - len(last) if most else LINES_MAX
        return [*first, *_besides(record, page, room), *last]

    told = lines(_TOLD_IN_FULL)
    if wording.nothing_new(record):
        # The rest could not be measured: a line each has to do, or one for all, where the whole would not fit.
        fitting = (lines(in_full) for in_full in (*range(_TOLD_IN_FULL, -1, -1), _COUNTED))
        told = next((one for one in fitting if len(one) <= LINES_OF_NOTHING_NEW_MAX), lines(_COUNTED))
    return terminal_page.harmless(told, ascii_only=ascii_only)


def _problems(record: RunRecord, page: Page, in_full: int) -> list[str]:
    """What is not good, the worst first: found, expected, where to go on. ``in_full``: so many causes, and all that is nothing new."""
    bad = not_good(record)
    several = len(record.situations) > 1
    lines: list[str] = []
    blind = [result for result in bad if result.outcome is Outcome.UNKNOWN] if in_full == _COUNTED else []
    for place, causes in enumerate(_by_test([result for result in bad if result not in blind])):
        whole = place < in_full or causes[0][0].nothing_new
        lines += _in_full(causes, page, several) if whole else _in_a_line(causes, page, several)
    if blind:
        lines += page.wrapped(f"{WORDS[Outcome.UNKNOWN][0]} {_ids(blind)} {_counted(blind)}, each with its reason: -v")
    lines += terminal_page.waivers(record, page)
    not_run: dict[str, list[Result]] = {}
    for result in record.results:
        if result.outcome is Outcome.NOT_RUN and wording.decides(result) and record.verdict != "GO":
            not_run.setdefault(result.message or "no reason was given", []).append(result)
    for reason, results in not_run.items():
        lines += ["", *labelled("not run", f"{_ids(results)} {_counted(results)}: {reason}", page)]
    return lines


Causes = list[list[Result]]
"""What one test found in its cases; results that say the same are together."""


def _by_test(bad: Sequence[Result]) -> list[Causes]:
    """Success criteria and objectives before the rest of what is as bad; the cases of one test, and whoever met the same cause, once."""
    order = {outcome: place for place, outcome in enumerate(dict.fromkeys(result.outcome for result in bad))}
    tests: dict[tuple[object, ...], Causes] = {}
    for group in terminal_page.alike(
        sorted(bad, key=lambda one: (order[one.outcome], one.nothing_new, not _is_of_a_term(one)))
    ):
        result = group[0]
        met_by = wording.cause(result) if result.nothing_new else result.nodeid.partition("[")[0]
        tests.setdefault((result.outcome, result.situation, met_by), []).append(group)
    return list(tests.values())


def _is_of_a_term(result: Result) -> bool:
    return any(map(is_term, result.criteria))


def _headline(causes: Causes, several: bool) -> str:  # noqa: FBT001 - a private word
    results = [result for group in causes for result in group]
    result = results[0]
    where = f" [{result.situation}]" if several and result.situation else ""
    many = f"{len(results)} tests, one of them: " if len(results) > 1 else ""
    return f"{WORDS[result.outcome][0]} {_ids(results)}{where} {many}{result.title.rstrip('.')}"


def _painted(lines: Sequence[str], causes: Causes, page: Page) -> list[str]:
    word, hue = WORDS[causes[0][0].outcome]
    return [lines[0].replace(word, page.paint(word, hue, "bold"), 1), *lines[1:]]


def _in_full(causes: Causes, page: Page, several: bool) -> list[str]:  # noqa: FBT001 - as above
    result = causes[0][0]
    told = _painted(fitted(_headline(causes, several), page.width, first="  ", rest="    ", lines=None), causes, page)
    blind = result.outcome is Outcome.UNKNOWN
    told += labelled("why" if blind else "found", wording.said_together(causes[0]), page)
    asked = "; ".join(f"{one.what}: {one.asked}" for one in result.measured if one.asked)
    if asked and not blind and not result.nothing_new:
        told += labelled("expected", asked, page, lines=3)
    others = [group for group in causes[1:] if not _names_new(group)]
    for group in causes[1:]:
        told += labelled("found", wording.said_together(group), page) if group not in others else []
    if others:
        told += labelled("besides", f"{len(others)} more of this test, each with a reason of its own: -v", page)
    if result.nothing_new:
        return ["", *told]  # the waivers that would name it say where to go on
    pages = list(dict.fromkeys(one.runbook for group in causes for one in group if one.runbook))
    # A cause that many tests met has the pages of all of them: the first is of what came first.
    told += labelled("go on", pages[0] if pages else "", page)
    if len(pages) > 1:
        told += labelled("", f"and {len(pages) - 1} more sections, by what each test asks: -v", page)
    return ["", *told]


def _in_a_line(causes: Causes, page: Page, several: bool) -> list[str]:  # noqa: FBT001 - as above
    new = [wording.said_together(group) for group in causes if _names_new(group)]
    text = f"{_headline(causes, several)}: {'; '.join(new) or wording.said_together(causes[0])}"
    return _painted(fitted(text, page.width, first="  ", rest="    ", lines=None if new else 1), causes, page)


def _names_new(group: Sequence[Result]) -> bool:
    """Whether it tells, one by one, what was not there before: that is never cut."""
    return wording.said(group[0]).startswith(NEW)


def _ids(results: Iterable[Result]) -> str:
    return " ".join(dict.fromkeys(identifier for result in results for identifier in result.criteria))


def _counted(results: Sequence[Result]) -> str:
    return f"{len(results)} test{'s' if len(results) > 1 else ''}"


def _head(record: RunRecord, page: Page, zone: tzinfo | None) -> list[str]:
    """What was wrong, what was done about it, and how soon users were well again."""
    lines = [""]
    actions = _latest(record)
    for action in actions if len(actions) == 1 else ():  # of several, the table has a line each
        lines += labelled("incident", action.incident, page, lines=2)
        lines += labelled("strategy", f"{action.strategy} {action.story}: {action.title}", page, lines=2)
        lines += labelled("steps", _steps(record, action), page, lines=1)
        lines += labelled("recovery", _recovery(record, action.situation), page, lines=2)
    lines += labelled("when", _when(record, zone), page, lines=1)
    unfinished = record.verdict in {"ACTION FAILED", "UNDO FAILED"}
    return [*lines, *(terminal_page.steps(record, page) if unfinished else [])]


def _latest(record: RunRecord) -> list[ActionTaken]:
    """Of each situation the action that was decided last: a resumed run decides again."""
    return list({action.situation: action for action in record.actions}.values())


def _steps(record: RunRecord, action: ActionTaken) -> str:
    own = [step for step in record.steps if step.action == action.story and step.outcome != "undone"]
    if not own:
        return "none was begun"
    done = sum(step.outcome != "failed" for step in own)
    took_s = max(step.started_s + step.duration_s for step in own) - action.decided_s
    who = f", decided by {action.initiated_by}" if record.mode == "real" else ""
    return f"{done} of {len(own)} done, the last {wording.duration(max(0.0, took_s))} after the decision{who}"


def _recovery(record: RunRecord, situation: str) -> str:
    figures = [
        result.measured[0]
        for result in record.results
        if result.situation == situation
        and result.measured
        and result.criteria[:1]
        and result.criteria[0].startswith("RTO-")
    ]
    told = [f"{one.what} {wording.figure(one.measured, one.unit)}, asked {one.asked}" for one in figures]
    return "; ".join(told) or "not measured"


def _when(record: RunRecord, zone: tzinfo | None) -> str:
    began, ended = (datetime.fromisoformat(moment.iso) for moment in (record.started, record.finished))
    return f"{began:%Y-%m-%d}, {wording.times_of_day((began, ended), zone)}"


def _table(record: RunRecord, page: Page) -> list[str]:
    return situations_table(record, page) if len(record.situations) > 1 else criteria_table(record, page)


def _besides(record: RunRecord, page: Page, room: int) -> list[str]:
    """What else passed, what was not judged, and what the verdict rests on besides tests. ``room``: so many lines at most."""
    conditions, not_judged = wording.conditions(record), list(_not_judged(record))
    passed = _also_passed(record)
    items = plan_coverage.in_short(record)
    entries = [
        ("also passed", [passed] if passed else []),
        ("plan items", [f"{items}: -v"] if items else []),
        ("not judged", not_judged),
        ("conditions", conditions),
    ]
    told: list[str] = []
    for lines, most in ((2, _LIST_MAX), (1, _LIST_MAX), (1, 3), (1, 2), (1, 1)):
        told = ["", *(line for label, listed in entries for line in several_labelled(label, listed, page, most, lines))]
        if len(told) <= room:
            break
    return told


def _also_passed(record: RunRecord) -> str:
    """By kind of check, without what has a row of its own."""
    others = [
        result
        for result in record.results
        if result.outcome is Outcome.PASSED
        and wording.decides(result)
        and not checklist.is_item(result)
        and not any(map(is_term, result.criteria))
    ]
    if not others or not any(is_term(one) for result in record.results for one in result.criteria):
        return ""
    kinds = Counter(result.kind.split(" ")[0] or "rollback" for result in others)
    return f"{len(others)} more: {', '.join(f'{kind} {count}' for kind, count in kinds.items())}"


def _not_judged(record: RunRecord) -> Iterable[str]:
    """What says nothing about the verdict, as counts; all of it is on the page and with -v."""
    items = [result for result in record.results if checklist.is_item(result)]
    not_done = [result for result in items if checklist.state(result) == NOT_DONE]
    if not_done:
        yield f"{len(not_done)} of the checklist found not done: {_ids(not_done)}"
    advisory = [one for one in wording.problems(record) if not wording.decides(one) and not checklist.is_item(one)]
    if advisory:
        yield f"{len(advisory)} only advisory: {_ids(advisory)}"
    unconfirmed = [result for result in items if checklist.state(result) not in {NOT_DONE, CONFIRMED}]
    if unconfirmed:
        yield f"{len(unconfirmed)} of the checklist, confirmed by nobody (--ack): {_ids(unconfirmed)}"
    listed = {result.nodeid for result in items} | {
        one.nodeid for one in record.results if wording.decides(one) and one.outcome is not Outcome.KNOWN
    }
    for reason, names in wording.not_run(record).items():
        left = [name for name in names if name not in listed] if record.verdict != "GO" else names
        left = [name for name in left if name not in {result.nodeid for result in items}]
        if left:
            yield f"{len(left)}: {reason}"
