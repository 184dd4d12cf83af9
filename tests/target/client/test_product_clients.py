"""The clients of PAM's API and of the incident channel, against the real sandbox: what works, and what each refusal says."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.plan.flags import Flag
from pam_rollback.target.pam_api import CacheApi, EmergencyApi, FlagApi, FlagEvaluationApi, ProductDown
from pam_sandbox.remote import Remote
from tests.scripted_provider import reset, says, scripted
from tests.sessions import RunningSandbox

OFF = Flag(enabled=False, rollout_pct=0)
NAME = "PAM_ENHANCED_UI"


@pytest.fixture(scope="module")
def state(shared_range: RunningSandbox) -> Mapping[str, Any]:
    """The state file of a running sandbox, which is as it was."""
    shared_range.as_it_was()
    return shared_range.state


@pytest.fixture
def remote(state: Mapping[str, Any]) -> Iterator[Remote]:
    """Its controls; everything is mended afterwards."""
    controls = Remote(state["sandbox"]["control_url"], state["sandbox"]["token"])
    yield controls
    controls.clear_all()


@pytest.fixture
def flags(state: Mapping[str, Any]) -> FlagApi:
    """Its flag API with the right token."""
    return FlagApi(state["urls"]["api"] + "/admin/feature-flags", state["sandbox"]["variables"]["PAM_ADMIN_TOKEN"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"token": "not-the-admin-token"}, "the admin token is not valid"),
        ({"url": "/admin/no-such-thing"}, "no such path: set it under [paths]"),
        ({"url": "/health"}, "could not be read"),
    ],
)
def test_a_refusal_says_what_to_do(
    state: Mapping[str, Any], flags: FlagApi, change: dict[str, str], words: str
) -> None:
    """And raises ActionFailed: the rollback cannot be done like this."""
    url = state["urls"]["api"] + change["url"] if "url" in change else flags.url

    with pytest.raises(ActionFailed) as failed:
        FlagApi(url, change.get("token", flags.token)).read_flags()
    assert words in str(failed.value)


def test_an_unknown_flag_changes_nothing(flags: FlagApi) -> None:
    """The API refuses the whole change."""
    before = flags.read_flags()

    with pytest.raises(ActionFailed, match="not known there"):
        flags.set_flags({NAME: OFF, "PAM_NO_SUCH_FLAG": OFF})
    assert flags.read_flags() == before


def test_no_evaluation_is_not_an_evaluation(state: Mapping[str, Any]) -> None:
    """An answer of another kind is no statement about users."""
    with pytest.raises(MeasurementFailed, match="expected OFREP's flags"):
        FlagEvaluationApi(state["urls"]["api"] + "/health").flags_of("user-1")


@pytest.fixture
def emergency(state: Mapping[str, Any]) -> EmergencyApi:
    """Its emergency endpoint with the right token."""
    url = state["urls"]["api"] + "/admin/emergency-rollback"
    return EmergencyApi(url, state["sandbox"]["variables"]["PAM_EMERGENCY_TOKEN"], deadline_s=3)


def test_a_refused_emergency_call_is_no_outage(emergency: EmergencyApi, flags: FlagApi) -> None:
    """The product is there: going past it would be wrong, and the message names the right token."""
    with pytest.raises(ActionFailed, match="the emergency token is not valid") as failed:
        EmergencyApi(emergency.url, "not-the-token").call("errors", "alex")
    assert not isinstance(failed.value, ProductDown)
    with pytest.raises(ActionFailed, match="may not do this"):
        EmergencyApi(emergency.url, flags.token).call("errors", "alex")


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [("release-down", {"how": "killed"}), ("answers-silence", {"path": "/admin/emergency-rollback", "server": "api"})],
    ids=["killed", "silent"],
)
def test_a_product_that_is_down_is_told_apart(
    emergency: EmergencyApi, remote: Remote, fault: str, parameters: dict[str, str]
) -> None:
    """No answer, or one of the edge that nobody is there."""
    remote.plant(fault, **parameters)

    with pytest.raises(ProductDown, match="was not answered"):
        emergency.call("errors", "alex")


@pytest.mark.parametrize("server", ["answers-html", "answers-garbage"])
def test_nonsense_is_not_taken_for_yes(emergency: EmergencyApi, remote: Remote, server: str) -> None:
    """HTTP 200 with another body is no acceptance."""
    remote.plant(server, path="/admin/emergency-rollback", server="api")

    with pytest.raises(ActionFailed, match="was not accepted"):
        emergency.call("errors", "alex")


def test_a_cache_is_emptied_although_the_answer_is_lost() -> None:
    """Twice is the same as once; what is refused is told at once."""
    with scripted(reset, says({"cleared": 3})) as server:
        assert CacheApi(f"{server.url}/cache", "t").clear() == "emptied: 3 answers dropped"
    with (
        scripted(says({"detail": "no"}, 403)) as refusing,
        pytest.raises(ActionFailed, match="the caches were not emptied"),
    ):
        CacheApi(f"{refusing.url}/cache", "t").clear()

    assert (len(server.requests), len(refusing.requests)) == (2, 1)
