"""The recommendation in words: the most urgent at the bottom of the screen, the same everywhere, and nothing left out."""

from typing import Literal

from pam_rollback.report import recommendation
from pam_rollback.report.record_parts import CriterionFound, DecisionRecord, StrategyAdvised


def found(identifier: str, state: str, words: str, evidence: str = "measured") -> CriterionFound:
    """One criterion."""
    asks_for: Literal["roll back now", "consider"] = "roll back now" if identifier.startswith("IR") else "consider"
    return CriterionFound(
        identifier, f"title of {identifier}", asks_for, state, words, evidence, f"docs/runbook.md#{identifier.lower()}"
    )


def strategy(identifier: str, command: str = "") -> StrategyAdvised:
    """One strategy."""
    return StrategyAdvised(
        identifier, f"name-{identifier}", "what it does", ("this", "that"), "within 30 s by the plan", "no drill yet",
        "not checked: pytest -m preflight", command, f"docs/runbook.md#{identifier.lower()}",
    )  # fmt: skip


NOW = DecisionRecord(
    recommendation="ROLL BACK NOW",
    criteria=(
        found("IR-2", "holds", "0 of 100 answers good, for 300 s"),
        found("IR-5", "holds", "Ann: nothing works", "seen by a person"),
        found("IR-6", "not known", "memory is not known: " + "because " * 60, "nobody"),
        found("CR-2", "between the criteria: watch", "one page is slow"),
        found("CR-3", "does not hold", "3 tests passed"),
        found("CR-4", "does not hold", "Ben: looked", "vouched for by a person"),
    ),
    why=("IR-2", "IR-5"),
    unknown=("IR-6",),
    answer_with="pytest -m decision --env production",
    strategy=strategy("ST-5"),
    chosen_because="what the rules name for IR-2",
    next=(strategy("ST-4", "pytest drills/test_backend.py"),),
)


def test_everything_is_told_the_most_urgent_first() -> None:
    """What to do, why, what next, what to answer, who said what, and what is not met."""
    told = dict(recommendation.paragraphs(NOW))

    assert list(told) == [
        "What to do",
        "Why",
        "Also found",
        "If that does not help",
        "Not known, and how to answer",
        "What people said",
        "Not met",
    ]
    assert told["What to do"] == (
        'ROLL BACK NOW: a criterion of the plan\'s list "roll back now" is met',
        "begin with ST-5 name-ST-5: what it does",
        "because it is what the rules name for IR-2",
        "the plan uses it for: this, that",
        "recovery: within 30 s by the plan; no drill yet",
        "ready: not checked: pytest -m preflight",
        "how: by hand, there is no story for it yet; docs/runbook.md#st-5",
    )
    assert told["Why"][0] == (
        "IR-2 (roll back now) is met, measured: title of IR-2: 0 of 100 answers good, for 300 s; docs/runbook.md#ir-2"
    )
    assert [words.split()[0] for words in told["Also found"]] == ["CR-2"]
    assert [words.split()[0] for words in told["What people said"]] == ["IR-5", "CR-4"]
    question, answers, command = told["Not known, and how to answer"]
    assert question.startswith("IR-6 (roll back now) title of IR-6: memory is not known")
    assert question.endswith("…")
    assert answers == '--observed IR-6="who: what" if it is so; --ack IR-6="who: evidence" if it is not'
    assert command == "add the answers to: pytest -m decision --env production"
