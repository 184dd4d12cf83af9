"""What must be true of our client at an Unleash: the same scenes at the stand-in on every commit, and at the real server."""

import hashlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.clock import SystemClock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, ProviderError
from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch
from pam_rollback.plan.flags import Flag
from pam_rollback.plan.plan import load_plan
from pam_rollback.redeploy.ramp.facts import measured, wanted_at
from pam_rollback.rollback.flag_facts import Fare
from pam_rollback.rollback.flags import FlagRollback, Flags, raise_flags, switched_off, undo_flags
from pam_rollback.rollback.gradual import GoingDown, Way, take_back_by_shares
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.preflight_questions import closed, evaluation_known, flags_known
from pam_rollback.rollback.step_list import StepList, Telling
from pam_rollback.stats.percentiles import Percentile
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.flag_service import flag_admin_of, flag_admin_url, flag_evaluation_of
from pam_rollback.target.service_settings import Unleash
from pam_rollback.target.unleash import UnleashAdmin, UnleashEvaluation
from tests.sessions import ROOT
from tests.unleash_stand_in import ADMIN, FRONTEND, OTHER_FRONTEND

OFF, ON = Flag(enabled=False, rollout_pct=0), Flag(enabled=True, rollout_pct=100)
USERS = [f"user-{number}" for number in range(60)]
STRATEGY = load_plan(ROOT / "plan.toml").strategy("gradual")
WAY = Way(hold_s=0, increase_pct_max=50, fast_ms=500)
NOWHERE = "no-such-token-anywhere"
Counts = Mapping[str, int]


@dataclass(frozen=True)
class Place:
    """An Unleash, with flags of this test alone: ``a`` and ``b``, on for everybody, and ``other``, which nobody touches."""

    url: str
    a: str
    b: str
    other: str
    journal: Journal

    @property
    def settings(self) -> Unleash:
        """As an environment's file would say."""
        return Unleash(url=self.url)

    @property
    def admin(self) -> UnleashAdmin:
        """With the right token."""
        return UnleashAdmin.at(self.settings, ADMIN)

    @property
    def evaluation(self) -> UnleashEvaluation:
        """With the right token."""
        return UnleashEvaluation(self.settings, FRONTEND, self.admin)

    def ask(self, method: str, path: str, body: Any = None, token: str = ADMIN) -> tuple[int | None, Any]:
        """As a person at the console, or anybody."""
        headers = {"Authorization": token} if token else {}
        answer = fetch(f"{self.url}{path}", method=method, json=body, headers=headers)
        return answer.http_status, answer.json

    def strategies(self, flag: str, environment: str = "production") -> str:
        """Where a flag's strategies are."""
        return f"/api/admin/projects/default/features/{flag}/environments/{environment}/strategies"

    def switch(self, flag: str, way: str, environment: str = "production") -> None:
        """As a person."""
        where = f"/api/admin/projects/default/bulk_features/environments/{environment}/{way}"
        assert self.ask("POST", where, {"features": [flag]})[0] == 200

    def exported(self, environment: str) -> Any:
        """All that an environment has of this test's flags; ids are the server's own."""
        _, found = self.ask(
            "POST", "/api/admin/features-batch/export", {"project": "default", "environment": environment}
        )
        mine = {self.a, self.b, self.other}
        return [
            [one for one in found[table] if one["featureName"] in mine]
            for table in ("featureEnvironments", "featureStrategies")
        ]

    def having(self) -> Counts:
        """How many of the users have each of the flags."""
        answers = self.answers().values()
        return {name: sum(answer[name] for answer in answers) for name in (self.a, self.b, self.other)}

    def answers(self) -> Mapping[str, Mapping[str, bool]]:
        """What each of them gets."""
        asked = self.evaluation
        asked.flags_of(USERS[0])  # knows the flags from then on
        with ThreadPoolExecutor(8) as pool:
            return dict(zip(USERS, pool.map(asked.flags_of, USERS), strict=True))

    def until(self, holds: Callable[[Counts], bool]) -> Counts:
        """The evaluating side may know for a moment what was, and change while users are asked: twice the same is seen."""
        give_up, before = time.monotonic() + 15, None
        while not (holds(found := self.having()) and found == before) and time.monotonic() < give_up:
            before = found
            time.sleep(0.2)
        return found


def begun(url: str, name: str, folder: Path) -> Place:
    """A place with its flags: two are on for everybody, one by the standard strategy."""
    place = Place(url, f"{name}.a", f"{name}.b", f"{name}.other", Journal(folder / "journal.jsonl"))
    for flag in (place.a, place.b, place.other):
        assert place.ask("POST", "/api/admin/projects/default/features", {"name": flag, "type": "release"})[0] == 201
        place.switch(flag, "on", "development")
    place.ask("POST", place.strategies(place.b), {"name": "default", "parameters": {}, "constraints": []})
    for flag in (place.a, place.b, place.other):
        place.switch(flag, "on")
    return place


