"""From what is known of each criterion to one recommendation: unknown never becomes no, and nobody talks a measurement away."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.decision.decision import (
    CHAT,
    EDGE,
    HOSTS,
    MODEL,
    OF_GAP,
    WORST_FIRST,
    Advice,
    Decision,
    Evidence,
    Finding,
    State,
    _causes,
    decide,
    strategies_for,
)
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.plan.plan_terms import Gap
from pam_rollback.probe.parts import BACK_END, BROWSER, FRONT_END, HEALTH, ROWS
from pam_rollback.report.record_parts import DecisionRecord, Recommendation

ROOT = Path(__file__).resolve().parents[3]
NO_FLAGS = {"ST-1": "constants", "ST-2": "constants"}
PLAN = load_plan(ROOT / "plan.toml")
CRITERIA = (*PLAN.immediate_criteria, *PLAN.consider_criteria)


def decided(
    states: Mapping[str, State],
    *,
    observed: Mapping[str, str] | None = None,
    vouched: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
) -> Decision:
    """All clear, but for these; ``without``: nobody judged it."""
    findings = [
        Finding(criterion, states.get(criterion, State.CLEAR), f"words of {criterion}")
        for criterion in CRITERIA
        if criterion not in without
    ]
    return decide(PLAN, findings, observed=observed or {}, vouched=vouched or {})


def advised(
    held: Mapping[str, tuple[str, ...]],
    *,
    outside: tuple[str, ...] = (),
    refused: Mapping[str, str] | None = None,
    more: Iterable[Finding] = (),
) -> Advice:
    """The advice when these criteria hold, by what fails on these parts."""
    findings = [Finding(name, State.HOLDS, "words", parts=parts, outside=outside) for name, parts in held.items()]
    advice = decide(PLAN, [*findings, *more], observed={}, vouched={}, refused=refused).advice
    assert advice is not None
    return advice


def ids_of(advice: Advice) -> tuple[str, ...]:
    """The strategy to begin with, empty where there is none, and those that come next."""
    return ("" if advice.strategy is None else advice.strategy.id, *(one.id for one in advice.next))


def test_all_clear_is_no_rollback() -> None:
    """The only way to exit code 0."""
    found = decided({})

    assert (found.recommendation, found.recommendation.exit_code) == (Recommendation.NO, 0)
    assert (found.why, found.unknown, found.advice) == ((), (), None)
    assert tuple(finding.criterion for finding in found.findings) == CRITERIA


@pytest.mark.parametrize("criterion", PLAN.immediate_criteria)
def test_each_of_the_first_list_asks_for_it_now(criterion: str) -> None:
    """One is enough, whatever else is unknown."""
    found = decided({"CR-2": State.UNKNOWN, criterion: State.HOLDS})

    assert (found.recommendation, found.recommendation.exit_code) == (Recommendation.NOW, 10)
    assert [finding.criterion for finding in found.why] == [criterion]
    assert [finding.criterion for finding in found.unknown] == ["CR-2"]
    assert found.advice is not None


@pytest.mark.parametrize("criterion", PLAN.consider_criteria)
def test_each_of_the_second_list_asks_to_consider_it(criterion: str) -> None:
    """Never "now", and never "no"."""
    found = decided({criterion: State.HOLDS})

    assert (found.recommendation, found.recommendation.exit_code) == (Recommendation.CONSIDER, 11)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"IR-5": State.CONSIDER}, Recommendation.CONSIDER),
        ({"IR-5": State.WATCH}, Recommendation.WATCH),
        ({"IR-5": State.WATCH, "CR-3": State.UNKNOWN}, Recommendation.WATCH),
        ({"IR-5": State.WATCH, "CR-3": State.HOLDS}, Recommendation.CONSIDER),
        ({"CR-3": State.UNKNOWN}, Recommendation.NOT_KNOWN),
        ({"IR-1": State.UNKNOWN, "CR-3": State.CONSIDER}, Recommendation.CONSIDER),
    ],
    ids=str,
)
def test_the_gravest_decides(states: dict[str, State], expected: Recommendation) -> None:
    """Now, consider, watch, not known, no: in this order; all but the first and the last end with 11."""
    found = decided(states)

    assert (found.recommendation, found.recommendation.exit_code) == (expected, 11)


def test_what_nobody_judged_is_not_known() -> None:
    """A criterion without a test is a question, not an all-clear."""
    found = decided({}, without=("CR-1",))

    assert found.recommendation is Recommendation.NOT_KNOWN
    assert [(finding.criterion, finding.evidence) for finding in found.unknown] == [("CR-1", Evidence.NONE)]


def test_several_tests_of_one_criterion_count_as_the_worst() -> None:
    """One that passed does not make up for one that could not look; what is met says what is not known besides."""
    others = [Finding(criterion, State.CLEAR, "") for criterion in CRITERIA if criterion != "IR-1"]
    clear, blind = Finding("IR-1", State.CLEAR, "closed"), Finding("IR-1", State.UNKNOWN, "one account only")
    met = Finding("IR-1", State.HOLDS, "let in")

    assert decide(PLAN, [*others, clear, blind], observed={}, vouched={}).recommendation is Recommendation.NOT_KNOWN
    found = decide(PLAN, [*others, clear, blind, met], observed={}, vouched={})
    assert [finding.words for finding in found.why] == ["let in; not known besides: one account only"]


def test_what_a_person_saw_outweighs_a_measurement() -> None:
    """The probes say clear, somebody saw it: it is met, and it is said who."""
    found = decided({}, observed={"IR-1": "Ann: a list of mails in the forum"})

    assert found.recommendation is Recommendation.NOW
    assert [(finding.evidence, finding.words) for finding in found.why] == [
        (Evidence.OBSERVED, "Ann: a list of mails in the forum")
    ]


def test_a_word_for_the_good_answers_what_is_unknown_only() -> None:
    """It never talks a measurement away, nor what lies between the criteria."""
    word = {"IR-4": "Ben: the dashboard is flat"}
    answered = decided({"IR-4": State.UNKNOWN}, vouched=word)

    assert answered.recommendation is Recommendation.NO
    assert [finding.words for finding in answered.findings if finding.evidence is Evidence.VOUCHED] == [word["IR-4"]]
    against = decided({"IR-4": State.HOLDS}, vouched=word)
    assert against.recommendation is Recommendation.NOW
    assert "which does not outweigh it: Ben" in against.why[0].words
    assert decided({"IR-4": State.WATCH}, vouched=word).recommendation is Recommendation.WATCH
    assert (
        decided({"IR-4": State.UNKNOWN}, observed={"IR-4": "Ann: slow"}, vouched=word).recommendation
        is Recommendation.NOW
    )


@pytest.mark.parametrize(
    ("states", "first", "rest", "why"),
    [
        ({"IR-2": State.HOLDS, "IR-5": State.HOLDS}, "ST-5", [], "what the rules name for IR-2"),
        ({"IR-5": State.HOLDS, "CR-2": State.HOLDS}, "ST-1", ["ST-4", "ST-5"], "what the rules name for IR-5"),
        ({"IR-1": State.HOLDS}, "ST-4", ["ST-3"], "flags alone leave a security hole in the code"),
        ({"IR-3": State.HOLDS, "IR-6": State.HOLDS}, "ST-5", [], "several critical problems at once (IR-3, IR-6)"),
        ({"CR-3": State.HOLDS}, "ST-1", ["ST-3"], "what the rules name for CR-3"),
        ({"CR-2": State.HOLDS, "CR-4": State.HOLDS}, "ST-3", [], "what answers CR-2, CR-4"),
        ({"CR-3": State.HOLDS, "IR-6": State.CONSIDER}, "ST-1", ["ST-4"], "what answers IR-6, CR-3"),
        ({"IR-4": State.HOLDS}, "ST-1", ["ST-2", "ST-4"], "what the rules name for IR-4"),
    ],
    ids=str,
)
def test_the_strategy_to_begin_with(states: dict[str, State], first: str, rest: list[str], why: str) -> None:
    """By the rules of plan.toml: what follows from another is no problem of its own, and a security hole is no matter of flags."""
    advice = decided(states).advice

    assert advice is not None
    assert ids_of(advice) == (first, *rest)
    assert why in advice.why


BOTH = (FRONT_END, BACK_END)


@pytest.mark.parametrize(
    ("held", "expected", "at_todays"),
    [
        ({"IR-2": (FRONT_END,), "IR-5": (FRONT_END,)}, ("ST-3", "ST-5"), ("ST-3", "ST-5")),
        # A back end that is down has no flags to switch; where a share fails, it may be a feature of it.
        ({"IR-2": (BACK_END, HEALTH), "IR-5": (BACK_END,)}, ("ST-4", "ST-5"), ("ST-4", "ST-5")),
        ({"IR-2": (BROWSER,)}, ("ST-4", "ST-5"), ("ST-4", "ST-5")),
        ({"IR-5": (BACK_END, CHAT)}, ("ST-1", "ST-4", "ST-5"), ("ST-4", "ST-5")),
        ({"IR-2": BOTH}, ("ST-5", "ST-4", "ST-3"), ("ST-5", "ST-4", "ST-3")),
        # One part is down, of the other a share fails; who only answers late because of it adds no part.
        ({"IR-2": (FRONT_END,), "IR-5": BOTH}, ("ST-5", "ST-4", "ST-3"), ("ST-5", "ST-4", "ST-3")),
        ({"IR-2": (BACK_END,), "IR-4": BOTH}, ("ST-4", "ST-5"), ("ST-4", "ST-5")),
        ({"IR-5": (CHAT,)}, ("ST-1", "ST-2", "ST-4", "ST-5"), ("ST-4", "ST-5")),
        ({"CR-3": ()}, ("ST-1", "ST-3"), ("ST-3",)),
        ({"CR-1": ()}, ("ST-1", "ST-3", "ST-4"), ("ST-3", "ST-4")),
        ({"IR-4": (BACK_END,)}, ("ST-1", "ST-2", "ST-4"), ("ST-4",)),
        ({"CR-5": (FRONT_END,)}, ("ST-3", "ST-5"), ("ST-3", "ST-5")),
        ({"CR-5": BOTH}, ("ST-5", "ST-4", "ST-3"), ("ST-5", "ST-4", "ST-3")),
        # Memory is the back end's; of a hole nobody knows the part, and both together are several problems.
        ({"IR-5": (BACK_END,), "IR-6": (BACK_END,)}, ("ST-4", "ST-5"), ("ST-4", "ST-5")),
        ({"IR-5": (BACK_END,), "IR-1": ()}, ("ST-5",), ("ST-5",)),
        ({"IR-5": ()}, ("ST-1", "ST-4", "ST-5"), ("ST-4", "ST-5")),
    ],
    ids=str,
)
def test_the_advice_follows_the_parts(
    held: Mapping[str, tuple[str, ...]], expected: tuple[str, ...], at_todays: tuple[str, ...]
) -> None:
    """On a product whose flags can be switched, and on today's, where a strategy by flags is refused."""
    plans, today = (advised(held, refused=refused) for refused in ({}, NO_FLAGS))

    assert ids_of(plans) == expected
    assert ids_of(today) == at_todays
    assert (plans.first, today.first) == ("", "")
    assert ("not ST-1: constants" in today.why) is ("ST-1" in expected)


