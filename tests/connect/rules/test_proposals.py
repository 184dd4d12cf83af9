"""A condition is kept when it is true now and before, and false of each bad answer; else the endpoint is refused, with the reason."""

from typing import Any

import pytest

from pam_rollback.connect.rules.proposals import (
    Kept,
    Proposal,
    Turned,
    documented_operations,
    documented_reads,
    proposals,
    weighed,
)
from pam_rollback.connect.rules.twins import survivors
from pam_rollback.product.rules.conditions import Captured
from pam_rollback.product.rules.judging import judge
from tests.contracts import HEALTH, PAM, captured

HERE = Proposal("backend", "backend", "/health")
ROWS = Proposal("database", "supabase", "/rest/v1/profiles", "select=id&limit=1")
DOCUMENT: dict[str, Any] = {
    "paths": {"/health": {"get": {}}, "/health/db": {"get": {}}, "/users/{id}": {"get": {}}, "/chat": {"post": {}}}
}


def weigh(live: Captured, previous: Captured | None = None, proposal: Proposal = HERE) -> Kept | Turned:
    """As the back end's."""
    return weighed(proposal, "HC-2", "the back end", live, previous)


@pytest.mark.parametrize(
    ("body", "proposal"),
    [(HEALTH, HERE), ({"ok": True}, HERE), ({"state": "up"}, HERE), ([], ROWS), ([{"id": "1"}], ROWS)],
)
def test_what_is_kept_is_proven(body: Any, proposal: Proposal) -> None:
    """By the answer itself, and by each bad one that can be made of it."""
    live = captured(body)
    kept = weigh(live, proposal=proposal)

    assert isinstance(kept, Kept), kept
    assert judge(kept.component, live).proves_health
    assert survivors(kept.component, live) == ()


def test_a_component_whose_twin_survives_is_refused_with_the_twin() -> None:
    """A part of the answer that nobody listens to may be what breaks."""
    turned = weigh(captured({"state": "up", "history": {"status": "ok"}}))

    assert isinstance(turned, Turned)
    assert turned.twins == ("/history/status is 'unhealthy'",)
    assert turned.why == "it would still be called healthy with: /history/status is 'unhealthy'"


@pytest.mark.parametrize(
    ("live", "why"),
    [
        (
            captured(b"<!doctype html><title>x</title>", content_type="text/html"),
            "a page of HTML is answered in its place",
        ),
        (captured({"detail": "no"}, status=503), "HTTP 503"),
        (captured({}, problem="refused the connection", status=None), "refused the connection"),
        (captured({"status": "unhealthy"}), "/status is 'unhealthy'"),
        (captured({"service": "pam"}), "nothing in it says that all is well"),
        (captured([1]), "nothing in it says that all is well"),
        (captured(b"{"), "not JSON although its content type says so"),
        (captured({**HEALTH, "database": {"status": "down"}}), "healthy at its top only: database.status is 'down'"),
    ],
    ids=["page", "status", "refused", "ill", "name only", "list", "no JSON", "part"],
)
def test_what_is_not_healthy_is_refused(live: Captured, why: str) -> None:
    """With what was found."""
    turned = weigh(live)

    assert isinstance(turned, Turned)
    assert turned.why.startswith(why)


def test_rows_are_a_list_at_supabase_only() -> None:
    """An object in their place is an error of PostgREST."""
    assert isinstance(weigh(captured({"status": "ok"}), proposal=ROWS), Turned)


def test_only_what_is_true_before_and_now_is_kept() -> None:
    """The previous release says "ok" where this one says "healthy", and has no name."""
    kept = weigh(captured(HEALTH), captured({"status": "ok", "version": "1.9.0"}))

    assert isinstance(kept, Kept)
    [condition] = kept.component.conditions
    assert condition.any_of == ("healthy", "ok")
    assert kept.component.names_release
    assert kept.notes == ("Names the release: 2.0.0 now, 1.9.0 before.",)


@pytest.mark.parametrize(
    ("previous", "note"),
    [
        (None, "is not believed: no previous release was asked"),
        (captured(HEALTH), "the same in the previous release: a constant"),
    ],
)
def test_a_version_is_believed_when_it_was_seen_to_differ(previous: Captured | None, note: str) -> None:
    """A constant names no release."""
    kept = weigh(captured(HEALTH), previous)

    assert isinstance(kept, Kept)
    assert not kept.component.names_release
    assert note in kept.notes[0]


def test_a_previous_release_that_is_ill_is_named() -> None:
    """It may be the reason why nothing is kept."""
    turned = weigh(captured(HEALTH), captured({}, status=502))

    assert isinstance(turned, Turned)
    assert turned.why == "of the previous release HTTP 502"


def test_what_the_product_does_not_describe_is_not_asked() -> None:
    """Each path counts. What it calls otherwise is found by its words."""
    reads = documented_reads(DOCUMENT)

    assert reads == ("/health", "/health/db")
    assert [one.path for one in proposals("database", reads)] == ["/health/db"]
    assert proposals("pam", reads) == ()
    assert [one.path for one in proposals("pam", None)] == ["/health/pam"]
    assert [one.path for one in proposals("database", ("/api/health/postgres",))] == ["/api/health/postgres"]
    assert proposals("database", (), rows_of="profiles") == (ROWS,)


def test_operations_are_compared_whatever_their_parameters_are_called() -> None:
    """``{id}`` and ``{user_id}`` are one."""
    assert documented_operations(DOCUMENT) == frozenset(
        {
            ("GET", "/health"),
            ("GET", "/health/db"),
            ("GET", "/users/{}"),
            ("POST", "/chat"),
        }
    )
    nones: list[Any] = [None, [], {"paths": []}, "x"]
    for none in nones:
        assert documented_operations(none) is None
        assert documented_reads(none) is None


def test_pams_own_report_is_taken_when_it_is_green() -> None:
    """All of its parts count."""
    well = {**PAM, "checks": {"database": {"status": "healthy"}}}

    assert isinstance(weigh(captured(well)), Kept)
    assert isinstance(weigh(captured(PAM)), Turned)
