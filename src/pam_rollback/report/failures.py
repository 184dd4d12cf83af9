"""What is not good, as all views tell it: a cause once, whatever number of tests met it, the worst and what is new before the rest.

And what the baseline has, too, with nobody to answer for it: once for each plan item, with one waiver for all of it.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pam_rollback.core.answer import SIGN_IN_LIMITED
from pam_rollback.report import sections, wording
from pam_rollback.report.run_record import Result, RunRecord, Unanswered
from pam_rollback.report.verdict import Outcome
from pam_rollback.target.known_before import NEW, NOTHING_NEW, nobody_answers, to_paste, waiver_for

HOW_TO: Final = "docs/how-to/record-a-baseline.md"
"""How somebody answers for what was there before."""
HEADING: Final = "Known before, and nobody answers for it"
_HEALTH: Final = "HC-"
_ANSWER: Final = " (GET "
"""From here on a message of health quotes the answer."""
_LIMIT: Final = re.compile(rf"{SIGN_IN_LIMITED}(?: \(HTTP 429(?:, again after [^)]*)?\))?")
"""How a limited sign-in is told, without where it was met."""


@dataclass(frozen=True)
class Failure:
    """The tests that one cause kept from being good, and what is said of them."""

    results: tuple[Result, ...]
    also: tuple["Failure", ...] = ()
    """What else the same test found in its other cases."""

    @property
    def first(self) -> Result:
        """The test that stands for all of them."""
        return self.results[0]

    @property
    def every(self) -> list[Result]:
        """All tests, those with the other causes included."""
        return [result for one in (self, *self.also) for result in one.results]

    @property
    def ids(self) -> str:
        """The plan items, each once."""
        return wording.ids(self.every)

    @property
    def count(self) -> str:
        """How many tests they are; empty for one."""
        return wording.tests(self.every) if len(self.every) > 1 else ""

    @property
    def names_new(self) -> bool:
        """It tells, one by one, what was not there before."""
        return wording.said(self.first).startswith(NEW)

    @property
    def heading(self) -> str:
        """What the first test proves. What kept different tests from looking stands for itself: none is about it."""
        first, every = self.first, self.every
        kept_from_looking = (
            first.outcome is Outcome.UNKNOWN
            and first.cause
            and len({one.title for one in every}) > 1
            and {(one.cause, one.message) for one in every} == {(first.cause, first.message)}
        )
        return first.cause if kept_from_looking and first.cause not in first.message else wording.proves(first)

    @property
    def found(self) -> str:
        """What the tests with this cause found, once, with the looks in which they found it."""
        first, messages = self.first, {result.message for result in self.results}
        if len(self.results) > 1 and all(result.nothing_new for result in self.results):
            old = _each(self.results)
            return f"{NOTHING_NEW}: {nobody_answers(_size(old), _counted(old))}"
        if len(messages) > 1 and wording.is_sign_in_limit(first.message, first.outcome):
            # Whoever came upon it with an answer at hand knows when to come again.
            words = max((met[0] for result in self.results for met in _LIMIT.finditer(result.message)), key=len)
            return f"{words}: no error of the service; sign in again later, and more rarely"
        own = wording.without_besides(wording.said(first))
        if self.in_other_words:
            return f"{first.cause}: {own}"
        looks = list(dict.fromkeys(look for one in self.results for look in wording.LOOK.findall(one.message)))
        found = wording.said(first) if len(messages) == 1 else own
        return wording.LOOK.sub(", ".join(looks), found) if len(looks) > 1 else found

    @property
    def in_other_words(self) -> list[str]:
        """A line for each test that tells the cause otherwise than the first one, in whose words it is told."""
        if not self.first.cause or _cause(self.first) != self.first.cause:
            return []
        told: dict[str, list[Result]] = {}
        for result in self.results:
            told.setdefault(wording.without_besides(wording.said(result)), []).append(result)
        return [f"{wording.ids(those)} {wording.proves(those[0])}: {words}" for words, those in [*told.items()][1:]]

    @property
    def in_a_line(self) -> str:
        """What the tests are about, and what all of them found instead."""
        return f"{self.heading}: {self.found}"

    @property
    def expected(self) -> str:
        """What was asked; of what is not known, what was there before, and what no test is about, nothing."""
        first = self.first
        asked = "; ".join(f"{one.what}: {one.asked}" for one in first.measured if one.asked)
        of_one_test = len({_without_case(one.nodeid) for one in self.every}) == 1
        of_it = of_one_test and not first.nothing_new and first.outcome not in {Outcome.UNKNOWN, *wording.HAPPENED}
        return asked if of_it else ""

    @property
    def pages(self) -> list[str]:
        """Where to go on, the page of the first test first; none where the cause itself says it and no test came to its question."""
        if wording.says_where(self.found) and self.heading == self.first.cause:
            return []
        return list(dict.fromkeys(one.runbook for one in self.every if one.runbook))


def not_good(record: RunRecord) -> list[Result]:
    """What keeps the verdict from a GO, the worst first; what a checklist asks for is a person's."""
    return [one for one in wording.problems(record) if wording.decides(one) and not sections.is_item(one)]


