"""What a recommendation says besides the strategy."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.browser.accessibility import Audit
from pam_rollback.decision.deciding import Here, decided, recommended, refused_in
from pam_rollback.decision.decision import FINDING, Finding, State, decide
from pam_rollback.plan.plan import load_plan
from pam_rollback.report import recommendation
from pam_rollback.report.verdict import Outcome
from pam_rollback.target.environment import _as_meant
from pam_rollback.target.environment_file import load_environment

ROOT = Path(__file__).resolve().parents[2]
PLAN = load_plan(ROOT / "plan.toml")
HELD = Finding("IR-5", State.HOLDS, "25 %", parts=("back end", "rows"), outside=("edge",))
NO_DATABASE = "cannot ask the database: Connection refused; see docs/runbook.md#database-unhealthy"


def found(holds: str, words_of_data: str) -> str:
    """What is to be done when a criterion holds, and that was found out about the users' data."""
    findings = [
        Finding(one, State.HOLDS if one == holds else State.CLEAR, "words")
        for one in (*PLAN.immediate_criteria, *PLAN.consider_criteria)
        if one != "IR-3"
    ]
    findings.append(Finding("IR-3", State.UNKNOWN, words_of_data))
    here = Here(PLAN, Path("/nowhere"), environment="e", env="e", on_sandbox=False, answer_with="")
    record = recommended(here, decide(PLAN, findings, observed={}, vouched={}))
    return "\n".join(dict(recommendation.paragraphs(record))["What to do"])


@pytest.mark.parametrize(
    ("holds", "words", "warned"),
    [("IR-2", NO_DATABASE, True), ("IR-2", "e declares no database", False), ("IR-4", NO_DATABASE, False)],
    ids=["down", "not declared", "by flags"],
)
def test_no_back_end_goes_back_while_its_database_is_down(holds: str, words: str, *, warned: bool) -> None:
    """It ends when it starts without its database: an outage would get longer. Flags may go back."""
    assert ("before any back end goes back" in found(holds, words)) is warned


@pytest.mark.parametrize(
    ("abilities", "possible"),
    [
        ((), set()),
        (("test_account", "netlify"), {"ST-3"}),
        (("render", "database"), {"ST-4"}),
        (("netlify", "render"), {"ST-3", "ST-4", "ST-5"}),
        (("netlify", "render", "flag_admin", "emergency_endpoint"), {"ST-1", "ST-2", "ST-3", "ST-4", "ST-5", "ST-6"}),
    ],
)
def test_a_strategy_is_refused_as_the_guard_would(abilities: tuple[str, ...], possible: set[str]) -> None:
    """On today's product, whose flags are constants: by what its environment declares."""
    environment = load_environment(
        str(ROOT / "environments/examples/staging.toml"), ROOT / "environments", {}
    ).model_copy(
        update={"abilities": frozenset(_as_meant([*abilities]))}  # type: ignore[call-overload]
    )
    refused = refused_in(PLAN, environment)

    assert set(PLAN.strategies) - set(refused) == possible
    if "ST-1" in refused:
        assert refused["ST-1"] == "nobody can switch a flag here (its flags are constants of the site's bundle)"
    if "ST-4" in refused:
        assert refused["ST-4"] == "no backend_host is declared"


def failed(message: str, criterion: str = "CR-2", **properties: object) -> Any:
    """A test that found its criterion met."""
    return SimpleNamespace(
        properties=properties, message=message, outcome=Outcome.BROKEN_CRITERION, criteria=[criterion]
    )


@pytest.mark.parametrize(
    ("tests", "parts", "outside"),
    [
        ([failed("asking PAM in chromium: ask PAM: an apology instead of an answer: 'I have'")], ("chat",), ("model",)),
        ([failed("3 of 4 pages: / shows an error screen: 'Oops!'")], ("front end",), ()),
        ([failed("ask PAM: an apology instead of an answer"), failed("an error screen: x")], ("chat", "front end"), ()),
        ([failed("ask PAM: an apology instead of an answer"), failed("add an expense: it is gone")], (), ()),
        ([failed("asking PAM in firefox: ask PAM: no answer within 5 s")], (), ()),
        ([failed("x", "IR-5", **{FINDING: HELD.as_data()})], ("back end", "rows"), ("edge",)),
    ],
)
def test_parts_and_causes_come_with_what_tests_found(
    tests: list[Any], parts: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    """By the finding that a test hands over, or by the words of a page; one test that blames nothing leaves it open."""
    decision = decided(PLAN, tests, [], observed=[], vouched=[], refused={}, whole=True)

    assert [(one.parts, one.outside) for one in decision.why] == [(parts, outside)]


def test_a_browser_in_which_nobody_looked_is_said() -> None:
    """People on iPhones have no other engine: journeys that went well elsewhere say nothing of theirs."""
    walked: Any = SimpleNamespace(properties={}, message="", outcome=Outcome.PASSED, criteria=["CR-2"])
    decision = decided(PLAN, [walked], [], observed=[], vouched=[], refused={}, whole=True, unseen=["webkit"])

    assert [one.words for one in decision.findings if one.criterion == "CR-2"] == [
        "1 test passed; not looked at in webkit"
    ]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (str(Audit("home-double-size", problem="sign in: HTTP 503")), State.UNKNOWN),
        ("label (2) on login-light", State.HOLDS),
    ],
    ids=["never seen", "seen"],
)
def test_a_page_that_was_not_reached_has_no_barrier_that_anybody_saw(said: str, state: State) -> None:
    """A dead API is no violation of WCAG; whether there is one is not known."""
    audit: Any = SimpleNamespace(
        properties={}, message=f"AssertionError: {said}", outcome=Outcome.BROKEN_CRITERION, criteria=["CR-4"]
    )
    decision = decided(PLAN, [audit], [], observed=[], vouched=[], refused={}, whole=True)

    assert {one.state for one in decision.findings if one.criterion == "CR-4"} == {state}


def test_what_is_new_comes_before_what_was_so_before() -> None:
    """An open door that everybody knows and nobody answers for counts, and does not take the first place in an outage."""

    def broken(criterion: str, words: str, *, old: bool = False) -> Any:
        properties = {"pam-nothing-new": True} if old else {}
        return SimpleNamespace(
            properties=properties, message=words, outcome=Outcome.BROKEN_CRITERION, criteria=[criterion]
        )

    door, down = broken("IR-1", "nothing new: a door", old=True), broken("IR-2", "nobody is served")
    decision = decided(PLAN, [door, down], [], observed=[], vouched=[], refused={}, whole=True)
    both = decided(PLAN, [door, broken("IR-1", "rows shown")], [], observed=[], vouched=[], refused={}, whole=True)

    assert [one.criterion for one in decision.why] == ["IR-2", "IR-1"]
    assert both.why[0].words == "rows shown; nothing new: a door"
    assert not both.why[0].old