@pytest.mark.parametrize(
    ("held", "outside", "first", "expected"),
    [
        ({"IR-2": (BACK_END,), "IR-5": (BACK_END,)}, (EDGE,), "docs/runbook.md#blocked", ("", "ST-4", "ST-5")),
        ({"IR-2": BOTH, "IR-5": BOTH}, (HOSTS,), "docs/runbook.md#service-down", ("", "ST-5", "ST-4", "ST-3")),
        ({"IR-5": (CHAT,)}, (MODEL,), "docs/runbook.md#pam-unhealthy", ("", "ST-4", "ST-5")),
        ({"IR-2": (ROWS,)}, (), "docs/runbook.md#database-unhealthy", ("",)),
        ({"IR-2": (ROWS, BACK_END)}, (), "before any back end goes back", ("", "ST-4", "ST-5")),
        # The site needs no database to be served.
        ({"IR-2": (ROWS, FRONT_END)}, (), "before any back end goes back", ("ST-3",)),
        ({"IR-2": (ROWS, *BOTH)}, (), "before any back end goes back", ("ST-3",)),
    ],
    ids=str,
)
def test_what_no_rollback_lifts_comes_first(
    held: Mapping[str, tuple[str, ...]], outside: tuple[str, ...], first: str, expected: tuple[str, ...]
) -> None:
    """And nothing is begun that would only add to it; what fits afterwards is named."""
    advice = advised(held, outside=outside, refused=NO_FLAGS)

    assert advice.first.startswith("no rollback lifts this: ")
    assert first in advice.first
    assert ids_of(advice) == expected


