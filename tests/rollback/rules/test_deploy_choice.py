"""Which deploy to go back to: histories as the providers tell them, and what may never be chosen."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.core.errors import Refused
from pam_rollback.rollback.deploy_choice import History, live_in, only_live
from pam_rollback.rollback.deploys import Deploy, ServiceHost
from pam_rollback.rollback.providers.netlify import NETLIFY
from pam_rollback.rollback.providers.render import RENDER
from pam_rollback.rollback.release_proof import Versions

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def at(minute: float) -> datetime:
    """A moment of that day."""
    return NOON + timedelta(minutes=minute)


def site(name: str, made: float, published: float | None, *, state: str = "ready", **more: str) -> Deploy:
    """A deploy of Netlify; its commit is the name's letter, forty times."""
    moment = None if published is None else at(published)
    told = {"context": "production", "commit": name[0] * 40, **more}
    return Deploy(id=f"id-{name}", state=state, created_at=at(made), finished_at=moment, **told)  # type: ignore[arg-type]


def service(name: str, made: float, *, state: str = "deactivated", trigger: str = "new_commit") -> Deploy:
    """A deploy of Render, done a minute after it was made."""
    return Deploy(f"dep-{name}", state, name[0] * 40, at(made), at(made + 1), trigger=trigger)


A, B, C = site("a", 0, 1), site("b", 10, 11), site("c", 20, 21)


def test_the_last_one_that_users_had_is_chosen() -> None:
    """Whatever order they are told in."""
    choices = [History(NETLIFY, deploys, C).choose() for deploys in ([A, B, C], [C, B, A])]

    assert [choice.deploy for choice in choices] == [B, B]
    assert str(choices[0]) == (
        "target: id-b (ready, commit bbbbbbbbbbbb): the last one that users had (from 2026-11-25 12:11:00 UTC) before id-c, "
        "which they have now"
    )


def test_a_list_without_what_users_have_is_refused() -> None:
    """It is old, or not whole: what it has last may be days behind. A deploy that a person names is that one all the same."""
    with pytest.raises(
        Refused, match=r"the list of 1 deploys does not hold id-c .*, which users have: it is old, or not"
    ):
        History(NETLIFY, [A], C).choose()
    assert History(NETLIFY, [A], C).choose("id-a").deploy == A


class OldList:
    """A service whose list of deploys is from before the one that runs now."""

    rules = RENDER

    def deploys(self) -> Sequence[Deploy]:
        """As it was."""
        return [service("a", 0), service("b", 10, state="live")]

    def deploy(self, deploy_id: str) -> Deploy:
        """As it is."""
        return next(replace(one, state="deactivated") for one in self.deploys() if one.id == deploy_id)


def test_a_list_that_calls_live_what_was_replaced_is_refused() -> None:
    """The deploy itself tells otherwise, when it is asked for."""
    host = cast("ServiceHost", OldList())
    with pytest.raises(
        Refused, match=r"lists dep-b \(live.* and tells of it alone that it is deactivated: the list is old"
    ):
        live_in(host, host.deploys())


def test_twice_is_the_same_as_once_although_a_restore_changes_the_moments() -> None:
    """By the moment of publishing alone the bad one would be next."""
    restored = replace(B, finished_at=at(30))
    choice = History(NETLIFY, [A, restored, C], restored).choose()

    assert (choice.deploy, choice.already_there) == (restored, True)
    assert "users had the later id-c before, so it was gone back already; to go further back" in choice.why


def test_twice_is_the_same_as_once_on_render() -> None:
    """Where going back makes a new deploy of the old build."""
    deploys = [service("a", 0), service("b", 10), service("a2", 20, state="live", trigger="rollback")]
    choice = History(RENDER, deploys, only_live(RENDER, deploys)).choose()

    assert (choice.deploy.id, choice.already_there) == ("dep-a2", True)


def test_a_commit_that_was_built_again_is_gone_back_to_as_well() -> None:
    """Not only a rollback is a way back."""
    deploys = [service("a", 0), service("b", 10), service("a2", 20, state="live", trigger="api")]

    assert History(RENDER, deploys, deploys[-1]).choose().already_there


