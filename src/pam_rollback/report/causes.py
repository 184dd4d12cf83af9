"""What is not good, on a terminal: the worst first, what is new before what is not, one cause once.

The first causes are told in full, with what was found, what was expected and where to go on; those after them have a line each, and the
rest is counted, with its plan items. All of it is on the page, in the record and with ``-v``.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from pam_rollback.report import failures, terminal_page, wording
from pam_rollback.report.failures import Failure, by_test, not_good
from pam_rollback.report.run_record import Result, RunRecord
from pam_rollback.report.terminal_page import WORDS, Page, Part, labelled
from pam_rollback.report.verdict import Outcome

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


def parts(record: RunRecord, page: Page) -> list[Part]:
    """A part of the screen for each of the first causes, for the rest of them, and for what would answer for what was there before."""
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