def test_a_database_that_does_not_answer_explains_what_is_behind_the_pages_only() -> None:
    """Its words are IR-3's. A front page needs no database, and a dead one is brought back as ever."""
    words = "cannot ask the database: refused; see docs/runbook.md#database-unhealthy"

    def beside(held: Mapping[str, tuple[str, ...]]) -> Advice:
        return advised(held, more=[Finding("IR-3", State.UNKNOWN, words)])

    assert "#database-unhealthy" in beside({"IR-2": (BACK_END,)}).first
    assert ids_of(beside({"IR-2": (BACK_END,)})) == ("", "ST-4", "ST-5")
    assert ids_of(beside({"IR-2": ()})) == ("", "ST-5")
    assert (beside({"IR-2": (FRONT_END,)}).first, ids_of(beside({"IR-2": (FRONT_END,)}))) == ("", ("ST-3", "ST-5"))
    assert beside({"IR-4": (BACK_END,)}).first == ""


def test_a_cause_from_outside_that_does_not_explain_all_stops_nothing() -> None:
    """A leak beside a ban, or a page that is broken beside a chat without its model: there is something to take back."""
    banned, leak = (
        Finding("IR-5", State.HOLDS, "", parts=(BACK_END,), outside=(EDGE,)),
        Finding("IR-6", State.HOLDS, ""),
    )
    model = Finding("CR-2", State.HOLDS, "chat", parts=(CHAT,), outside=(MODEL,))
    page = Finding("CR-2", State.HOLDS, "page", parts=(FRONT_END,))

    for found in ([banned, leak], [model, page]):
        advice = decide(PLAN, found, observed={}, vouched={}).advice
        assert advice is not None
        assert advice.first == ""
        assert advice.strategy is not None


