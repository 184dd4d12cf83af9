"""What a person sees when a session has ended: one screen, from the run record alone. ``scorecard`` shows all of it.

A GO fits into 40 lines of 80 columns: the verdict first and last, incident and strategy, the recovery asked for and measured, a line for
each success criterion and objective, what was not judged as counts. Anything else fits into 60, whatever was found: it begins with what
is broken, what is new before what was there before, and then with what could not be measured. Each part has a long and a short form.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Final

from pam_rollback.core.figures import duration
from pam_rollback.plan.checklist import CONFIRMED, NOT_DONE
from pam_rollback.report import failures, recommendation, sections, terminal_page, wording
from pam_rollback.report.failures import Failure, by_test, not_good, only_advisory
from pam_rollback.report.redaction import shown
from pam_rollback.report.run_record import ActionStep, ActionTaken, Result, RunRecord
from pam_rollback.report.terminal_page import WORDS, Page, Part, labelled, several_labelled
from pam_rollback.report.terms_table import criteria_table, drills_of, drills_table, is_recovery_time
from pam_rollback.report.verdict import Outcome

LINES_MAX: Final = 40
"""Of a GO, a decision and a plan."""
LINES_OF_NO_GO_MAX: Final = 60
"""Of anything else."""
_LIST_MAX: Final = 5
"""Lines of a list beside the verdict."""
_ROWS_OF_A_VERDICT: Final = 3
_ROWS_OF_TOPICS: Final = (24, 16, 12, 8, 5)
_ROWS_OF_THE_TABLE: Final = (20, 12, 5, 3)
_WELL: Final = "[x] "
"""How a topic marks what is as it should be."""
_LAST_STEPS: Final = 3
"""Of an action that came to no end, where room is short."""


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
    most = LINES_MAX
    if record.decision is not None:
        parts = recommendation.screen(record, record.decision, page, only_bad=only_bad)
    elif record.verdict == "PLANNED":
        parts = _planned(record, page, only_bad=only_bad)
    else:
        parts = _parts(record, page, zone, only_bad=only_bad)
        most = LINES_MAX if record.verdict == "GO" else LINES_OF_NO_GO_MAX
    return terminal_page.harmless(terminal_page.screen(parts, most, page), ascii_only=ascii_only)


def _parts(record: RunRecord, page: Page, zone: tzinfo | None, *, only_bad: bool) -> list[Part]:
    verdict = [terminal_page.verdict(record, page, most) for most in (None, _ROWS_OF_A_VERDICT)]
    reasons = Part([terminal_page.reasons(record, page, most) for most in (None, _ROWS_OF_A_VERDICT)], urgency=2)
    found = _causes(record, page)
    if only_bad:
        return [reasons, *found, Part(verdict[1:], urgency=0)]
    limits = [
        line for limit in (wording.rehearsed(record), wording.no_all_clear(record)) for line in page.wrapped(limit)
    ]
    # What the session itself answers before what it found out about rollbacks on the way.
    told = [*wording.told(record), *sections.preflight_in_short(record)]
    topics = [(heading, _folded(entries)) for heading, entries in told]
    is_go = record.verdict == "GO"
    return [
        Part([form[1:] for form in verdict], urgency=0),
        Part([limits], urgency=0),
        reasons,
        *found,
        Part([_head(record, page, zone, most) for most in (None, 1)], urgency=3),
        Part([_table(record, page, most) for most in _ROWS_OF_THE_TABLE], urgency=5),
        Part(
            [_besides(record, page, *most) for most in ((_LIST_MAX, 2), (_LIST_MAX, 1), (2, 1), (1, 1))],
            0 if is_go else 6,
        ),
        Part(
            [terminal_page.paragraphs(topics, page, most) for most in (LINES_MAX if is_go else None, *_ROWS_OF_TOPICS)],
            urgency=4,
        ),
        *terminal_page.where(record, page),
        Part(verdict[1:], urgency=0),
    ]


def _folded(entries: Sequence[str]) -> Sequence[str]:
    well = [entry for entry in entries if entry.startswith(_WELL)]
    if len(well) <= _LIST_MAX:
        return entries
    shown = [entry for entry in entries if entry not in well[_LIST_MAX - 1 :]]
    return [*shown, f"{_WELL}{len(well) - _LIST_MAX + 1} more: -v or the page"]


def _head(record: RunRecord, page: Page, zone: tzinfo | None, most: int | None) -> list[str]:
    """What was wrong, what was done about it, and how soon users were well again. ``most``: lines of each."""
    lines = [""]
    long = min(most or 2, 2)
    actions = _latest(record)
    for action in actions if len(actions) == 1 else ():  # of several, the table has a line each
        lines += labelled("incident", action.incident, page, lines=long)
        lines += labelled("strategy", f"{action.strategy} {action.story}: {action.title}", page, lines=long)
        lines += labelled("steps", _steps(record, action), page, lines=1)
        lines += labelled("recovery", _recovery(record, action.situation), page, lines=long)
    lines += labelled("when", _when(record, zone), page, lines=1)
    unfinished = record.verdict in {"ACTION FAILED", "UNDO FAILED"}
    return [*lines, *(terminal_page.steps(record, page, most and _LAST_STEPS) if unfinished else [])]


def _latest(record: RunRecord) -> list[ActionTaken]:
    """Of each situation the action that was decided last: a resumed run decides again."""
    return list({action.situation: action for action in record.actions}.values())


def _steps(record: RunRecord, action: ActionTaken) -> str:
    own = [step for step in record.steps if step.action == action.story and step.outcome != "undone"]
    if not own:
        return "none was begun"
    done = sum(step.outcome != "failed" for step in own)
    took_s = max(step.started_s + step.duration_s for step in own) - action.decided_s
    who = f"decided by {action.initiated_by}, " if record.mode == "real" else ""
    return f"{done} of {len(own)} done, {who}the last {duration(max(0.0, took_s))} after the decision"


def _recovery(record: RunRecord, situation: str) -> str:
    figures = [
        result.measured[0] for result in record.results if result.situation == situation and is_recovery_time(result)
    ]
    told = [f"{one.what} {wording.found(one)}, asked {one.asked}" for one in figures]
    return "; ".join(told) or "not measured"


def _when(record: RunRecord, zone: tzinfo | None) -> str:
    began, ended = (datetime.fromisoformat(moment.iso) for moment in (record.started, record.finished))
    return f"{began:%Y-%m-%d}, {wording.times_of_day((began, ended), zone)}"


def _table(record: RunRecord, page: Page, most: int | None) -> list[str]:
    return (
        drills_table(drills_of(record), page, most)
        if len(record.situations) > 1
        else criteria_table(record, page, most)
    )


def _besides(record: RunRecord, page: Page, most: int, lines: int) -> list[str]:
    """What else passed, what was not judged, and what the verdict rests on besides tests. ``most``: entries of each, in so many lines."""
    conditions, not_judged = wording.conditions(record), list(_not_judged(record))
    passed = _also_passed(record)
    items = sections.coverage_in_short(record)
    entries = [
        ("also passed", [passed] if passed else []),
        ("plan items", [f"{items}: -v"] if items else []),
        ("not judged", not_judged),
        ("conditions", conditions),
    ]
    return ["", *(line for label, listed in entries for line in several_labelled(label, listed, page, most, lines))]


def _also_passed(record: RunRecord) -> str:
    others = [
        result
        for result in record.results
        if result.outcome is Outcome.PASSED
        and wording.decides(result)
        and not sections.is_item(result)
        and not any(map(wording.is_term, result.criteria))
    ]
    if not others or not any(wording.is_term(one) for result in record.results for one in result.criteria):
        return ""
    kinds = Counter(result.kind.split(" ")[0] or "rollback" for result in others)
    return f"{len(others)} more: {', '.join(f'{kind} {count}' for kind, count in kinds.items())}"


def _items(found: Sequence[Result]) -> str:
    return f"{len(found)} checklist item{'s' if len(found) > 1 else ''}"


def _not_judged(record: RunRecord) -> Iterable[str]:
    """What says nothing about the verdict, as counts; all of it is on the page and with -v."""
    items = [result for result in record.results if sections.is_item(result)]
    not_done = [result for result in items if sections.checklist_state(result) == NOT_DONE]
    if not_done:
        yield f"{_items(not_done)} found not done: {wording.ids(not_done)}"
    advisory = only_advisory(record)
    if advisory:
        yield f"{len(advisory)} only advisory: {wording.ids(advisory)}"
    unconfirmed = [result for result in items if sections.checklist_state(result) not in {NOT_DONE, CONFIRMED}]
    if unconfirmed:
        yield f"{_items(unconfirmed)} that nobody confirmed (--ack): {wording.ids(unconfirmed)}"
    listed = {result.nodeid for result in items} | {
        one.nodeid for one in record.results if wording.decides(one) and one.outcome is not Outcome.KNOWN
    }
    for reason, names in wording.not_run(record).items():
        left = [name for name in names if name not in listed] if record.verdict != "GO" else names
        left = [name for name in left if name not in {result.nodeid for result in items}]
        if left:
            yield f"{wording.tests(left)}: {reason}"


_IN_FULL_MAX: Final = 6
"""So many causes may be told in full; those after them have a line each."""
_IN_FULL_MIN: Final = 2
"""So many are, whatever else there is to tell."""
CAUSES_MAX: Final = 12
"""Causes of their own; the rest is counted."""
_IDS_MAX: Final = 10
"""Plan items that are named where room is short."""
_IDS_OF_A_CAUSE_MAX: Final = 24
"""Those of one cause that is told in full, which many tests may have met."""
_IDS_OF_A_LINE_MAX: Final = 5
_FOUND_MAX: Final = 4
"""Findings of one test that are told where room is short."""
_IN_FULL: Final = "; "
"""Stands between a number of tests and what they are about; what they found follows a colon."""
_WHERE_ELSE: Final = "-v or the page"


def _causes(record: RunRecord, page: Page) -> list[Part]:
    """What is not good: a part for each of the first causes, for the rest of them, and for what would answer for what was there before.

    The first causes are told in full, with what was found, what was expected and where to go on; those after them have a line each, and
    the rest is counted, with its plan items.
    """
    causes = by_test(not_good(record))
    several = len(record.situations) > 1
    told = [_part(place, one, page, several) for place, one in enumerate(causes[:CAUSES_MAX])]
    waivers = (terminal_page.waivers(record, page), _of_old(record, page))
    not_run = [_not_run(record, page, cut) for cut in (False, True)]
    return [
        *told,
        Part([_counted_only(causes[CAUSES_MAX:], page)]),
        Part(waivers, urgency=2),
        Part(not_run, urgency=2),
    ]


def _part(place: int, one: Failure, page: Page, several: bool) -> Part:  # noqa: FBT001 - a private word
    in_full = [_in_full(one, page, several, cut) for cut in (False, True)] if place < _IN_FULL_MAX else []
    in_lines = [_in_a_line(one, page, several, lines) for lines in (2, 1)]
    return Part([*in_full, *in_lines], usual=1 if place < _IN_FULL_MIN else -1)


def _entry(one: Failure, several: bool, ids: int | None, after_count: str, text: str) -> str:  # noqa: FBT001 - as above
    """``text`` after the outcome, and whose it is; ``after_count`` after how many tests it is of. ``ids``: so many plan items."""
    result = one.first
    where = f" [{result.situation}]" if several and result.situation else ""
    word, named = WORDS[result.outcome][0], _few(one.every, ids) if ids else one.ids
    if result.outcome in wording.HAPPENED and after_count == _IN_FULL:
        return f"{word}{where} {text} ({f'{one.count}: {named}' if one.count else named})"
    return f"{word} {named}{where} {one.count and f'{one.count}{after_count}'}{text}"


def _painted(lines: Sequence[str], outcome: Outcome, page: Page) -> list[str]:
    word, hue = WORDS[outcome]
    return [lines[0].replace(word, page.paint(word, hue, "bold"), 1), *lines[1:]]


def _in_full(one: Failure, page: Page, several: bool, cut: bool) -> list[str]:  # noqa: FBT001 - as above
    headline = _entry(one, several, _IDS_OF_A_CAUSE_MAX if cut else None, _IN_FULL, one.heading)
    lines = ["", *_painted(page.wrapped(headline, lines=4 if cut else None), one.first.outcome, page)]
    blind = one.first.outcome is Outcome.UNKNOWN
    lines += labelled("why" if blind else "found", one.found, page, lines=3 if cut else None)
    lines += labelled("expected", one.expected, page, lines=2 if cut else 3)
    new = [other for other in one.also if other.names_new]
    named = new[: _FOUND_MAX - 1] if cut else new
    for other in named:
        lines += labelled("found", other.found, page, lines=2 if cut else None)
    if len(named) < len(new):
        lines += labelled("", f"{len(new) - len(named)} more that are new: {_WHERE_ELSE}", page)
    if others := len(one.also) - len(new):
        reason = "another reason" if others == 1 else "other reasons"
        lines += labelled("also", f"{others} more of this test, for {reason}: -v", page)
    if one.first.nothing_new:
        return lines  # the waivers that would name it say where to go on
    # A cause that many tests met has the pages of all of them: the first is of what came first.
    first, *more = one.pages or [""]
    sections = f"{len(more)} more section{'s' if len(more) > 1 else ''}"
    return [
        *lines,
        *labelled("next", first, page),
        *(labelled("", f"and {sections}, by what each test asks: -v", page) if more else []),
    ]


def _in_a_line(one: Failure, page: Page, several: bool, lines: int) -> list[str]:  # noqa: FBT001 - as above
    # What was found says what the test is about; its title does not say what is wrong.
    found = "; ".join(other.found for other in (one, *one.also) if other.names_new) or one.found
    text = _entry(one, several, lines * _IDS_OF_A_LINE_MAX, ": ", found)
    return _painted(page.wrapped(text, lines=lines), one.first.outcome, page)


def _counted_only(causes: Sequence[Failure], page: Page) -> list[str]:
    lines: list[str] = []
    for outcome in dict.fromkeys(one.first.outcome for one in causes):
        results = [result for one in causes if one.first.outcome is outcome for result in one.every]
        text = f"{WORDS[outcome][0]} {_few(results)}: {wording.tests(results)} more: {_WHERE_ELSE}"
        lines += _painted(page.wrapped(text, lines=2), outcome, page)
    return lines


def _of_old(record: RunRecord, page: Page) -> list[str]:
    if not (named := list(failures.old_items(record))):
        return []
    text = f"{wording.few(named, _IDS_MAX)}: something was there before. How somebody answers for it: {failures.HOW_TO}, {_WHERE_ELSE}"
    return ["", *page.wrapped(text, lines=3)]


def _not_run(record: RunRecord, page: Page, cut: bool) -> list[str]:  # noqa: FBT001 - as above
    by_reason: dict[str, list[Result]] = {}
    for result in record.results:
        if result.outcome is Outcome.NOT_RUN and wording.decides(result) and record.verdict != "GO":
            by_reason.setdefault(result.message or "no reason was given", []).append(result)
    reasons = [*by_reason.items()]
    shown = reasons[:2] if cut and len(reasons) > 3 else reasons  # noqa: PLR2004 - or one more that is only counted
    lines: list[str] = []
    for reason, results in shown:
        text = f"{_few(results) if cut else wording.ids(results)} {wording.tests(results)}: {reason}"
        lines += ["", *labelled("not run", text, page, lines=2 if cut else None)]
    if len(shown) < len(reasons):
        others = [result for _, results in reasons[len(shown) :] for result in results]
        text = f"{wording.tests(others)} more, for {len(reasons) - len(shown)} other reasons: {_WHERE_ELSE}"
        lines += labelled("", text, page)
    return lines


def _few(results: Iterable[Result], most: int = _IDS_MAX) -> str:
    return wording.few(wording.ids(results).split(), most)


def _planned(record: RunRecord, page: Page, *, only_bad: bool) -> list[Part]:
    """Of what ``--dry-run`` would do; ``only_bad``: the verdict alone."""
    verdict = terminal_page.verdict(record, page)
    if only_bad:
        return [Part([verdict])]

    def listed(label: str, entries: Sequence[str], forms: Sequence[int] = (5, 3, 1)) -> Part:
        return Part([several_labelled(label, entries, page, most, 1) for most in forms])

    return [
        Part([[*verdict[1:], ""]], urgency=0),
        listed("would do", _would_do(record), (15, 12, 8, 5)),
        Part([_would_ask(record, page, lines) for lines in (3, 2, 1)]),
        listed("left out", _left_out(record)),
        listed("conditions", wording.conditions(record)),
        *(listed(heading[:11], told) for heading, told in wording.told(record)),
        *terminal_page.where(record, page),
        Part([verdict], urgency=0),
    ]


def _would_do(record: RunRecord) -> list[str]:
    actions: dict[str, list[ActionStep]] = {}
    for step in record.steps:
        actions.setdefault(step.action, []).append(step)
    if len(actions) > 1:
        return [f"{action}: {'; '.join(step.step for step in steps)}" for action, steps in actions.items()]
    return [
        f"{place} {step.step}" + (f": {step.detail}" if step.detail else "")
        for place, step in enumerate(record.steps, 1)
    ]


def _would_ask(record: RunRecord, page: Page, lines: int) -> list[str]:
    asked = [result for result in record.results if not sections.is_item(result)]
    kinds = Counter(result.kind.split(" ")[0] or result.phase or "other" for result in asked)
    text = f"{len(asked)} tests: {', '.join(f'{kind} {count}' for kind, count in kinds.items())}" if asked else ""
    items = dict.fromkeys(item for result in asked for item in result.criteria)
    return [
        *labelled("would ask", text, page, lines=2),
        *labelled("of the plan", " ".join(items), page, lines=lines),
        *labelled("checklist", _checklist(record), page, lines=1),
    ]


def _checklist(record: RunRecord) -> str:
    items = [result for result in record.results if sections.is_item(result)]
    return f"{len(items)} items, of which some need a person's word (--ack)" if items else ""


def _left_out(record: RunRecord) -> list[str]:
    planned = {result.nodeid for result in record.results if result.outcome is Outcome.NOT_RUN}
    left = {
        reason: [name for name in names if name not in planned] for reason, names in wording.not_run(record).items()
    }
    return [f"{wording.tests(names)}: {reason}" for reason, names in left.items() if names]
