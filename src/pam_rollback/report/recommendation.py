"""The recommendation of a decision session in words: the same paragraphs in the terminal, in the job summary and in the report."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from pam_rollback.base.outside_text import cut

if TYPE_CHECKING:
    from pam_rollback.report.record_parts import CriterionFound, DecisionRecord, StrategyAdvised
    from pam_rollback.report.run_record import RunRecord

_DO: Final = {
    "ROLL BACK NOW": 'a criterion of the plan\'s list "roll back now" is met',
    "CONSIDER A ROLLBACK": "nothing asks for a rollback at once; something asks for a decision by a person",
    "WATCH": "nothing asks for a rollback yet; something is on its way there: look again in a few minutes",
    "NOT KNOWN": "nothing that was measured asks for a rollback, and not everything is known: this is no all-clear",
    "NO ROLLBACK": "every criterion of both lists was measured or answered for, and none is met",
}

_NOT_MET: Final = "does not hold"
_STATES: Final = {"holds": "is met", _NOT_MET: "is not met"}
_LONGEST: Final = 240
"""Of a sentence about what is not known; all of it stands with the problems."""

Paragraph = tuple[str, tuple[str, ...]]


def headline(decision: "DecisionRecord") -> str:
    """What to do, in one line."""
    return f"{decision.recommendation}: {meaning(decision)}"


def meaning(decision: "DecisionRecord") -> str:
    """What the recommendation says of the plan's two lists."""
    return _DO[decision.recommendation]


def paragraphs(decision: "DecisionRecord") -> list[Paragraph]:
    """Heading and entries, the most urgent first."""
    found = [
        ("What to do", tuple(_what_to_do(decision))),
        (
            "Why",
            tuple(
                _told(decision.found(identifier)) for identifier in decision.why if identifier not in decision.unknown
            ),
        ),
        ("Also found", tuple(_told(found) for found in decision.criteria if is_besides(found, decision))),
        ("If that does not help", tuple(_next(strategy) for strategy in decision.next)),
        ("Not known, and how to answer", tuple(_questions(decision))),
        ("What people said", tuple(_told(found) for found in decision.criteria if found.person_says)),
        ("Not met", tuple(_not_met(decision))),
    ]
    return [(heading, entries) for heading, entries in found if entries]


def recommended(record: "RunRecord") -> list[Paragraph]:
    """The same of a session; nothing of one that recommends nothing."""
    return [] if record.decision is None else paragraphs(record.decision)


def _what_to_do(decision: "DecisionRecord") -> Iterable[str]:
    yield headline(decision)
    strategy = decision.strategy
    if decision.caution:
        yield f"before anything else: {decision.caution}"
    if strategy is None:
        return
    yield f"begin with {_named(strategy)}"
    yield f"because it is {decision.chosen_because}"
    yield f"the plan uses it for: {', '.join(strategy.when_to_use)}"
    yield f"recovery: {strategy.objective}; {strategy.past}"
    yield f"ready: {strategy.readiness}"
    way = f"; {strategy.way}" if strategy.way else ""
    yield f"how: {strategy.command or 'by hand, there is no story for it yet'}{way}; {strategy.runbook}"


def _next(strategy: "StrategyAdvised") -> str:
    return (
        f"{_named(strategy)}; used for: {', '.join(strategy.when_to_use)}; recovery: {strategy.objective}, {strategy.past}; "
        f"ready: {strategy.readiness}; {strategy.runbook}"
    )


def _named(strategy: "StrategyAdvised") -> str:
    return f"{strategy.id} {strategy.name}: {strategy.title}"


def _told(found: "CriterionFound") -> str:
    return (
        f"{found.id} ({found.asks_for}) {state(found)}, {found.evidence}: {found.title}: {found.words}; {found.runbook}"
    )


def state(found: "CriterionFound") -> str:
    """Whether it is met, or what is recommended of a gap. The record says "holds", which reads like good news."""
    return _STATES.get(found.state, found.state)


def is_besides(found: "CriterionFound", decision: "DecisionRecord") -> bool:
    """Met, or between the criteria, and not what decided."""
    return found.id not in {*decision.why, *decision.unknown} and not is_clear(found)


def is_clear(found: "CriterionFound") -> bool:
    """Measured, or vouched for, and not met."""
    return found.state == _NOT_MET


def _questions(decision: "DecisionRecord") -> Iterable[str]:
    for identifier in decision.unknown:
        found = decision.found(identifier)
        yield f"{identifier} ({found.asks_for}) {found.title}: {cut(found.words, _LONGEST)}"
        yield f'--observed {identifier}="who: what" if it is so; --ack {identifier}="who: evidence" if it is not'
    if decision.unknown:
        yield f"add the answers to: {decision.answer_with}"


def _not_met(decision: "DecisionRecord") -> Iterable[str]:
    clear = [found for found in decision.criteria if is_clear(found)]
    if clear:
        yield ", ".join(f"{found.id} {found.title}" for found in clear)