def test_damaged_data_is_not_answered_with_old_code_alone() -> None:
    """The code that does the damage goes back; that the rows do not come back with it is said first."""
    damaged = advised({"IR-3": ()})

    assert ids_of(damaged) == ("ST-4", "ST-5")
    assert damaged.first.startswith("old code brings no rows back: ")
    assert "docs/runbook.md#data-corrupted" in damaged.first
    assert "old code brings no rows back" in advised({"IR-3": (), "IR-2": (BACK_END,)}).first
    only_rules = decide(PLAN, [Finding("IR-3", State.CONSIDER, "a trigger")], observed={}, vouched={}).advice
    assert only_rules is not None
    assert only_rules.first == ""


@pytest.mark.parametrize("criterion", CRITERIA)
def test_what_is_refused_is_never_advised(criterion: str) -> None:
    """Neither first nor next. Where nothing that fits can be carried out, it is said what is done by hand, and where."""
    everything = {name: f"no {name} is declared" for name in PLAN.strategies}
    without = advised({criterion: ()}, refused=everything)
    named = ids_of(advised({criterion: ()}))

    assert ids_of(without) == ("",)
    assert "nothing that fits can be carried out from here: by hand" in without.first
    assert PLAN.strategies[named[0]].runbook in without.first
    for name in named:
        left = advised({criterion: ()}, refused={name: "no host is declared"})
        assert [one for one in ids_of(left) if one] == [one for one in named if one != name]
        assert f"not {name}: no host is declared" in left.why


@pytest.mark.parametrize("state", [State.WATCH, State.UNKNOWN])
def test_nothing_is_begun_by_a_suspicion(state: State) -> None:
    """Whoever is to look again gets no strategy to carry out."""
    assert decided({"IR-5": state}).advice is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('several = ["ST-5"]', 'several = ["ST-9"]', "[decision] several: 'ST-9' is not in [strategies]"),
        ('several = ["ST-5"]', 'several = ["ST-1"]', "[decision] several: a security hole is not answered by flags"),
        ('IR-1 = ["ST-4", "ST-3"]', 'IR-1 = ["ST-1"]', "a security hole is not answered by flags"),
        ('CR-3 = ["ST-1", "ST-3"]\n', "", "[decision.strategies] CR-3: expected the strategies for this criterion"),
        ('IR-4 = ["CR-5"]', 'IR-4 = ["CR-9"]', "[decision.follows]: 'CR-9' is no decision criterion"),
        ('not_yet = "watch"', 'not_yet = "roll back now"', "[decision.gaps] not_yet"),
        ('both = ["ST-5"', 'both = ["ST-9"', "[decision.parts] both: 'ST-9' is not in [strategies]"),
        ('front_end = ["ST-3", "ST-5"]', "front_end = []", "[decision.parts] front_end"),
        ('features = ["IR-4"', 'features = ["IR-9"', "[decision] features: 'IR-9' is no decision criterion"),
    ],
    ids=[
        *("no strategy", "only flags", "flags for a hole", "a criterion left out", "no criterion", "now for a gap"),
        *("no strategy of a part", "nothing for a part", "no criterion of a feature"),
    ],
)
def test_rules_that_make_no_sense_are_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """When the plan is read, with the place and what was expected."""
    text = (ROOT / "plan.toml").read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "plan.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ConfigurationError) as refused:
        load_plan(file)
    assert problem in str(refused.value)


