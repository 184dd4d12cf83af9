"""From what tests found, and what people say, to the decision."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.decision.decision import (
    BROWSERS,
    CHAT,
    FINDING,
    MODEL,
    Decision,
    Evidence,
    Finding,
    State,
    decide,
)
from pam_rollback.environment.known_before import OF_OLD
from pam_rollback.observation.parts import FRONT_END
from pam_rollback.plan.plan import Plan
from pam_rollback.report.decision_record import Recommendation
from pam_rollback.report.verdict import Outcome
from pam_rollback.report.wording import without_own_word

_SHOWN = 3
_NOT_REACHED = re.compile(r"\b[a-z-]+ was not reached: ")
"""How an audit says that it never saw its page: a broken page, and no barrier on it (``browser/accessibility.py``)."""
_BLAMED = (
    (re.compile(r"\bask PAM: an apology instead of an answer\b"), ((CHAT,), (MODEL,))),
    (re.compile(r"\ban error screen: "), ((FRONT_END,), ())),
)
"""What journeys of a browser say of what failed behind the page, or in it; the first that fits."""


class Judging(Protocol):
    """A test that ran, and what it said."""

    properties: dict[str, Any]

    @property
    def message(self) -> str:
        """What was said of it."""

    @property
    def outcome(self) -> Outcome:
        """What came of it."""

    @property
    def criteria(self) -> list[str]:
        """The plan items that it serves."""


def decided(
    plan: Plan,
    tests: Sequence[Judging],
    not_asked: Iterable[tuple[str, Iterable[str]]],
    *,
    observed: Iterable[str],
    vouched: Iterable[str],
    refused: Mapping[str, str],
    whole: bool,
    unseen: Iterable[str] = (),
) -> Decision:
    """The recommendation. A selection that is not ``whole`` never says no.

    ``not_asked``: why a test was left out, and the plan items that it would have served; what it would have found is not known.
    ``observed`` and ``vouched``: what people say, as ``CRITERION=words``. ``refused``: strategies that cannot be carried out there.
    ``unseen``: browsers in which nobody looks here.
    """
    criteria = {*plan.immediate_criteria, *plan.consider_criteria}
    unknown = [
        Finding(criterion, State.UNKNOWN, why, Evidence.NONE)
        for why, ids in not_asked
        for criterion in criteria.intersection(ids)
    ]
    found = decide(
        plan,
        [*_findings(plan, tests, ", ".join(unseen)), *unknown],
        observed=_words_of_people(observed),
        vouched=_words_of_people(vouched),
        refused=refused,
    )
    if not whole and found.recommendation is Recommendation.NO:
        return replace(found, recommendation=Recommendation.NOT_KNOWN)
    return found


def _findings(plan: Plan, tests: Sequence[Judging], unseen: str) -> Iterable[Finding]:
    """One for each criterion and each thing that can be known of it: forty tests that passed are one sentence."""
    for criterion in (*plan.immediate_criteria, *plan.consider_criteria):
        own = [
            (test, _found(criterion, test))
            for test in tests
            if criterion in test.criteria and not test.properties.get("advisory")
        ]
        for state in State:
            alike = [(test, finding) for test, finding in own if finding.state is state]
            alike.sort(key=lambda one: one[1].old)  # what is new comes first
            if alike:
                words = _together(alike)
                if criterion == BROWSERS and unseen:
                    words += f"; not looked at in {unseen}"
                yield Finding.together(criterion, state, words, [finding for _, finding in alike])


def _found(criterion: str, test: Judging) -> Finding:
    own: Mapping[str, str] | None = test.properties.get(FINDING)
    outcome = test.outcome
    if outcome is Outcome.BROKEN_CRITERION and _NOT_REACHED.search(test.message):
        return Finding(criterion, State.UNKNOWN, without_own_word(test.message), Evidence.NONE)
    if outcome is Outcome.BROKEN_CRITERION:
        if own:
            return replace(Finding.of_data(criterion, own), state=State.HOLDS)
        parts, outside = _seen_in(test.message)
        old = bool(test.properties.get(OF_OLD))
        return Finding(criterion, State.HOLDS, test.message, parts=parts, outside=outside, old=old)
    if outcome is Outcome.PASSED:
        return Finding.of_data(criterion, own) if own else Finding(criterion, State.CLEAR, "")
    if outcome is Outcome.KNOWN:
        return Finding(criterion, State.CLEAR, test.message)
    why = test.message.removeprefix(f"{MeasurementFailed.__name__}: ")
    return Finding(criterion, State.UNKNOWN, why or "the session ended before it was reached", Evidence.NONE)


def _seen_in(message: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The part that a page's own words blame, and the cause from outside; nothing where they blame none."""
    return next((found for words, found in _BLAMED if words.search(message)), ((), ()))


def _together(alike: Sequence[tuple[Judging, Finding]]) -> str:
    words = list(dict.fromkeys(finding.words for _, finding in alike if finding.words))
    silent = sum(not finding.words for _, finding in alike)
    more = [f"and {len(words) - _SHOWN} more"] if len(words) > _SHOWN else []
    passed = [f"{silent} test{'s' if silent > 1 else ''} passed"] if silent else []
    return "; ".join([*words[:_SHOWN], *more, *passed])


def _words_of_people(options: Iterable[str]) -> dict[str, str]:
    """By criterion; whoever says two things says both."""
    found: dict[str, str] = {}
    for text in options:
        criterion, _, words = text.partition("=")
        said = words.strip().strip('"')
        found[criterion] = f"{found[criterion]}; {said}" if criterion in found else said
    return found