@pytest.fixture
def place(unleash_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """One with flags of this test alone, at the ``unleash_url`` of the module of tests."""
    # Of the same test always the same: who gets a share goes by the flag's name.
    return begun(unleash_url, f"scene-{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}", tmp_path)


def switched(place: Place, *names: str, waiter: Waiter | None = None) -> FlagRollback:
    """Strategy 1 with the real steps."""
    flags = Flags(place.admin, place.evaluation, place.journal, waiter or Waiter())
    telling = Telling(None, "", place.journal, flags.waiter.clock)
    return switched_off(flags, dict.fromkeys(names, OFF), USERS, telling, 0.0)


def more_than(flag: str, users: int) -> Callable[[Counts], bool]:
    """Whether more have it now."""
    return lambda now: now[flag] > users


def test_flags_are_read_and_set(place: Place) -> None:
    """What is set is what is read, and what users get: everybody, a share that sticks to users, nobody, everybody again."""
    assert {place.admin.read_flags()[name] for name in (place.a, place.b, place.other)} == {ON}
    assert place.until(lambda now: set(now.values()) == {60}) == dict.fromkeys((place.a, place.b, place.other), 60)

    half = Flag(enabled=True, rollout_pct=50)
    place.admin.set_flags({place.a: half, place.b: half})
    assert [place.admin.read_flags()[name] for name in (place.a, place.b, place.other)] == [half, half, ON]
    some = place.until(lambda now: now[place.a] < 60 and now[place.b] < 60)
    assert 10 < some[place.a] < 50
    assert 10 < some[place.b] < 50
    assert some[place.other] == 60
    before = place.answers()
    assert place.answers() == before

    place.admin.set_flags({place.a: Flag(enabled=True, rollout_pct=10)})
    place.until(lambda now: now[place.a] < some[place.a])
    after = place.answers()
    assert [user for user in USERS if after[user][place.a] and not before[user][place.a]] == []

    place.admin.set_flags({place.a: OFF, place.b: OFF})
    assert place.until(lambda now: not now[place.a] and not now[place.b])[place.other] == 60


def test_the_rollback_by_flags_and_its_undo(place: Place) -> None:
    """Strategy 1 with the real steps: nobody keeps a feature by the evaluating side, and the undo has it all as it was."""
    place.admin.set_flags({place.b: Flag(enabled=True, rollout_pct=25)})
    place.until(lambda now: now[place.b] < 60)
    before, other = place.exported("production"), place.exported("development")

    done = switched(place, place.a, place.b)

    assert done.outcome.on == []
    assert done.evaluated.everyone_off
    assert done.evaluated.users == len(USERS)
    (undo,) = place.journal.owed()
    undo_flags(undo, place.admin, place.journal, Waiter())
    assert place.exported("production") == before
    assert place.exported("development") == other
    assert place.until(lambda now: now[place.a] == 60 and now[place.b] > 0)[place.a] == 60


def test_the_gradual_rollback(place: Place) -> None:
    """Strategy 2: at each share the sample of users is one of that share, and users only leave."""

    def fare(_since_s: float) -> Fare:
        return Fare(n=100, errors=0, p95=Percentile(95, 200, 100))

    place.until(lambda now: set(now.values()) == {60})
    target = {place.a: OFF, place.b: OFF}
    flags = Flags(place.admin, place.evaluation, place.journal, Waiter())
    down = GoingDown(flags, fare, WAY, target, USERS)
    steps = StepList(place.journal)
    take_back_by_shares(steps, down, STRATEGY)
    steps.carry_out(Telling(None, "", place.journal, SystemClock()), 0.0)
    done = down.facts(steps.facts)

    assert [stage.share_pct for stage in done.descent.stages] == [50, 25, 10, 0]
    assert done.descent.as_asked, str(done.descent)
    assert done.evaluated.everyone_off


def test_the_ramp_lets_users_in(place: Place) -> None:
    """A flag that is off goes to 25 % without being on for everybody in between, and then up; users only come in."""
    place.admin.set_flags({place.a: OFF})
    place.until(lambda now: not now[place.a])
    had: set[str] = set()
    for before, share in ((0, 25), (25, 75)):
        wanted = wanted_at([place.a], share)
        raise_flags(place.admin, wanted, expected_pct={place.a: before}, ceiling_pct=share)
        assert place.admin.read_flags()[place.a] == wanted[place.a]
        place.until(more_than(place.a, len(had)))
        (found,) = measured(place.answers(), wanted)
        assert found.within_bounds, str(found)
        assert had <= set(found.who)
        had = set(found.who)


def test_what_is_no_share_is_switched_off_and_on_and_nothing_else(place: Place) -> None:
    """A flag for some users only counts as on for everybody; it takes no share, keeps its strategies, and comes back as it was."""
    only = {"contextName": "userId", "operator": "IN", "values": ["user-1"]}
    more = {"name": "default", "parameters": {}, "constraints": [only]}
    assert place.ask("POST", place.strategies(place.a), more)[0] == 200
    before = place.exported("production")

    with pytest.raises(ActionFailed, match=r"its strategies are no share of users .* leave one gradual rollout"):
        place.admin.set_flags({place.a: Flag(enabled=True, rollout_pct=50)})
    assert place.exported("production") == before
    place.admin.set_flags({place.a: OFF})
    assert place.until(lambda now: not now[place.a])[place.a] == 0
    place.admin.set_flags({place.a: ON})
    assert place.exported("production") == before


def test_a_flag_that_is_not_there(place: Place) -> None:
    """It is named, what there is is named, and nothing else is changed."""
    before = place.exported("production")
    with pytest.raises(ActionFailed, match=rf"has no flag NOT_THERE; it has .*{place.a}"):
        place.admin.set_flags({place.a: OFF, "NOT_THERE": OFF})
    assert place.exported("production") == before
    assert "NOT_THERE" not in place.evaluation.flags_of("user-1")
    with pytest.raises(ActionFailed, match=r"has no flag NOT_THERE"):
        switched(place, "NOT_THERE")


def test_another_writer_is_not_raised_over(place: Place) -> None:
    """Somebody at the console has switched a flag off meanwhile: the ramp lets nobody in."""
    place.switch(place.a, "off")
    with pytest.raises(ActionFailed, match=r"nobody was let in: somebody else changed it"):
        raise_flags(place.admin, {place.a: ON}, expected_pct={place.a: 50}, ceiling_pct=100)
    assert place.admin.read_flags()[place.a] == OFF


@pytest.mark.parametrize(
    ("token", "words"),
    [(NOWHERE, r"HTTP 401.*unleash_admin_token_env is not accepted"), (FRONTEND, r"HTTP 403.*may not do this")],
)
def test_a_wrong_admin_token(place: Place, token: str, words: str) -> None:
    """One line that says what to do, without the token."""
    with pytest.raises(ProviderError, match=words) as refused:
        UnleashAdmin.at(place.settings, token).read_flags()
    assert token not in str(refused.value)


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (OTHER_FRONTEND, r"it is of Unleash's environment 'development', expected 'production'"),
        (ADMIN, r"it is of Unleash's environment '\*'"),
        (NOWHERE, r"it is no frontend token"),
        ("default:production.wrong", r"HTTP 401.*unleash_frontend_token_env is not accepted"),
    ],
)
def test_a_wrong_frontend_token(place: Place, token: str, words: str) -> None:
    """Unleash answers another environment's token with no flags: that is not off for everybody."""
    evaluation = UnleashEvaluation(place.settings, token, place.admin)
    with pytest.raises(MeasurementFailed, match=words) as unknown:
        evaluation.flags_of("user-1")
    assert token.partition(".")[2] not in str(unknown.value) or token == NOWHERE
    assert token not in str(unknown.value)