@pytest.mark.parametrize(("graver", "other"), list(pairwise(WORST_FIRST)), ids=str)
def test_the_graver_finding_stands_for_the_criterion(graver: State, other: State) -> None:
    """Whichever test ran first; in the order holds, consider, watch, not known, clear."""
    assert list(WORST_FIRST) == list(State)
    others = [Finding(criterion, State.CLEAR, "") for criterion in CRITERIA if criterion != "IR-5"]
    both = [Finding("IR-5", state, f"it is {state}") for state in (other, graver)]
    found = decide(PLAN, [*others, *both], observed={}, vouched={})
    (own,) = [finding for finding in found.findings if finding.criterion == "IR-5"]

    besides = "; not known besides: it is not known" if other is State.UNKNOWN else ""
    assert (own.state, own.words) == (graver, f"it is {graver}{besides}")


def test_the_gravest_reason_comes_first() -> None:
    """Also when its criterion stands later in the plan."""
    why = decided({"IR-6": State.CONSIDER, "CR-3": State.HOLDS}).why

    assert [finding.criterion for finding in why] == ["CR-3", "IR-6"]


@pytest.mark.parametrize("state", [State.HOLDS, State.WATCH, State.CLEAR])
def test_a_measurement_that_says_the_same_keeps_its_words(state: State) -> None:
    """A person adds nothing to what was measured, and takes nothing from it."""
    word = {"IR-4": "Ann: I looked"}
    found = decided({"IR-4": state}, observed=word) if state is State.HOLDS else decided({"IR-4": state}, vouched=word)
    (own,) = [finding for finding in found.findings if finding.criterion == "IR-4"]

    assert own == Finding("IR-4", state, "words of IR-4", Evidence.MEASURED)


def test_what_is_only_to_be_considered_is_no_critical_problem() -> None:
    """One criterion for "now" is one, whatever else holds."""
    advice = decided({"IR-6": State.HOLDS, "CR-3": State.HOLDS}).advice

    assert advice is not None
    assert (ids_of(advice), advice.why) == (("ST-4",), "what the rules name for IR-6")


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Plan]:
    """The plan with other rules."""

    def load(*changes: tuple[str, str]) -> Plan:
        text = (ROOT / "plan.toml").read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
        return load_plan(tmp_path / "plan.toml")

    return load


def test_flags_alone_never_answer_a_security_hole(changed: Callable[..., Plan]) -> None:
    """Not even where several problems have them first."""
    plan = changed(('several = ["ST-5"]', 'several = ["ST-1", "ST-5"]'))
    findings = [Finding(name, State.HOLDS if name in {"IR-1", "IR-6"} else State.CLEAR, "") for name in CRITERIA]
    advice = decide(plan, findings, observed={}, vouched={}).advice

    assert advice is not None
    assert ids_of(advice) == ("ST-5",)


def test_problems_that_follow_from_each_other_leave_the_first(changed: Callable[..., Plan]) -> None:
    """Nobody is left without advice."""
    plan = changed(('IR-4 = ["CR-5"]', 'IR-4 = ["CR-5"]\nCR-5 = ["IR-4"]'))

    assert _causes(plan, ["IR-4", "CR-5"]) == ["IR-4"]


def test_the_plans_mitigation_comes_first(changed: Callable[..., Plan]) -> None:
    """Whatever our rules name first."""
    plan = changed(('CR-3 = ["ST-1", "ST-3"]', 'CR-3 = ["ST-4"]'))

    assert strategies_for(plan, "CR-3") == ("ST-1", "ST-4")


def test_each_word_for_a_gap_means_a_state() -> None:
    """All that plan.toml may say there."""
    assert {word: OF_GAP[word] for word in get_args(Gap)} == {
        "consider": State.CONSIDER,
        "watch": State.WATCH,
        "no": State.CLEAR,
    }


@pytest.mark.parametrize("word", [*Recommendation, "ROLL IT BACK, MAYBE"])
def test_a_record_ends_with_the_code_of_its_recommendation(word: str) -> None:
    """As the session did; words that nobody knows are never a GO."""
    codes = {"ROLL BACK NOW": 10, "NO ROLLBACK": 0}

    assert DecisionRecord(word, (), (), (), "").exit_code == codes.get(word, 11)


def test_a_finding_travels_as_plain_text() -> None:
    """Read back by the process that recommends."""
    assert Finding("IR-1", State.UNKNOWN, "one account").as_data() == {
        "state": State.UNKNOWN.value,
        "words": "one account",
    }
    failing = Finding("IR-2", State.HOLDS, "0 of 71", parts=(BACK_END, ROWS), outside=(EDGE,))
    assert Finding.of_data("IR-2", failing.as_data()) == failing
    assert Finding.of_data("IR-2", {"state": "holds", "words": "of an older process"}).parts == ()
