"""The escalation matrix as a function of time, and the facts about who was told, from written-out histories."""

from pathlib import Path
from typing import Any

import pytest

from pam_rollback.notify.briefing import Briefing
from pam_rollback.notify.escalation import (
    MEANS,
    NOTICE,
    Ladder,
    Means,
    Notice,
    Sent,
    sent_before,
)
from pam_rollback.notify.escalation_told import LATE_S, Followed
from pam_rollback.plan.plan import Plan, load_plan

ALL = ("slack", "pagerduty", "email", "statuspage")
MINUTE_S = 60.0


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The plan as it is."""
    return load_plan(Path(__file__).parents[3] / "plan.toml")


def ladder(plan: Plan, *abilities: str, drill: bool = False, on_sandbox: bool = False, pace: float = 1) -> Ladder:
    """The matrix for an environment with these abilities, all of them by default."""
    return Ladder.of(plan, abilities=abilities or ALL, drill=drill, on_sandbox=on_sandbox, pace=pace)


def keys(notices: tuple[Notice, ...]) -> list[str]:
    """What would be told."""
    return [notice.key for notice in notices]


def sent(occasion: str, means: Means, at_s: float, problem: str = "", contacts: tuple[str, ...] = ()) -> Sent:
    """One message of a history."""
    return Sent(Notice(occasion, means, 0.0, contacts), at_s, problem)


@pytest.mark.parametrize(("minutes", "latest"), [(0, 1), (5, 2), (15, 3), (30, 4)])
def test_levels_are_due_at_the_plans_minutes(plan: Plan, minutes: float, latest: int) -> None:
    """Each from its minute on, and nobody before."""
    due, before = ladder(plan).due(minutes * MINUTE_S, ()), ladder(plan).due(minutes * MINUTE_S - 1, ())

    assert sorted({notice.occasion for notice in due}) == [f"EM-{n}" for n in range(1, latest + 1)]
    assert f"EM-{latest}" not in {notice.occasion for notice in before}


def test_who_is_told_by_which_means_in_which_order(plan: Plan) -> None:
    """The whole matrix, written out."""
    due = ladder(plan).due(30 * MINUTE_S, ())

    assert keys(due) == [
        *("EM-1/slack", "EM-1/pagerduty"),
        *("EM-2/pagerduty", "EM-2/email", "EM-2/slack"),
        *("EM-3/pagerduty", "EM-3/email", "EM-3/slack"),
        *("EM-4/pagerduty", "EM-4/email", "EM-4/slack"),
        *("EM-4/statuspage", "EM-4/twitter", "EM-4/in_app_notice", "EM-4/user_email"),
    ]
    assert {notice.key: notice.contacts for notice in due if notice.means == "email"} == {
        "EM-2/email": ("EC-1", "EC-2"),
        "EM-3/email": ("EC-3", "EC-4"),
        "EM-4/email": ("EC-1", "EC-2", "EC-3", "EC-4"),
    }
    assert [notice.means for notice in due if notice.by_hand] == ["twitter", "in_app_notice", "user_email"]


def test_a_channels_audience_decides_when_it_is_told(plan: Plan) -> None:
    """A status page for the team is told with the team; a public incident channel with the customers, and as they are."""

    def keys_with(channel: str, audience: str) -> list[str]:
        item = plan.channels[channel].model_copy(update={"audience": audience})
        other = ladder(plan.model_copy(update={"channels": {**plan.channels, channel: item}}))
        assert ({"CH-1": "slack", "CH-3": "statuspage"}[channel] in other.outside) is (audience != "internal")
        return keys(other.due(30 * MINUTE_S, ()))

    assert keys_with("CH-3", "internal")[:3] == ["EM-1/slack", "EM-1/pagerduty", "EM-1/statuspage"]
    assert [key for key in keys_with("CH-1", "public") if key.endswith("/slack")] == ["EM-4/slack"]


@pytest.mark.parametrize(
    ("drill", "on_sandbox", "told"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_a_drill_never_tells_customers(plan: Plan, *, drill: bool, on_sandbox: bool, told: bool) -> None:
    """Outside the sandbox, whose page nobody but the drill sees."""
    matrix = ladder(plan, drill=drill, on_sandbox=on_sandbox)
    used = {notice.means for notice in matrix.due(30 * MINUTE_S, ())}

    assert ("statuspage" in used) is told
    assert told or matrix.left_out["statuspage"] == "a drill never tells the public anything"


def test_a_drill_tells_customers_nothing_whatever_the_plan_calls_them(plan: Plan) -> None:
    """A status page is read by anybody, also where a plan says that it is internal."""
    internal = {name: channel.model_copy(update={"audience": "internal"}) for name, channel in plan.channels.items()}
    mistaken = ladder(plan.model_copy(update={"channels": internal}), drill=True, on_sandbox=False)

    assert "statuspage" not in {notice.means for notice in mistaken.due(30 * MINUTE_S, ())}


def test_the_ending_goes_to_whoever_heard_the_beginning(plan: Plan) -> None:
    """By the means that worked, to the people who got mail, and to nobody else."""
    history = [
        sent("EM-1", "slack", 0.1),
        sent("EM-1", "pagerduty", 0.2, "refused the connection"),
        sent("EM-2", "email", 300.1, contacts=("EC-1", "EC-2")),
        sent("EM-2", "slack", 300.2),
    ]

    ending = ladder(plan).closing("done", 400.0, history)

    assert keys(ending) == ["done/slack", "done/email"]
    assert ending[1].contacts == ("EC-1", "EC-2")
    assert ladder(plan).closing("done", 1.0, []) == ()


def entry(occasion: str, means: str, problem: str = "") -> dict[str, Any]:
    """One line of a journal."""
    return {
        "event": NOTICE,
        "occasion": occasion,
        "means": means,
        "contacts": [],
        "due_s": 0.0,
        "after_s": 0.1,
        "problem": problem,
    }


def test_the_next_level_is_above_the_highest_that_heard(plan: Plan) -> None:
    """One that nobody took counts for nothing; after the last one there is nobody left."""
    ladder = Ladder.of(plan, abilities=ALL, drill=False, on_sandbox=True, pace=1)

    def heard(*levels: str, problem: str = "") -> list[Sent]:
        return [Sent(Notice(level, "slack", 0.0), 1.0, problem) for level in levels]

    def woken(sent: list[Sent]) -> str:
        level = ladder.next_to_wake(sent)
        return "" if level is None else level.id

    assert woken([]) == "EM-1"
    assert woken(heard("EM-1")) == "EM-2"
    assert woken([*heard("EM-1"), *heard("EM-2", problem="HTTP 500")]) == "EM-2"
    assert woken(heard("EM-3", "EM-1")) == "EM-4"
    assert woken(heard("EM-1", "EM-2", "EM-3", "EM-4")) == ""


def test_a_resumed_run_repeats_nothing(plan: Plan) -> None:
    """What the journal says was accepted is known; what failed is tried again; how the first run ended is not taken for this one's end."""
    journal = [
        {"event": "action"},
        entry("EM-1", "slack"),
        entry("EM-1", "pagerduty", "HTTP 500"),
        entry("failed", "slack"),
    ]
    known = sent_before(journal)

    assert [one.notice.key for one in known] == ["EM-1/slack"]
    assert keys(ladder(plan).due(1, [one.notice.key for one in known])) == ["EM-1/pagerduty"]