def only_advisory(record: RunRecord) -> list[Result]:
    """What was found and decides nothing, without the checklists, which have a list of their own."""
    return [one for one in wording.problems(record) if not wording.decides(one) and not sections.is_item(one)]


def advisory_lines(record: RunRecord) -> list[str]:
    """The same in words, a line a cause, with where one reads on."""
    return [
        "; ".join(filter(None, [f"{one.ids} {one.in_a_line}", one.first.runbook]))
        for one in by_cause(only_advisory(record))
    ]


def by_cause(bad: Iterable[Result]) -> list[Failure]:
    """One for each cause."""
    groups: dict[tuple[object, ...], list[Result]] = {}
    for result in bad:
        same = (result.outcome, _cause(result) or result.nodeid, result.situation, result.advisory)
        groups.setdefault(same, []).append(result)
    return [Failure(tuple(group)) for group in groups.values()]


def by_test(bad: Sequence[Result]) -> list[Failure]:
    """The same, in which the cases of one test, and whoever met the same cause, are one.

    Of what is as bad, health first, and of it the part that ails others: it says most of why; then success criteria and objectives in the
    order of their numbers: a share of requests that fail (SC-1) says why journeys (SC-5) come to no end.
    """
    order = {outcome: place for place, outcome in enumerate(dict.fromkeys(result.outcome for result in bad))}
    tests: dict[tuple[object, ...], list[Failure]] = {}

    def urgency(one: Failure) -> tuple[object, ...]:
        first = one.first
        terms = sorted(
            wording.by_number(item) for result in one.results for item in result.criteria if wording.is_term(item)
        )
        return (
            order[first.outcome],
            first.nothing_new,
            not _is_health(first),
            -_blamed(first, bad),
            not terms,
            terms[:1],
        )

    for one in sorted(by_cause(bad), key=urgency):
        result = one.first
        shared = result.nothing_new or result.cause or wording.is_sign_in_limit(result.message, result.outcome)
        met_by = _cause(result) if shared else _without_case(result.nodeid)
        tests.setdefault((result.outcome, result.situation, met_by), []).append(one)
    return [replace(first, also=tuple(also)) for first, *also in tests.values()]


def _cause(result: Result) -> str:
    """What stood in its way; all that is nothing new is one cause for each plan item."""
    if result.nothing_new:
        return f"{Outcome.KNOWN.value}: {' '.join(dict.fromkeys(one.item for one in result.unanswered))}"
    return wording.cause_of(result.message, result.outcome, result.cause)


def _without_case(nodeid: str) -> str:
    return nodeid.partition("[")[0]


def _is_health(result: Result) -> bool:
    return any(one.startswith(_HEALTH) for one in result.criteria)


