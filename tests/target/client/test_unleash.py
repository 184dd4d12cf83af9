"""Our client at the small Unleash: all scenes that the real one is asked for, too, and the ways in which a server fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.target.service_settings import Unleash
from pam_rollback.target.unleash import UnleashAdmin, UnleashEvaluation
from tests.scripted_provider import CUT_JSON, Reply, hangs, says
from tests.target.client.unleash_scenes import *  # noqa: F403 - the same scenes
from tests.target.client.unleash_scenes import OFF, ON, USERS, Place, begun, switched
from tests.unleash_stand_in import ADMIN, FRONTEND, StandIn, unleash_stand_in
from tests.virtual_clock import VirtualClock


@pytest.fixture(scope="module")
def unleash_url() -> Iterator[str]:
    """The stand-in."""
    with unleash_stand_in() as found:
        yield found.url


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[tuple[StandIn, Place]]:
    """One of this test alone, with its flags."""
    with unleash_stand_in() as found:
        yield found, begun(found.url, "flags", tmp_path)


def _admin(place: Place) -> UnleashAdmin:
    """One that does not wait for long."""
    admin = UnleashAdmin.at(place.settings, ADMIN, deadline_s=0.4)
    admin.api.patience_s = 0.0
    return admin


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (says({"message": "no"}, 401), r"HTTP 401, no.*export another one"),
        (says({"message": "no"}, 403), r"HTTP 403.*change requests are on"),
        (says({"message": "no"}, 404), r"HTTP 404.*project and environment right"),
        (says({"message": "busy"}, 409), r"HTTP 409, busy.*somebody else is changing it"),
        (says(text="<html>"), r"expected Unleash's export"),
        (says({"features": [{}], "featureEnvironments": [], "featureStrategies": []}), r"expected Unleash's export"),
        (says([]), r"expected Unleash's export"),
        (CUT_JSON, r"expected Unleash's export"),
    ],
    ids=[
        *("401", "403", "404", "409", "html", "no names", "a list", "cut JSON"),
    ],
)
def test_reading_from_a_server_that_fails(stand_in: tuple[StandIn, Place], reply: Reply, words: str) -> None:
    """One line with what came and what to do; the token is in none."""
    server, place = stand_in
    server.failing["export"] = [reply] * 9

    with pytest.raises(ActionFailed, match=words) as failed:
        _admin(place).read_flags()
    assert ADMIN not in str(failed.value)


@pytest.mark.parametrize("status", [403, 404, 409])
def test_a_change_that_is_refused_is_no_rollback(stand_in: tuple[StandIn, Place], status: int) -> None:
    """Strategy 1 fails with the server's words, and nothing is claimed."""
    server, place = stand_in
    server.failing["bulk_features"] = [says({"message": "a change request is needed"}, status)]

    with pytest.raises(ActionFailed, match="a change request is needed"):
        switched(place, place.a)
    assert place.admin.read_flags()[place.a] == ON


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (says({"message": "no"}, 401), r"HTTP 401.*not accepted"),
        (says({"message": "no"}, 403), r"HTTP 403.*another kind"),
        (says({}, 404), r"HTTP 404.*frontend_url right"),
        (says({"toggles": None}), r"expected Unleash's toggles"),
        (says({"toggles": [{"name": "x"}]}), r"expected Unleash's toggles"),
        (says({"message": FRONTEND}, 400), r"\(the token\)"),
        (says(text="off"), r"expected Unleash's toggles"),
        (hangs, r"no answer within 0\.4 s"),
    ],
    ids=["401", "403", "404", "null", "unnamed", "400", "text", "hangs"],
)
def test_an_evaluation_that_fails_is_not_off(stand_in: tuple[StandIn, Place], reply: Reply, words: str) -> None:
    """What users get is not known then; the token is in no message."""
    server, place = stand_in
    server.failing["frontend"] = [reply] * 9
    evaluation = UnleashEvaluation(place.settings, FRONTEND, place.admin, deadline_s=0.4)

    with pytest.raises(MeasurementFailed, match=words) as unknown:
        evaluation.flags_of("user-1")
    assert FRONTEND not in str(unknown.value)


def test_no_flags_known_is_not_off(stand_in: tuple[StandIn, Place]) -> None:
    """Which flags there are is asked at the admin API; when it does not say, nothing is off."""
    server, place = stand_in
    server.failing["export"] = [says({}, 403)] * 9
    evaluation = UnleashEvaluation(place.settings, FRONTEND, _admin(place))

    with pytest.raises(MeasurementFailed, match=r"since the flags are not: .*HTTP 403"):
        evaluation.flags_of("user-1")


def test_users_who_keep_a_feature_are_seen(stand_in: tuple[StandIn, Place]) -> None:
    """The admin side says off, the evaluating side still gives it: that is what the rollback reports."""
    server, place = stand_in
    kept = {"toggles": [{"name": place.a, "enabled": True}]}
    server.failing["frontend"] = [says(kept)] * 9_000

    done = switched(place, place.a, waiter=Waiter(VirtualClock()))

    assert done.outcome.on == []
    assert not done.evaluated.everyone_off
    assert f"{place.a}: {len(USERS)} of {len(USERS)} users" in str(done.evaluated)
    assert done.finished_s >= 5, "the evaluating side has its time to learn of it"


def test_one_request_switches_all_off(stand_in: tuple[StandIn, Place]) -> None:
    """Not one flag after the other: what fails in between would leave users half helped."""
    server, place = stand_in
    server.asked.clear()

    place.admin.set_flags({place.a: OFF, place.b: OFF})

    assert [request.path.rpartition("/")[2] for request in server.asked] == ["export", "off"]


def test_tokens_are_in_no_representation() -> None:
    """Whatever is printed when something goes wrong."""
    settings = Unleash(url="http://127.0.0.1:1")
    admin = UnleashAdmin.at(settings, ADMIN)
    shown = repr(admin) + repr(UnleashEvaluation(settings, FRONTEND, admin))

    assert ADMIN not in shown
    assert FRONTEND not in shown