def test_a_bad_release_of_the_past_is_not_the_last_good_one() -> None:
    """B was bad, A was restored in its place, then C came: users had A last, although B was made later."""
    restored = replace(A, finished_at=at(15))

    assert History(NETLIFY, [restored, B, C], C).choose().deploy == restored


def test_what_was_restored_and_fails_now_is_left_for_an_earlier_one() -> None:
    """The incident began long after: the way back is never a later release."""
    restored = replace(B, finished_at=at(30))
    choice = History(NETLIFY, [A, restored, C], restored, incident_began=at(300)).choose()

    assert (choice.deploy, choice.already_there) == (A, False)


def test_a_restore_during_the_incident_is_the_way_back_that_was_gone() -> None:
    """A second person runs the same."""
    restored = replace(B, finished_at=at(30))

    assert History(NETLIFY, [A, restored, C], restored, incident_began=at(25)).choose().already_there


def test_a_release_that_came_after_the_incident_began_leaves_it_open_which_is_bad() -> None:
    """Somebody tried to repair by a new release; the one before it may be the cause. All candidates are shown."""
    with pytest.raises(Refused) as refused:
        History(NETLIFY, [A, B, C], C, incident_began=at(15), versions={"b" * 40: "1.42.0"}).choose()

    said = str(refused.value)
    assert (
        "users have id-c (ready, commit cccccccccccc) since 2026-11-25 12:21:00 UTC, after the incident began" in said
    )
    assert said.endswith(
        "candidates, the latest first:\n"
        "  --to id-b   1.42.0, commit bbbbbbbbbbbb, with users from 2026-11-25 12:11:00 UTC\n"
        "  --to id-a   commit aaaaaaaaaaaa, with users from 2026-11-25 12:01:00 UTC"
    )


def test_the_release_that_was_there_when_the_incident_began_is_the_bad_one() -> None:
    """The usual case."""
    assert History(NETLIFY, [A, B, C], C, incident_began=at(40)).choose().deploy == B


def test_the_same_release_deployed_again_is_no_way_back() -> None:
    """A redeployment of the bad commit is as bad."""
    again = site("c2", 30, 31)

    assert History(NETLIFY, [A, B, C, again], again).choose().deploy == B


def test_a_revert_is_gone_back_to_where_versions_are_known() -> None:
    """It has a commit of its own; only its version tells that it is the old release."""
    reverted = site("d", 30, 31)
    versions = {"b" * 40: "1.41.3", "c" * 40: "1.42.0", "d" * 40: "1.41.3"}

    assert History(NETLIFY, [A, B, C, reverted], reverted, versions=versions).choose().already_there


@pytest.mark.parametrize(
    "never",
    [
        pytest.param(site("b", 10, None), id="built while locked, never published"),
        pytest.param(site("b", 10, 11, context="deploy-preview"), id="a preview"),
        pytest.param(site("b", 10, 11, context="branch-deploy"), id="another branch"),
        pytest.param(site("b", 10, 11, state="error"), id="failed"),
        pytest.param(site("b", 10, 11, state="building"), id="not done"),
        pytest.param(site("b", 10, 11, state="archived"), id="a word that nobody knows"),
    ],
)
def test_what_users_never_had_or_cannot_have_is_not_chosen(never: Deploy) -> None:
    """An unknown word is never taken for a good one."""
    assert History(NETLIFY, [A, never, C], C).choose().deploy == A


def test_what_is_skipped_is_said() -> None:
    """Going back further than people think must be visible."""
    choice = History(NETLIFY, [A, replace(B, state="archived"), C], C).choose()

    assert choice.why.endswith("; id-b cannot be brought back: its state is archived, expected old or ready")


@pytest.mark.parametrize("state", ["created", "queued", "build_failed", "update_failed", "canceled", "novel"])
def test_a_deploy_of_render_that_was_never_live_is_not_chosen(state: str) -> None:
    """Only what was live and was replaced."""
    deploys = [service("a", 0), service("b", 10, state=state), service("c", 20, state="live")]

    assert History(RENDER, deploys, deploys[-1]).choose().deploy == deploys[0]


