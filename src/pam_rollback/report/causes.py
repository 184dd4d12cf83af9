"""What is not good, on a terminal: the worst first, what is new before what is not, one cause once.

The first causes are told in full, with what was found, what was expected and where to go on; those after them have a line each, and the
rest is counted, with its plan items. All of it is on the page, in the record and with ``-v``.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from pam_rollback.environment.known_before import NEW
from pam_rollback.report import terminal_page, unanswered, wording
from pam_rollback.report.run_record import Result, RunRecord
from pam_rollback.report.terminal_page import WORDS, Page, Part, labelled
from pam_rollback.report.terms_table import by_number, is_term, not_good
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
_HEALTH: Final = "HC-"
_ANSWER: Final = " (GET "
"""From here on a message of health quotes the answer."""
_IN_FULL: Final = "; "
"""Stands between a number of tests and what they are about; what they found follows a colon."""
_WHERE_ELSE: Final = "-v or the page"

Causes = list[list[Result]]
"""What one test found in its cases; results that say the same are together."""


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


def _part(place: int, one: Causes, page: Page, several: bool) -> Part:  # noqa: FBT001 - a private word
    in_full = [_in_full(one, page, several, cut) for cut in (False, True)] if place < _IN_FULL_MAX else []
    in_lines = [_in_a_line(one, page, several, lines) for lines in (2, 1)]
    return Part([*in_full, *in_lines], usual=1 if place < _IN_FULL_MIN else -1)


def by_test(bad: Sequence[Result]) -> list[Causes]:
    """Of what is as bad, health first, and of it the part that ails others: it says most of why; then success criteria and objectives.

    Of these in the order of their numbers: a share of requests that fail (SC-1) says why journeys (SC-5) come to no end.

    The cases of one test, and whoever met the same cause, are told once.
    """
    order = {outcome: place for place, outcome in enumerate(dict.fromkeys(result.outcome for result in bad))}
    tests: dict[tuple[object, ...], Causes] = {}

    def urgency(group: Sequence[Result]) -> tuple[object, ...]:
        health = _is_health(group[0])
        terms = sorted(by_number(one) for result in group for one in result.criteria if is_term(one))
        return order[group[0].outcome], group[0].nothing_new, not health, -_blamed(group[0], bad), not terms, terms[:1]

    for group in sorted(terminal_page.alike(bad), key=urgency):
        result = group[0]
        met_by = wording.cause(result) if wording.is_shared(result) else result.nodeid.partition("[")[0]
        tests.setdefault((result.outcome, result.situation, met_by), []).append(group)
    return list(tests.values())


def _is_health(result: Result) -> bool:
    return any(one.startswith(_HEALTH) for one in result.criteria)


def _blamed(result: Result, bad: Sequence[Result]) -> int:
    """How many other parts name this one where they say what ails them: an API without its database has the database's way out."""
    names = "|".join(re.escape(one.what.removeprefix("the ")) for one in result.measured) if _is_health(result) else ""
    if not names:
        return 0
    part = re.compile(rf"\b({names})\b", re.IGNORECASE)
    own = {*result.criteria}
    others = (one for one in bad if _is_health(one) and one.measured and own.isdisjoint(one.criteria))
    return sum(part.search(one.message.partition(_ANSWER)[0]) is not None for one in others)


def _entry(causes: Causes, several: bool, ids: int | None, after_count: str, text: str) -> str:  # noqa: FBT001 - as above
    """``text`` after the outcome, and whose it is; ``after_count`` after how many tests it is of. ``ids``: so many plan items."""
    results = [result for group in causes for result in group]
    result = results[0]
    where = f" [{result.situation}]" if several and result.situation else ""
    word, named = WORDS[result.outcome][0], _few(results, ids) if ids else wording.ids(results)
    many = f"{len(results)} tests" if len(results) > 1 else ""
    if result.outcome in wording.HAPPENED and after_count == _IN_FULL:
        return f"{word}{where} {text} ({f'{many}: {named}' if many else named})"
    return f"{word} {named}{where} {many and f'{many}{after_count}'}{text}"


def _painted(lines: Sequence[str], outcome: Outcome, page: Page) -> list[str]:
    word, hue = WORDS[outcome]
    return [lines[0].replace(word, page.paint(word, hue, "bold"), 1), *lines[1:]]


