"""What is not good, on a terminal: the worst first, what is new before what is not, one cause once; in as much room as there is.

Each cause is told in full, with what was found, what was expected and where to go on; beyond some of them it is a line, and where even
lines do not fit the rest is counted, with its plan items. All of it is on the page, in the record and with ``-v``.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pam_rollback.environment.known_before import NEW
from pam_rollback.report import terminal_page, unanswered, wording
from pam_rollback.report.run_record import Result, RunRecord
from pam_rollback.report.terminal_page import WORDS, Page, fitted, labelled, rows
from pam_rollback.report.terms_table import by_number, is_term, not_good
from pam_rollback.report.verdict import Outcome

_TOLD_IN_FULL: Final = 6
"""So many causes are told in full; of more, each is a line."""
_IN_FULL_MIN: Final = 2
"""Before anything is only counted."""
_IDS_MAX: Final = 10
"""Plan items that are named where room is short."""
_IDS_OF_A_CAUSE_MAX: Final = 24
"""Those of one cause, which many tests may have met: they have lines of their own for them before anything of it is cut."""
_FOUND_MAX: Final = 4
"""Findings of one test that are told where room is short."""
_HEALTH: Final = "HC-"
_ANSWER: Final = " (GET "
"""From here on a message of health quotes the answer."""
_WRAPPED_MAX: Final = 2
"""So many fewer are told before one less is told in full."""
_WHERE_ELSE: Final = "-v or the page"

Causes = list[list[Result]]
"""What one test found in its cases; results that say the same are together."""


@dataclass(frozen=True)
class _Amount:
    in_full: int = _TOLD_IN_FULL
    causes: int | None = None
    """So many at all; None: all of them."""
    cut: bool = True
    """Long texts are."""
    waivers: bool = True
    """Each that would name what was there before."""


def told(record: RunRecord, page: Page, room: int | None) -> list[str]:
    """The lines. ``room``: so many rows of the terminal at most; None: as many as it takes."""
    causes = by_test(not_good(record))
    lines: list[str] = []
    for amount in _amounts(record, page, causes, room):
        lines = _lines(record, page, causes, amount)
        if room is None or rows(lines, page) <= room:
            break
    return lines


def rows_of_a_line_each(record: RunRecord, page: Page) -> int:
    """How many rows it takes to tell the first causes in full and to count none."""
    return rows(_lines(record, page, by_test(not_good(record)), _Amount(in_full=_IN_FULL_MIN)), page)


def _amounts(record: RunRecord, page: Page, causes: Sequence[Causes], room: int | None) -> Iterator[_Amount]:
    of_old = bool(wording.nothing_new(record))
    # Each takes a row at least.
    whole = range(_TOLD_IN_FULL, _IN_FULL_MIN - 1, -1) if room is None or len(causes) <= room else ()
    if whole:
        yield _Amount(cut=False)
    yield from (_Amount(in_full=count) for count in whole)
    for waivers in (True, False) if of_old else (False,):
        if not waivers:
            yield from (_Amount(in_full=count, waivers=False) for count in whole)
        for count in range(min(_TOLD_IN_FULL, len(causes)), -1, -1):
            least = _Amount(in_full=count, causes=count, waivers=waivers)
            spare = max(0, (room or 0) - rows(_lines(record, page, causes, least), page))
            # A row each, where none is wrapped: of the fewest in full, as many as fit.
            fewest = max(0, spare - _WRAPPED_MAX) if count else 0
            yield from (
                _Amount(in_full=count, causes=count + more, waivers=waivers) for more in range(spare, fewest - 1, -1)
            )


def _lines(record: RunRecord, page: Page, causes: Sequence[Causes], amount: _Amount) -> list[str]:
    several = len(record.situations) > 1
    shown = causes[: amount.causes]
    lines: list[str] = []
    for place, one in enumerate(shown):
        whole = place < amount.in_full or (one[0][0].nothing_new and amount.causes is None)
        lines += _in_full(one, page, several, amount.cut) if whole else _in_a_line(one, page, several, amount.cut)
    lines += _counted_only(causes[len(shown) :], page)
    lines += _of_old(record, page, amount)
    return lines + _not_run(record, page, amount.cut)


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


def _headline(causes: Causes, several: bool, cut: bool) -> str:  # noqa: FBT001 - private words
    return _entry(causes, several, cut, "; ", wording.heading([result for group in causes for result in group]))


def _entry(causes: Causes, several: bool, cut: bool, after_count: str, text: str) -> str:  # noqa: FBT001 - as above
    """``text`` after the outcome, and whose it is; ``after_count`` after how many tests it is of."""
    results = [result for group in causes for result in group]
    result = results[0]
    where = f" [{result.situation}]" if several and result.situation else ""
    word, named = WORDS[result.outcome][0], _few(results, _IDS_OF_A_CAUSE_MAX) if cut else wording.ids(results)
    many = f"{len(results)} tests" if len(results) > 1 else ""
    if result.outcome in wording.HAPPENED:
        return f"{word}{where} {text} ({f'{many}: {named}' if many else named})"
    return f"{word} {named}{where} {many and f'{many}{after_count}'}{text}"


def _painted(lines: Sequence[str], outcome: Outcome, page: Page) -> list[str]:
    word, hue = WORDS[outcome]
    return [lines[0].replace(word, page.paint(word, hue, "bold"), 1), *lines[1:]]


def _in_full(causes: Causes, page: Page, several: bool, cut: bool) -> list[str]:  # noqa: FBT001 - as above
    result = causes[0][0]
    most = _lines_of_ids(causes, page) + 1 if cut else None
    headline = fitted(_headline(causes, several, cut), page.width, first="  ", rest="    ", lines=most)
    lines = _painted(headline, result.outcome, page)
    blind = result.outcome is Outcome.UNKNOWN
    said = wording.said_together(causes[0])
    lines += labelled("why" if blind else "found", said, page, lines=3 if cut else None)
    asked = "; ".join(f"{one.what}: {one.asked}" for one in result.measured if one.asked)
    of_one_test = len({one.nodeid.partition("[")[0] for group in causes for one in group}) == 1
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
    if wording.says_where(said) and wording.heading([one for group in causes for one in group]) == result.cause:
        return ["", *lines]  # the pages of these tests are about what none of them came to
    pages = list(dict.fromkeys(one.runbook for group in causes for one in group if one.runbook))
    # A cause that many tests met has the pages of all of them: the first is of what came first.
    lines += labelled("next", pages[0] if pages else "", page)
    if len(pages) > 1:
        sections = f"{len(pages) - 1} more section{'s' if len(pages) > 2 else ''}"  # noqa: PLR2004 - the first is told
        lines += labelled("", f"and {sections}, by what each test asks: -v", page)
    return ["", *lines]


def _in_a_line(causes: Causes, page: Page, several: bool, cut: bool) -> list[str]:  # noqa: FBT001 - as above
    new = [wording.said_together(group) for group in causes if _names_new(group)]
    found, whole = "; ".join(new) or wording.said_together(causes[0]), new and not cut
    # Of a line that is cut what was found has to be left: it says what the test is about, its title does not say what is wrong.
    text = (
        f"{_headline(causes, several, cut)}: {found}"
        if whole or not found
        else _entry(causes, several, cut, ": ", found)
    )
    lines = fitted(text, page.width, first="  ", rest="    ", lines=None if whole else _lines_of_ids(causes, page))
    return _painted(lines, causes[0][0].outcome, page)


def _lines_of_ids(causes: Causes, page: Page) -> int:
    results = [result for group in causes for result in group]
    named = f"{WORDS[results[0].outcome][0]} {_few(results, _IDS_OF_A_CAUSE_MAX)}"
    return len(fitted(named, page.width, first="  ", rest="    ", lines=None))


def _counted_only(causes: Sequence[Causes], page: Page) -> list[str]:
    lines: list[str] = []
    for outcome in dict.fromkeys(one[0][0].outcome for one in causes):
        results = [result for one in causes if one[0][0].outcome is outcome for group in one for result in group]
        text = f"{WORDS[outcome][0]} {_few(results)}: {counted(results)} more: {_WHERE_ELSE}"
        lines += _painted(fitted(text, page.width, first="  ", rest="    ", lines=2), outcome, page)
    return lines


def _of_old(record: RunRecord, page: Page, amount: _Amount) -> list[str]:
    if amount.waivers:
        return terminal_page.waivers(record, page)
    named = [item for item, _ in unanswered.waivers(record)]
    if not named:
        return []
    text = f"{_of(named)}: something was there before. How somebody answers for it: {unanswered.HOW_TO}, {_WHERE_ELSE}"
    return ["", *fitted(text, page.width, first="  ", rest="    ", lines=3)]


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
                f"{_few(results) if cut else wording.ids(results)} {counted(results)}: {reason}",
                page,
                lines=2 if cut else None,
            ),
        ]
    if len(shown) < len(reasons):
        others = [result for _, results in reasons[len(shown) :] for result in results]
        lines += labelled(
            "", f"{counted(others)} more, for {len(reasons) - len(shown)} other reasons: {_WHERE_ELSE}", page
        )
    return lines


def _names_new(group: Sequence[Result]) -> bool:
    """Whether it tells, one by one, what was not there before."""
    return wording.said(group[0]).startswith(NEW)


def _few(results: Iterable[Result], most: int = _IDS_MAX) -> str:
    return _of(wording.ids(results).split(), most)


def _of(named: Sequence[str], most: int = _IDS_MAX) -> str:
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return f"{' '.join(named[:most])}{more}"


def counted(results: Sequence[Result]) -> str:
    """How many tests these are."""
    return f"{len(results)} test{'s' if len(results) > 1 else ''}"