def test_without_a_candidate_nothing_is_chosen() -> None:
    """The first release has nothing before it."""
    with pytest.raises(Refused, match=r"no deploy that users had before id-a .* no deploy is a candidate"):
        History(NETLIFY, [A], A).choose()


def test_two_at_the_same_moment_are_not_told_apart() -> None:
    """A coin is no rule."""
    with pytest.raises(Refused, match="users got 2 releases at the same moment"):
        History(NETLIFY, [A, replace(B, finished_at=at(1)), C], C).choose()


def test_without_moments_there_is_no_order() -> None:
    """Neither for the live one nor for what may be before it."""
    with pytest.raises(Refused, match=r"it is not told when id-b .* was made"):
        History(NETLIFY, [A, replace(B, created_at=None), C], C).choose()
    with pytest.raises(Refused, match="not told since when users have"):
        History(NETLIFY, [A, B, C], replace(C, finished_at=None), incident_began=at(40)).choose()


@pytest.mark.parametrize("to", ["id-a", "aaaa", "a" * 40, "1.41.2"])
def test_a_named_one_wins_over_the_rule(to: str) -> None:
    """By id, by the beginning of its commit, by version."""
    versions = {"a" * 40: "1.41.2", "b" * 40: "1.41.3"}

    assert History(NETLIFY, [A, B, C], C, versions=versions).choose(to).deploy == A


def test_versions_are_looked_up_for_a_name_that_is_neither_id_nor_commit() -> None:
    """Looking them up takes time, which a rollback has not to give."""
    asked: list[Sequence[Deploy]] = []

    def versions_of(deploys: Sequence[Deploy]) -> Versions:
        asked.append(deploys)
        return Versions({"a" * 40: "1.41.2"}, "no repository")

    history = History(NETLIFY, [A, B, C], C)
    chosen = [history.choose(to, versions_of).deploy for to in ("", "id-a", "aaaa")]
    assert (chosen, asked) == ([B, A, A], [])

    assert history.choose("1.41.2", versions_of).deploy == A
    assert asked == [(A, B, C)]
    with pytest.raises(Refused, match=r"1\.9: no deploy of Netlify has this id or version, .* \(no repository\)"):
        history.choose("1.9", versions_of)


def test_a_named_one_wins_even_if_it_is_later() -> None:
    """Back to the bad one, if a person says so: an undo does."""
    restored = replace(B, finished_at=at(30))
    choice = History(NETLIFY, [A, restored, C], restored).choose("id-c")

    assert (choice.deploy, choice.already_there) == (C, False)


@pytest.mark.parametrize("to", ["id-c", "cccc", "1.42.0"])
def test_a_named_one_that_users_have_is_already_there(to: str) -> None:
    """Nothing is to be done."""
    assert History(NETLIFY, [A, B, C], C, versions={"id-c": "1.42.0"}).choose(to).already_there


def test_a_build_that_runs_again_under_another_id_is_already_there() -> None:
    """Render: twice `--to` the same deploy."""
    deploys = [service("a", 0), service("b", 10), service("a2", 20, state="live", trigger="rollback")]

    assert History(RENDER, deploys, deploys[-1]).choose("dep-a").already_there