def _in_full(causes: Causes, page: Page, several: bool, cut: bool) -> list[str]:  # noqa: FBT001 - as above
    result, results = causes[0][0], [result for group in causes for result in group]
    headline = _entry(causes, several, _IDS_OF_A_CAUSE_MAX if cut else None, _IN_FULL, wording.heading(results))
    lines = page.wrapped(headline, lines=4 if cut else None)
    lines = _painted(lines, result.outcome, page)
    blind = result.outcome is Outcome.UNKNOWN
    said = wording.said_together(causes[0])
    lines += labelled("why" if blind else "found", said, page, lines=3 if cut else None)
    asked = "; ".join(f"{one.what}: {one.asked}" for one in result.measured if one.asked)
    of_one_test = len({one.nodeid.partition("[")[0] for one in results}) == 1
    if asked and of_one_test and not blind and not result.nothing_new and result.outcome not in wording.HAPPENED:
        lines += labelled("expected", asked, page, lines=2 if cut else 3)
    new = [group for group in causes[1:] if _names_new(group)]
    named = new[: _FOUND_MAX - 1] if cut else new
    for group in named:
        lines += labelled("found", wording.said_together(group), page, lines=2 if cut else None)
    if len(named) < len(new):
        lines += labelled("", f"{len(new) - len(named)} more that are new: {_WHERE_ELSE}", page)
    if len(new) < len(causes) - 1:
        others = len(causes) - 1 - len(new)
        lines += labelled(
            "also",
            f"{others} more of this test, for {'another reason' if others == 1 else 'other reasons'}: -v",
            page,
        )
    if result.nothing_new:
        return ["", *lines]  # the waivers that would name it say where to go on
    if wording.says_where(said) and wording.heading(results) == result.cause:
        return ["", *lines]  # the pages of these tests are about what none of them came to
    pages = list(dict.fromkeys(one.runbook for one in results if one.runbook))
    # A cause that many tests met has the pages of all of them: the first is of what came first.
    lines += labelled("next", pages[0] if pages else "", page)
    if len(pages) > 1:
        sections = f"{len(pages) - 1} more section{'s' if len(pages) > 2 else ''}"  # noqa: PLR2004 - the first is told
        lines += labelled("", f"and {sections}, by what each test asks: -v", page)
    return ["", *lines]


def _in_a_line(causes: Causes, page: Page, several: bool, lines: int) -> list[str]:  # noqa: FBT001 - as above
    new = [wording.said_together(group) for group in causes if _names_new(group)]
    # What was found says what the test is about; its title does not say what is wrong.
    found = "; ".join(new) or wording.said_together(causes[0])
    text = _entry(causes, several, lines * _IDS_OF_A_LINE_MAX, ": ", found)
    return _painted(page.wrapped(text, lines=lines), causes[0][0].outcome, page)


def _counted_only(causes: Sequence[Causes], page: Page) -> list[str]:
    lines: list[str] = []
    for outcome in dict.fromkeys(one[0][0].outcome for one in causes):
        results = [result for one in causes if one[0][0].outcome is outcome for group in one for result in group]
        text = f"{WORDS[outcome][0]} {_few(results)}: {wording.tests(results)} more: {_WHERE_ELSE}"
        lines += _painted(page.wrapped(text, lines=2), outcome, page)
    return lines


def _of_old(record: RunRecord, page: Page) -> list[str]:
    named = [item for item, _ in unanswered.waivers(record)]
    if not named:
        return []
    text = f"{wording.few(named, _IDS_MAX)}: something was there before. How somebody answers for it: {unanswered.HOW_TO}, {_WHERE_ELSE}"
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
        lines += [
            "",
            *labelled(
                "not run",
                f"{_few(results) if cut else wording.ids(results)} {wording.tests(results)}: {reason}",
                page,
                lines=2 if cut else None,
            ),
        ]
    if len(shown) < len(reasons):
        others = [result for _, results in reasons[len(shown) :] for result in results]
        lines += labelled(
            "", f"{wording.tests(others)} more, for {len(reasons) - len(shown)} other reasons: {_WHERE_ELSE}", page
        )
    return lines


def _names_new(group: Sequence[Result]) -> bool:
    """Whether it tells, one by one, what was not there before."""
    return wording.said(group[0]).startswith(NEW)


def _few(results: Iterable[Result], most: int = _IDS_MAX) -> str:
    return wording.few(wording.ids(results).split(), most)
