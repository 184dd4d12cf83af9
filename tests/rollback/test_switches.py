"""Switches of today's product, on a running sandbox of it: lowered, read back, judged by what users get, and put back."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.clock import SystemClock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, UndoFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch
from pam_rollback.plan.plan import load_plan
from pam_rollback.rollback.flags import FlagRollback, Flags, note_setting, owe_flags, switched_off, undo_flags
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.preflight_questions import calls
from pam_rollback.rollback.step_list import Telling
from pam_rollback.rollback.switches import Switches, switches_of
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.served_release import ExpectedReleases
from pam_rollback.target.switches import OFF
from tests.sandbox.todays_range import Today, today, todays_range
from tests.sessions import ROOT

__all__ = ["today", "todays_range"]

ROUTER, BY_HOST, AGENTIC = "PAM_AI_ROUTER", "PAM_AI_ROUTER_BY_HOST", "PAM_AGENTIC"
VARIABLE = "AI_ROUTER_ENABLED"
LIVE_WITHIN_S = 30.0


class Range:
    """The sandbox, and the switches of its environment."""

    def __init__(self, today: Today, journal: Journal) -> None:
        self.today, self.journal = today, journal
        self.environment: Environment = load_environment(str(today.file), ROOT / "environments", {})
        self.switches: Switches = switches_of(self.environment, 5.0)
        self.api_url, self.service = today.state["render"]["api_url"], today.state["render"]["service_id"]

    def asks(self) -> set[int]:
        """What twelve requests of a user are answered."""
        return {self.today.api(f"/api/v1/users/{self.today.user_id}/profile").status for _ in range(12)}

    def row(self, value: dict[str, Any] | None = None) -> Any:
        """The row's value, changed before if one is given."""
        key = self.today.variables["SUPABASE_SERVICE_ROLE_KEY"]
        path = "/rest/v1/system_settings?setting_key=eq.ai_router_enabled"
        body = {"setting_value": value} if value is not None else None
        method = "PATCH" if value is not None else "GET"
        headers = {"apikey": key, "Authorization": f"Bearer {key}", "Prefer": "return=representation"}
        [found] = self.today.call(method, "supabase", path, body, **headers).json
        return found["setting_value"]

    def host(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the back end's host."""
        headers = {"Authorization": f"Bearer {self.today.variables['RENDER_API_KEY']}"}
        url = f"{self.api_url}/services/{self.service}{path}"
        answer = fetch(url, method=method, json=body, headers=headers)
        assert answer.http_status in {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT}, answer
        return answer.json

    def deploys(self) -> list[dict[str, Any]]:
        """The newest first."""
        return [one["deploy"] for one in self.host("GET", "/deploys")]

    def variables(self) -> dict[str, str]:
        """All that are set at the host."""
        return {one["envVar"]["key"]: one["envVar"]["value"] for one in self.host("GET", "/env-vars")}

    def set_variable(self, text: str, *, name: str = VARIABLE) -> None:
        """As a person does it: written, and deployed."""
        self.host("PUT", f"/env-vars/{name}", {"value": text})
        self.until_live(self.host("POST", "/deploys", {"deployMode": "deploy_only"})["id"])

    def until_live(self, deploy: str) -> None:
        """Wait for a deploy."""
        Waiter().until(
            lambda: self.host("GET", f"/deploys/{deploy}")["status"],
            holds=lambda status: status == "live",
            within_s=LIVE_WITHIN_S,
            what="the deploy is live",
        )

    def rolled_back(self, switches: Switches | None = None) -> FlagRollback:
        """ST-1, with all that the environment has."""
        chosen = switches or self.switches
        flags, clock = Flags(chosen, chosen, self.journal, Waiter()), SystemClock()
        target = dict.fromkeys(chosen.switches, OFF)
        return switched_off(flags, target, ["a", "b"], Telling(None, "", self.journal, clock), clock.monotonic_s())

    def undone(self) -> None:
        """All that is owed."""
        for owed in self.journal.owed():
            undo_flags(owed, self.switches, self.journal, Waiter())
            self.journal.settled(owed)


@pytest.fixture
def place(today: Today, tmp_path: Path) -> Iterator[Range]:
    """As at the start: the row on, no variable set, the candidate live by its own build."""
    found = Range(today, Journal(tmp_path / "journal.jsonl"))
    yield found
    found.row({"enabled": True})
    today.remote.reset()


def test_a_row_is_lowered_and_put_back(place: Range) -> None:
    """Users of the feature are well again at once, without a deploy; the undo gives the very value back."""
    place.row({"enabled": True, "since": "June"})
    place.today.remote.plant("router-fails", share=1)
    assert place.asks() == {500}
    deployed = place.deploys()

    done = place.rolled_back()

    assert place.asks() == {200}
    assert done.outcome.on == []
    assert (done.evaluated.everyone_off, place.row()) == (True, {"enabled": False, "since": "June"})
    assert place.deploys() == deployed
    place.undone()
    assert place.row() == {"enabled": True, "since": "June"}
    assert place.asks() == {500}


@pytest.mark.parametrize("theirs", [{"enabled": True, "by": "somebody"}, {"by": "somebody"}], ids=["on", "taken away"])
def test_what_somebody_changed_later_is_left_alone(place: Range, theirs: dict[str, Any]) -> None:
    """The undo says so, and does not write."""
    place.rolled_back()
    place.row(theirs)
    if "enabled" in theirs:
        place.undone()  # it is on, as before
    else:
        with pytest.raises(UndoFailed, match="the false that was left there is gone"):
            place.undone()
    assert place.row() == theirs


def test_a_row_that_somebody_changes_in_this_moment_is_not_written_over(place: Range) -> None:
    """The write asks for the value that was read."""
    switch = place.switches.switches[ROUTER]
    place.row({"enabled": True, "by": "somebody"})
    with pytest.raises(ActionFailed, match="somebody else changed it in this moment"):
        place.switches.write_row(switch, {"enabled": True}, on=False)
    assert place.row() == {"enabled": True, "by": "somebody"}


def test_the_row_alone_does_not_switch_off_what_a_variable_switches_on(place: Range) -> None:
    """What counts is what users get: with the host out of reach that is not known; with it, they still have the feature."""
    place.set_variable("true")
    place.today.remote.plant("router-fails", share=1)
    own = place.switches.switches
    blind = replace(place.switches, switches={ROUTER: own[ROUTER]}, host=None)

    done = place.rolled_back(blind)

    assert (place.row(), place.asks()) == ({"enabled": False}, {500})
    with pytest.raises(
        MeasurementFailed, match=f"the host's variable {VARIABLE} counts as well, and is out of reach here"
    ):
        assert done.evaluated.everyone_off
    assert place.switches.flags_of("anybody")[ROUTER] is True


def test_a_variable_is_lowered_by_deploying_the_running_build_again(place: Range) -> None:
    """The same commit, without a build; the process that answers is a new one; the undo does the same the other way."""
    place.set_variable("true")
    place.today.remote.plant("router-fails", share=1)
    before = place.deploys()[0]

    done = place.rolled_back()

    made = place.deploys()[0]
    assert (made["commit"]["id"], made["status"]) == (before["commit"]["id"], "live")
    assert (place.asks(), done.evaluated.everyone_off) == ({200}, True)
    assert place.variables()[VARIABLE] == "false"
    place.undone()
    assert place.variables()[VARIABLE] == "true"
    assert (place.asks(), place.row()) == ({500}, {"enabled": True})
    assert place.variables() == {VARIABLE: "true"}


def _rolled_back_at_the_host(place: Range) -> str:
    older = place.deploys()[-1]
    place.until_live(place.host("POST", "/rollback", {"deployId": older["id"]})["id"])
    return "was a rollback, so the last build is not the one that runs"


def _built_and_never_live(place: Range) -> str:
    place.today.remote.plant("render-deploys", what="update-fails")
    place.host("POST", "/deploys", {})
    Waiter().until(
        lambda: place.deploys()[0]["status"], holds=lambda now: now == "update_failed", within_s=30, what="it failed"
    )
    place.today.remote.clear_all()
    return "is later than the live"


@pytest.mark.parametrize("bring_about", [_rolled_back_at_the_host, _built_and_never_live])
def test_a_variable_is_refused_where_the_last_build_is_not_the_live_one(
    place: Range, bring_about: Callable[[Range], str]
) -> None:
    """Deploying it again would bring another build to users. The row, which needs no deploy, is lowered all the same."""
    place.set_variable("true")
    why = bring_about(place)
    deployed = place.deploys()

    with pytest.raises(ActionFailed, match=why):
        place.rolled_back()

    assert place.deploys() == deployed
    assert place.variables()[VARIABLE] == "true"
    assert place.row() == {"enabled": False}
    assert [owed.kind for owed in place.journal.owed()] == ["set-flags"]


def test_another_build_than_the_running_one_is_cancelled(place: Range) -> None:
    """Whatever the list of deploys says: the new deploy is held against the live one's commit."""
    place.set_variable("true")
    place.today.remote.go_live("stable")

    with pytest.raises(ActionFailed, match=r"to be deployed again, found .* it was cancelled"):
        place.rolled_back()

    assert [one["status"] for one in place.deploys()[:2]] == ["canceled", "live"]


@pytest.mark.parametrize("text", ["1", "on, since June", ""])
def test_a_text_that_is_neither_is_not_touched(place: Range, text: str) -> None:
    """Refused before anything is written, and the text, which may be anything, is not repeated."""
    place.host("PUT", "/env-vars/ENABLE_PAM_AGENTIC", {"value": text})

    with pytest.raises(
        ActionFailed, match="ENABLE_PAM_AGENTIC: expected true, false or nothing, found something else"
    ) as told:
        place.rolled_back()

    assert "June" not in str(told.value)
    assert (place.row(), place.journal.owed()) == ({"enabled": True}, [])
    assert place.variables()["ENABLE_PAM_AGENTIC"] == text


def test_killed_between_the_note_and_the_change_nothing_is_left_to_put_back(place: Range) -> None:
    """And no deploy is made for it."""
    before = {name: place.switches.read_flags()[name] for name in place.switches.switches}
    owe_flags(place.journal, before)
    note_setting(place.journal, {ROUTER: OFF})
    deployed = place.deploys()

    place.undone()

    assert (place.row(), place.journal.owed(), place.deploys()) == ({"enabled": True}, [], deployed)


def test_killed_between_the_variable_and_its_deploy_it_is_deployed_when_it_is_done_again(place: Range) -> None:
    """The text says off already, and the process still has the feature."""
    place.set_variable("true")
    place.row({"enabled": False})
    place.today.remote.plant("router-fails", share=1)
    owe_flags(place.journal, place.switches.read_flags())
    note_setting(place.journal, {BY_HOST: OFF})
    place.host("PUT", f"/env-vars/{VARIABLE}", {"value": "false"})
    assert (place.switches.read_flags()[BY_HOST], place.asks()) == (OFF, {500})

    place.rolled_back()

    assert place.asks() == {200}
    place.undone()
    assert (place.variables()[VARIABLE], place.asks()) == ("true", {500})


def test_a_process_that_is_older_than_the_live_deploy_has_not_read_it(place: Range) -> None:
    """Live in name only: what users get is not known, whatever the variable says."""
    Waiter().until(
        lambda: fetch(f"{place.today.state['urls']['api']}/health/system").json["checks"]["process"]["uptime_seconds"],
        holds=lambda age_s: age_s > 4,
        within_s=20,
        what="the process has run for a while",
    )
    place.today.remote.plant("render-deploys", what="live-in-name-only")
    place.set_variable("false")

    with pytest.raises(MeasurementFailed, match="the process that answers has started since"):
        place.switches.flags_of("anybody")


def test_the_emergency_call_of_a_product_without_one_lowers_all(place: Range) -> None:
    """Past the product, whatever is on."""
    place.set_variable("true")

    told = place.switches.call("errors", "Łukasz")

    assert told == f"no emergency endpoint here: {ROUTER}, {BY_HOST} lowered past the product"
    assert set(place.switches.read_flags().values()) == {OFF}


def test_preflight_says_beforehand_that_a_variable_cannot_be_lowered_in_time(place: Range) -> None:
    """A no while one is on, and words while none is: the quickest deploy takes longer than RTO-1."""
    plan = load_plan(ROOT / "plan.toml").with_switches(place.environment.switches)

    def asked() -> tuple[str, str]:
        found = calls(place.environment, plan, ExpectedReleases())
        [call] = [one for one in found if "variable of the host" in one.questions[0].text]
        [answer] = call.ask()
        return answer.state.value, answer.words

    state, words = asked()
    assert state == "yes"
    assert "off, and could not be lowered in time: the quickest of the latest deploys took 180 s" in words
    place.host("PUT", f"/env-vars/{VARIABLE}", {"value": "true"})
    state, words = asked()
    assert (state, f"{VARIABLE} could not be lowered in time" in words) == ("no", True)
    _rolled_back_at_the_host(place)
    assert "so the last build is not the one that runs" in asked()[1]