def _blamed(result: Result, bad: Sequence[Result]) -> int:
    """How many other parts name this one where they say what ails them: an API without its database has the database's way out."""
    names = "|".join(re.escape(one.what.removeprefix("the ")) for one in result.measured) if _is_health(result) else ""
    if not names:
        return 0
    part = re.compile(rf"\b({names})\b", re.IGNORECASE)
    others = (one for one in bad if _is_health(one) and one.measured and {*result.criteria}.isdisjoint(one.criteria))
    return sum(part.search(one.message.partition(_ANSWER)[0]) is not None for one in others)


def more_reasons(record: RunRecord) -> list[str]:
    """Why the verdict is not GO, without what stands in the verdict line, or is found by a test; first, that nothing of it is new."""
    found = "\n".join(result.message for result in wording.problems(record))
    told = (
        reason
        for reason in record.reasons
        if reason != wording.short_reason(record) and reason.removeprefix(wording.NOT_DONE) not in found
    )
    return [*filter(None, [nothing_new(record)]), *told]


def nothing_new(record: RunRecord) -> str:
    """One sentence, where a NO-GO has no other cause than what was there before; empty otherwise."""
    bad = [one for one in record.results if wording.decides(one) and one.outcome not in {Outcome.PASSED, Outcome.KNOWN}]
    broken = [result for result in bad if result.outcome not in wording.BLIND]
    if record.verdict != "NO-GO" or record.decision is not None or not broken:
        return ""
    if not all(result.nothing_new for result in broken):
        return ""
    count = _size(_each(broken))
    all_of_it = f"all {count} were" if count > 1 else "the one finding was"
    first = "of what could be judged, nothing is new" if len(broken) < len(bad) else "nothing is new"
    return f"{first}: {all_of_it} there before, and nobody answers for {'them' if count > 1 else 'it'}"


def old_items(record: RunRecord) -> dict[str, list[Unanswered]]:
    """What was there before, by plan item."""
    found = _each(record.results)
    return {item: [one for one in found if one.item == item] for item in dict.fromkeys(one.item for one in found)}


def waivers(record: RunRecord) -> list[str]:
    """Of each plan item the one waiver that would name all that was there before."""
    return [waiver_for(*_named(item, found)) for item, found in old_items(record).items()]


def proposed(record: RunRecord) -> list[str]:
    """Those waivers, each on a line; of a baseline, where nothing else wants the screen, as a file takes them."""
    if record.verdict != "GO":
        return waivers(record)
    today = datetime.fromisoformat(record.started.iso).date()
    return [line for item, found in old_items(record).items() for line in to_paste(*_named(item, found), today)]


def old_lines(record: RunRecord) -> list[str]:
    """All of it: by item the waiver, then each kind with what was found."""
    told: list[str] = []
    for item, found in old_items(record).items():
        told.append(f"{item}: {_size(found)}; {waiver_for(*_named(item, found))}")
        kinds: dict[str, list[str]] = {}
        for one in found:
            kinds.setdefault(one.kind, []).extend(one.findings)
        told += [f"{item} {kind + ': ' if kind else ''}{'; '.join(each)}" for kind, each in kinds.items()]
    return told


def _named(item: str, found: Iterable[Unanswered]) -> tuple[str, Collection[str], int]:
    """The patterns of a waiver that names all of it, and how many findings of the baseline they name."""
    borne = {one.pattern: max(one.borne, len(one.findings)) for one in found}
    return item, borne, sum(borne.values())


def _each(results: Iterable[Result]) -> list[Unanswered]:
    return list(dict.fromkeys(one for result in results for one in result.unanswered))


def _size(found: Iterable[Unanswered]) -> int:
    return sum(one.count for one in found)


def _counted(found: Sequence[Unanswered]) -> str:
    kinds: Counter[str] = Counter()
    for one in found:
        if one.kind:
            kinds[one.kind] += one.count
    of_kinds = ", ".join(f"{kind} ({count})" for kind, count in kinds.items())
    return "; ".join(filter(None, (of_kinds, *(text for one in found if not one.kind for text in one.findings))))
