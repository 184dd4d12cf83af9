"""Whole sessions on the healthy sandbox of today's product, whose doors everybody knows: known is known, and what is new comes first."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pam_rollback.probe.samples import Sample
from pam_rollback.report.baseline_record import Origin
from pam_rollback.target.known_before import Finding
from tests.baselines import baseline_of
from tests.fault_rows.decision_security import ACCESS, OWN, SEPARATION
from tests.sandbox.todays_range import Today, today, todays_range
from tests.sessions import Finished, Project

__all__ = ["today", "todays_range"]

ROUTES = "test_no_route_was_opened_to_strangers"
_OURS = ("a token with a false signature", "an unsigned token", "an expired token")
USERS = "GET /api/v1/users/{user_id}"
TICKETS = "GET /api/v1/support/tickets"
DOORS = (
    *((f"{USERS}/{what}", f"lets in {token}") for what in ("profile", "settings") for token in _OURS),
    *((TICKETS, f"lets in {token}") for token in ("no token", "a made-up token", *_OURS)),
    *(("POST /api/v1/pam/chat", f"lets in {token}") for token in _OURS),
    (f"{TICKETS}?limit=N", "shows others' support tickets"),
    (f"{TICKETS}?user_id=N&limit=N", "shows others' support tickets by the first one's id"),
)
WAIVER = """
[[waivers]]
item = "IR-1"
known = ["GET /api/v1/users/{user_id}/*: lets in *", "GET /api/v1/support/tickets*: *", "POST /api/v1/pam/chat: lets in *"]
at_most = 16
until = 2099-12-31
reason = "it is so in every release"
approved_by = "R. Ramp"
"""
OTHERS = ("IR-2", "IR-3", "IR-4", "IR-5", "IR-6", "CR-1", "CR-2", "CR-3", "CR-4", "CR-5")
_SAMPLES = [Sample(due_s=i / 50, latency_ms=20.0, journey="expenses", ok=True) for i in range(600)]
REFUSED = {f"/api/v1/users/{{user_id}}/{what}": False for what in ("profile", "settings")}


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """The files in question."""
    return ("test_exposure.py", "test_routes.py")


@pytest.fixture(scope="module")
def ticket(todays_range: Today) -> None:
    """The test account has one, which everybody is shown."""
    body = {"user_id": todays_range.user_id, "subject": "help", "message": "please"}
    assert todays_range.api("/api/v1/support/tickets", body).status == 200


class Sessions:
    """Decisions about doors and routes, held against a baseline that is made up."""

    def __init__(self, today: Today, project: Project, folder: Path) -> None:
        self.today, self.project, self.folder = today, project, folder

    def baseline(self, *doors: tuple[str, str], routes: Mapping[str, bool | None] | None = None) -> str:
        """With these doors open."""
        host = urlsplit(self.today.state["urls"]["api"]).netloc
        origin = Origin(environment="sandbox", host=host, release="", run="a", taken_at=datetime.now(UTC))
        found = tuple(Finding("IR-1", what, said) for what, said in doors)
        made = baseline_of(_SAMPLES, origin).model_copy(update={"found": found, "routes": routes})
        made.save(self.folder / "baseline.json")
        return f"--baseline={self.folder / 'baseline.json'}"

    def run(self, baseline: str, *waivers: str, select: str = "decision") -> Finished:
        """A person answers for what no machine can know here."""
        file = self.folder / "place.toml"
        file.write_text("\n".join((self.today.file.read_text(encoding="utf-8"), *waivers)), encoding="utf-8")
        file.chmod(0o600)
        acks = [f"--ack={one}=the test: not part of it" for one in OTHERS] if select == "decision" else []
        return self.project.run("-m", select, f"--env={file}", baseline, *acks)


@pytest.fixture
def sessions(today: Today, project: Project, tmp_path: Path, ticket: None) -> Sessions:
    """Each on the same sandbox."""
    return Sessions(today, project, tmp_path)


def test_known_doors_are_no_reason_to_roll_back(sessions: Sessions) -> None:
    """In the baseline, and somebody answers for them: NO ROLLBACK, 0, with a whole request for a forged token on the chat."""
    found = sessions.run(sessions.baseline(*DOORS, routes=found_routes(sessions.today)), WAIVER)

    assert found.outcomes() == {ACCESS: "known before", SEPARATION: "known before", ROUTES: "passed", OWN: "passed"}, (
        found.out
    )
    assert (found.rc, found.record["decision"]["recommendation"]) == (0, "NO ROLLBACK"), found.out


def test_what_is_new_comes_first_and_alone(sessions: Sessions) -> None:
    """A door that the baseline does not have; of the others the sentence says only that they are old."""
    baseline = sessions.baseline(*(one for one in DOORS if one[0] != f"{USERS}/profile"), routes={})
    found = sessions.run(baseline, WAIVER.replace("/*: lets in", "/settings: lets in"))
    [words] = [one["words"] for one in found.record["decision"]["criteria"] if one["id"] == "IR-1"]

    assert (found.rc, found.outcomes()[ACCESS], found.outcomes()[SEPARATION]) == (
        10,
        "broken criterion",
        "known before",
    )
    assert (
        "expected 401 or 403 for all: GET /api/v1/users/{user_id}/profile with a token with a false signature" in words
    )
    assert "tickets" not in words.partition("GET")[2], words


def test_known_doors_without_an_owner_are_told_with_one_waiver(sessions: Sessions) -> None:
    """They count, nothing is new, and what would answer for them is printed: by pattern, with its count."""
    found = sessions.run(sessions.baseline(*DOORS, routes={}))
    printed = " ".join(found.out.split())

    assert found.rc == 10, found.out
    assert f'"{TICKETS}*: shows others\' support tickets*"' in printed
    assert "at_most = 16" in printed, found.out


def test_a_route_that_was_refused_before_and_answers_now_is_new(sessions: Sessions) -> None:
    """By its own description; what was refused and is, and what answered before, is no reason."""
    before = {**found_routes(sessions.today), "/api/v1/support/tickets": False}
    found = sessions.run(sessions.baseline(*DOORS, routes=before), WAIVER, select="security")

    assert found.outcomes()[ROUTES] == "broken criterion", found.out
    assert (
        "1 answer, and did not when the baseline was recorded: GET /api/v1/support/tickets with no token: HTTP 200"
        in (" ".join(found.out.split()))
    )


def found_routes(today: Today) -> dict[str, bool | None]:
    """As a baseline has them: what belongs to a user is refused, and the rest answers."""
    described = [path for path, item in today.api("/openapi.json").json["paths"].items() if "get" in item]
    return {path: path not in {*REFUSED, "/api/v1/pam/history"} for path in described}