def test_of_several_deploys_of_a_commit_the_last_that_users_had_is_taken() -> None:
    """Not one that was only built."""
    had, built = site("b", 10, 11), site("b2", 15, None)

    assert History(NETLIFY, [A, had, built, C], C).choose("bbbb").deploy == had


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("id-x", "no deploy of Netlify has this id, or a commit that begins so; versions are not known here"),
        ("bbb", "no deploy of Netlify has this id"),
        ("e", "no deploy of Netlify has this id"),
        ("id-e", "it cannot be brought back: its state is error, expected old or ready"),
        ("id-f", "it cannot be brought back: it is a deploy-preview, not one of production"),
        ("eeee", "id-e cannot be brought back: its state is error"),
        ("1234", "2 releases fit it: 123400000000, 123411111111"),
    ],
)
def test_a_name_that_fits_nothing_or_too_much_is_refused(to: str, why: str) -> None:
    """With the candidates; a beginning of a commit has four digits at least, as in git."""
    odd = [site("e", 2, None, state="error"), site("f", 3, 4, context="deploy-preview")]
    alike = [
        site("g", 5, 6, commit="1234" + "0" * 36),
        site("h", 7, 8, commit="1234" + "1" * 36),
    ]
    with pytest.raises(Refused) as refused:
        History(NETLIFY, [A, B, C, *odd, *alike], C).choose(to)

    assert why in str(refused.value)
    assert "--to id-b   commit bbbbbbbbbbbb" in str(refused.value)


def test_only_one_deploy_can_be_live() -> None:
    """None, or two, is something that nobody understands."""
    one, two = service("a", 0, state="live"), service("b", 10, state="live")

    assert only_live(RENDER, [one, service("c", 5)]) == one
    with pytest.raises(Refused, match="found none among 1"):
        only_live(RENDER, [service("c", 5)])
    with pytest.raises(Refused, match=r"found dep-a .*, dep-b"):
        only_live(RENDER, [one, two])


# ---------------------------------------------------------------- any history


@dataclass
class Site:
    """A site as Netlify keeps it: a restore changes the moment of publishing, nothing else."""

    deploys: list[Deploy] = field(default_factory=list)
    live: str = ""
    minute: float = 0

    def release(self, number: int) -> None:
        """Build and publish something new."""
        self.minute += 2
        self.deploys.append(
            Deploy(
                f"id-{number}", "ready", f"{number:040x}", at(self.minute), at(self.minute + 1), context="production"
            )
        )
        self.live = f"id-{number}"

    def restore(self, deploy_id: str) -> None:
        """Publish an earlier one again."""
        self.minute += 2
        self.deploys = [
            replace(deploy, finished_at=at(self.minute)) if deploy.id == deploy_id else deploy
            for deploy in self.deploys
        ]
        self.live = deploy_id

    @property
    def history(self) -> History:
        """As it is told now."""
        return History(NETLIFY, self.deploys, next(deploy for deploy in self.deploys if deploy.id == self.live))


@dataclass
class Backend(Site):
    """A service as Render keeps it: going back makes a new deploy with the old commit."""

    def release(self, number: int) -> None:
        """Build and run something new."""
        self._run(f"{number:040x}", "new_commit")

    def restore(self, deploy_id: str) -> None:
        """Run an earlier build again."""
        self._run(next(deploy.commit for deploy in self.deploys if deploy.id == deploy_id), "rollback")

    def _run(self, commit: str, trigger: str) -> None:
        self.minute += 2
        self.live = f"dep-{len(self.deploys)}"
        self.deploys = [replace(deploy, state="deactivated") for deploy in self.deploys]
        self.deploys.append(Deploy(self.live, "live", commit, at(self.minute), at(self.minute + 1), trigger=trigger))

    @property
    def history(self) -> History:
        """As it is told now."""
        return History(RENDER, self.deploys, only_live(RENDER, self.deploys))


@settings(deadline=None)
@given(st.sampled_from([Site, Backend]), st.lists(st.sampled_from(["release", "back"]), max_size=12), st.integers(1, 5))
def test_in_any_history_the_rule_goes_back_once_to_what_users_had_last(
    host: type[Site], before: Sequence[str], times: int
) -> None:
    """Releases and ways back in any order; then the rule is followed again and again: users keep what they had before the last release."""
    there = host()
    there.release(0)
    there.release(1)
    for number, what in enumerate(before, start=2):
        if what == "release":
            there.release(number)
        elif not (choice := there.history.choose()).already_there:
            there.restore(choice.deploy.id)
    good = there.history.live.commit
    there.release(100)
    for turn in range(times):
        choice = there.history.choose()
        assert choice.already_there is (turn > 0)
        if not choice.already_there:
            there.restore(choice.deploy.id)
        assert there.history.live.commit == good