def briefing(*, drill: bool) -> Briefing:
    """A rollback."""
    return Briefing("production", "frontend", "white page for everybody", "20261125T0300Z-production-1a2b", drill=drill)


@pytest.mark.parametrize("means", MEANS)
@pytest.mark.parametrize("occasion", ["EM-1", "EM-4", "done", "failed", "over"])
def test_everything_about_a_drill_says_so_first(means: Means, occasion: str) -> None:
    """Whoever reads only the first word knows; nothing about a real one says it."""
    notice = Notice(occasion, means, 0.0)
    for drill in (True, False):
        told = briefing(drill=drill)
        internal = told.internal(notice, who=("engineering team",), elapsed_s=70, last_step="none yet")
        texts = (internal, told.public(notice), told.tweet, told.title, told.public_title)
        assert [text.startswith("DRILL") for text in texts] == [drill] * 5
        assert len(told.tweet) <= 280


def test_no_message_claims_that_all_is_well_before_it_is_verified() -> None:
    """Steps that are done are not a service that works: to the team and to customers."""
    told = briefing(drill=False)
    done = Notice("done", "slack", 0.0)

    assert "NOT verified yet" in told.internal(done, who=(), elapsed_s=10, last_step="tell the team (done)")
    assert told.public(done) == "We have put an earlier version of PAM back and are watching it closely."


