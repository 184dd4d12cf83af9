"""Each plan item is in one state, with the command that lets it be judged; the configuration is complete when none waits for one."""

import pytest

from pam_rollback.ops.connect.doctor import WAYS, Judge, State, as_lines, completeness, of_stories, way_to
from pam_rollback.plan.held_tests import HeldTest
from pam_rollback.plan.stories import STORIES
from pam_rollback.target.environment_tables import Ability

HERE = "here"
WELL = Judge("well", ("SC-1",), ("post_rollback",))
NO_DATABASE = Judge("rows", ("SC-1",), ("post_rollback",), ("database",))
NO_ENDPOINT = Judge("health", ("SC-1",), ("health",), why="there is no endpoint", by_contract=True)
NO_BASELINE = Judge("before", ("SC-1",), ("post_rollback",), why="pytest -m baseline --env here")
AFTERWARDS = Judge("told", ("SC-1",), ("post_rollback",), why="no rollback was done", later=True)
BROKEN = Judge("broken", ("SC-1",), (), crashed="KeyError: 'x'")
DECLARED = "in abilities of environments/here.toml"
DATABASE = f'export PAM_DATABASE_DSN=…; "database" {DECLARED}'


@pytest.mark.parametrize(
    ("judges", "state", "after", "complete"),
    [
        ([WELL], State.NOW, (), True),
        ([WELL, NO_ENDPOINT], State.NOW, (), True),
        ([AFTERWARDS], State.NOW, (), True),
        ([WELL, NO_DATABASE], State.PARTIAL, (DATABASE,), True),
        ([NO_DATABASE, NO_BASELINE], State.MISSING, (DATABASE, "pytest -m baseline --env here"), False),
        ([NO_DATABASE, NO_ENDPOINT], State.MISSING, (DATABASE,), False),
        ([NO_ENDPOINT], State.NOT_AVAILABLE, (), True),
        ([], State.MISSING, ("a test in checks/ that names it: nothing asks for it",), False),
        ([WELL, BROKEN], State.CRASHED, (), False),
    ],
    ids=["now", "all that can be", "later", "partial", "missing", "missing here", "no such thing", "nobody", "crashed"],
)
def test_each_item_is_in_one_state(
    judges: list[Judge], state: State, after: tuple[str, ...], *, complete: bool
) -> None:
    """As those who judge it are."""
    found = completeness({"SC-1": "stable"}, judges, HERE)
    [judged] = found.judged

    assert (judged.state, judged.after, found.complete) == (state, after, complete)


def test_what_is_a_persons_to_say_waits_for_no_test() -> None:
    """Unlike a criterion, whose check somebody took away."""
    found = completeness({"PRE-4": "on record"}, [], HERE)

    assert (found.judged[0].state, found.complete) == (State.NOT_AVAILABLE, True)


def test_a_waiver_that_holds_answers_for_an_item() -> None:
    """It waits for nothing then."""
    found = completeness(
        {"SC-1": "stable"}, [NO_DATABASE], HERE, waived={"SC-1": "waived until 2027-01-31 by Ann: none"}
    )

    assert found.complete
    assert found.judged[0].why == ("waived until 2027-01-31 by Ann: none",)


def test_lines_are_grouped_by_what_has_to_be_done() -> None:
    """What cannot be judged comes first."""
    items = {"SC-1": "a", "SC-2": "b", "HC-4": "c", "IR-1": "d", "PM-1": "e"}
    judges = [
        NO_DATABASE,
        Judge("w", ("SC-2",), ("post_rollback",)),
        Judge("r", ("SC-2",), ("post_rollback",), ("database",)),
        Judge("h", ("HC-4",), ("post_rollback",), why="no endpoint", by_contract=True),
        Judge("b", ("IR-1",), (), crashed="KeyError: 'x'"),
        Judge("p", ("PM-1",), ("post_rollback",)),
    ]

    assert list(as_lines(completeness(items, judges, HERE))) == [
        "2 of 5 plan items can be judged now",
        "[!] the check itself failed: b: KeyError: 'x': IR-1",
        f"[ ] after: {DATABASE}: SC-1 (and more of SC-2)",
        "[-] not available: no endpoint: HC-4",
        "[x] now: pytest -m post_rollback --env here: SC-2 PM-1",
    ]


def test_every_ability_has_a_way() -> None:
    """One that stands in the list, or its declaration."""
    known = set(Ability.__args__)  # type: ignore[attr-defined]

    assert set(WAYS) <= known | {"supabase_key"}
    assert way_to("metrics").what == '"metrics" in abilities of environments/{env}.toml'


def test_a_rollback_judges_what_its_file_does() -> None:
    """And its recovery time; an ability that is not declared is in its way."""
    held = {"frontend-restore": (HeldTest("test_it", frozenset(), frozenset({"ST-3"})),)}
    judges = [one for one in of_stories(STORIES, held, {"frontend-restore": "RTO-3"}, ()) if one.items]

    assert [(one.items, one.abilities) for one in judges] == [
        (("ST-3",), ("frontend_host",)),
        (("RTO-3",), ("frontend_host",)),
    ]
    assert all(one.can for one in of_stories(STORIES, held, {}, ("frontend_host",)) if one.items)