@pytest.mark.parametrize("change", [{"project": "no-such-project"}, {"environment": "no-such-environment"}])
def test_a_project_or_environment_that_is_not_there(place: Place, change: dict[str, str]) -> None:
    """Unleash answers with an empty export: no flags is not "all are off"."""
    admin = UnleashAdmin.at(place.settings.model_copy(update=change), ADMIN)
    with pytest.raises(ActionFailed, match=r"has no flags: are \[unleash\] project and environment right"):
        admin.read_flags()
    assert replace(place).admin.read_flags()


def test_preflight_asks_it(place: Place, tmp_path: Path) -> None:
    """By the environment's file: it has the flags, tells what users get, and lets nobody in without a token."""
    environment = declared(place, tmp_path)
    admin = flag_admin_of(environment)

    assert f"{place.a} on for 100 %" in flags_known(admin, [place.a])
    assert evaluation_known(flag_evaluation_of(environment), [place.a]) == ""
    assert closed(flag_admin_url(environment), reads=True, deadline_s=5) == ""
    with pytest.raises(ActionFailed, match="has no flag NOT_THERE"):
        flags_known(admin, ["NOT_THERE"])
    with pytest.raises(ActionFailed, match="says nothing of NOT_THERE"):
        evaluation_known(flag_evaluation_of(environment), ["NOT_THERE"])


def declared(place: Place, folder: Path) -> Environment:
    """An environment's file that names it."""
    file = folder / "flagged.toml"
    file.write_text(
        f"""
name = "flagged"
kind = "staging"
abilities = ["flag_admin", "flag_evaluation"]
[urls]
frontend = "http://127.0.0.1:1"
api = "http://127.0.0.1:1"
backend = "http://127.0.0.1:1"
[unleash]
url = "{place.url}"
[secrets]
unleash_admin_token_env = "ADMIN"
unleash_frontend_token_env = "FRONTEND"
""",
        encoding="utf-8",
    )
    return load_environment(str(file), folder, {"ADMIN": ADMIN, "FRONTEND": FRONTEND})