def followed(plan: Plan, until_s: float, *history: Sent) -> Followed:
    """An escalation with a pace of 1 that was followed until then."""
    return Followed(ladder(plan), history, until_s)


@pytest.mark.parametrize(
    ("level", "until_s", "history", "why"),
    [
        pytest.param(
            "EM-1", 10.0, (sent("EM-1", "slack", 5.0, "silent"), sent("EM-1", "pagerduty", 5.1)), "", id="the next one"
        ),
        pytest.param("EM-1", 10.0, (sent("EM-1", "slack", 5.0, "silent"),), "Slack failed (silent)", id="none took it"),
        pytest.param(
            "EM-1", 10.0, (), "not everybody was told (nothing was tried), due after 0.0 s", id="nothing sent"
        ),
        pytest.param("EM-1", 100.0, (sent("EM-1", "slack", 31.0),), "told 31.0 s late, 30 s at most", id="late"),
        pytest.param("EM-2", 299.0, (), "", id="not due"),
        pytest.param("EM-2", 300.0, (), "technical lead, DevOps engineer: not everybody was told", id="just due"),
        pytest.param("EM-2", 200.0, (sent("EM-2", "slack", 100.0),), "told before their time", id="early"),
        pytest.param(
            "EM-4", 1800.0, (sent("EM-4", "slack", 1800.0),), "not everybody was told", id="not the customers"
        ),
        pytest.param(
            "EM-4", 1800.0, (sent("EM-4", "statuspage", 1800.0),), "not everybody was told", id="not the team"
        ),
        pytest.param(
            "EM-4", 1800.0, (sent("EM-4", "slack", 1800.0), sent("EM-4", "statuspage", 1801.0)), "", id="both"
        ),
    ],
)
def test_a_level_is_judged(plan: Plan, level: str, until_s: float, history: tuple[Sent, ...], why: str) -> None:
    """Told in time by one channel at least, or not due and left alone."""
    told = followed(plan, until_s, *history).level(level)

    assert (not told.early and told.late_s <= LATE_S) is (why == ""), told
    assert why in str(told)
    assert repr(told) == str(told)


@pytest.mark.parametrize(
    ("until_s", "history", "arrived", "why"),
    [
        pytest.param(299.0, (), (), "", id="not due"),
        pytest.param(299.0, (), ("a@b.c",), "got a mail before their time", id="early"),
        pytest.param(400.0, (sent("EM-2", "email", 300.0, contacts=("EC-1",)),), ("a@b.c",), "", id="written to"),
        pytest.param(400.0, (sent("EM-2", "email", 300.0, contacts=("EC-1",)),), None, "", id="nobody can look"),
        pytest.param(
            400.0,
            (sent("EM-2", "email", 300.0, contacts=("EC-1",)),),
            ("x@y.z",),
            "nothing arrived at a@b.c",
            id="lost",
        ),
        pytest.param(400.0, (sent("EM-2", "email", 300.0, "550", ("EC-1",)),), (), "e-mail failed (550)", id="refused"),
        pytest.param(
            400.0, (sent("EM-2", "email", 300.0, contacts=("EC-2",)),), ("a@b.c",), "nothing was tried", id="others"
        ),
    ],
)
def test_a_contact_is_judged(
    plan: Plan, until_s: float, history: tuple[Sent, ...], arrived: tuple[str, ...] | None, why: str
) -> None:
    """Mail to the right address when it is due, and where one can look, it arrived."""
    contact = followed(plan, until_s, *history).contact("EC-1", "a@b.c", arrived)

    assert (contact.why == "") is (why == ""), contact
    assert why in str(contact)


def test_no_message_at_all_is_not_all_messages(plan: Plan) -> None:
    """Empty is red, for the channels and for the ending."""
    nothing = followed(plan, 10.0)

    assert nothing.channels.n == 0
    assert "nobody was told anything" in str(nothing.channels)
    assert nothing.ending.number == 0
