"""The status page of the sandbox answers as Statuspage's public API does, says what it is told to, and lies only when it is asked to."""

from __future__ import annotations

import json
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.problems import SandboxError
from pam_rollback.sandbox.remote import Remote

INCIDENT = {"name": "PAM answers <slowly>", "status": "identified", "impact": "major"}
API = ("summary", "status", "incidents/unresolved")


@dataclass(frozen=True)
class Page:
    """The status page of a running sandbox."""

    url: str
    remote: Remote

    def text(self, path: str = "/") -> str:
        """The body, as anybody gets it."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return str(answer.read().decode())

    def json(self, document: str) -> Any:
        """One document of the public API."""
        return json.loads(self.text(f"/api/v2/{document}.json"))


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A sandbox of its own."""
    with launch(tmp_path_factory.mktemp("status") / "sandbox.toml") as file:
        state = tomllib.loads(file.read_text(encoding="utf-8"))
        remote = Remote(state["sandbox"]["control_url"], state["sandbox"]["token"])
        yield Page(state["urls"]["status_page"], remote)


@pytest.fixture
def page(started: Page) -> Page:
    """The page, healthy as it is at first."""
    started.remote.clear_all()
    started.remote.set_status_page()
    return started


def test_all_is_well_at_first(page: Page) -> None:
    """Operational, no incident, and every document of the API agrees."""
    summary = page.json("summary")

    assert summary["status"] == {"indicator": "none", "description": "All Systems Operational"}
    assert (summary["incidents"], summary["scheduled_maintenances"]) == ([], [])
    assert {part["status"] for part in summary["components"]} == {"operational"}
    assert page.json("status")["status"] == summary["status"]
    assert page.json("incidents/unresolved")["incidents"] == []
    assert "All Systems Operational" in page.text()


@pytest.mark.parametrize("document", API)
def test_the_page_says_who_it_is(page: Page, document: str) -> None:
    """Each answer carries the page with a moment that has a zone."""
    about = page.json(document)["page"]

    assert {"id", "name", "url", "time_zone", "updated_at"} == set(about)
    assert about["url"] == page.url
    assert datetime.fromisoformat(about["updated_at"]).tzinfo is not None


def test_an_incident_is_shown_with_its_update(page: Page) -> None:
    """The fields that clients of the real API read, in its words."""
    page.remote.set_status_page(indicator="major", incident=INCIDENT)

    [incident] = page.json("incidents/unresolved")["incidents"]
    assert (incident["name"], incident["status"], incident["impact"]) == (INCIDENT["name"], "identified", "major")
    assert (incident["monitoring_at"], incident["resolved_at"]) == (None, None)
    [update] = incident["incident_updates"]
    assert (update["status"], update["incident_id"]) == ("identified", incident["id"])
    summary = page.json("summary")
    assert (summary["status"]["indicator"], summary["incidents"]) == ("major", [incident])
    assert "PAM answers &lt;slowly&gt;" in page.text()


def test_what_is_resolved_is_history(page: Page) -> None:
    """It leaves the unresolved ones and the summary, and stays in the list of all."""
    page.remote.set_status_page(incident=INCIDENT | {"status": "resolved"})

    assert page.json("incidents/unresolved")["incidents"] == page.json("summary")["incidents"] == []
    assert [incident["status"] for incident in page.json("incidents")["incidents"]] == ["resolved"]


def test_it_is_replaced_as_a_whole(page: Page) -> None:
    """The next setting keeps nothing of the one before."""
    page.remote.set_status_page(indicator="critical", incident=INCIDENT)
    page.remote.set_status_page()

    assert page.json("summary")["status"]["indicator"] == "none"
    assert page.json("incidents")["incidents"] == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        pytest.param({"indicator": "bad"}, "found 'bad'", id="indicator"),
        pytest.param({"incident": {"name": ""}}, "name is ''", id="no name"),
        pytest.param({"incident": INCIDENT | {"status": "open"}}, "status is 'open'", id="status"),
        pytest.param({"incident": INCIDENT | {"impact": "huge"}}, "impact is 'huge'", id="impact"),
        pytest.param({"incident": INCIDENT | {"body": "x"}}, "'body' is not known", id="unknown key"),
    ],
)
def test_words_that_no_page_has_are_refused(page: Page, wanted: dict[str, Any], words: str) -> None:
    """And nothing is changed."""
    with pytest.raises(SandboxError, match=words):
        page.remote.set_status_page(**wanted)

    assert page.json("summary")["status"]["indicator"] == "none"


@pytest.mark.parametrize(
    ("claims", "indicator", "open_"), [("major-outage", "critical", 1), ("all-operational", "none", 0)]
)
def test_a_lie_covers_what_was_posted_until_it_is_cleared(page: Page, claims: str, indicator: str, open_: int) -> None:
    """The fault is in what is shown; what was posted comes back."""
    page.remote.set_status_page(indicator="minor", incident=INCIDENT | {"status": "monitoring"})
    page.remote.plant("status-page-lies", claims=claims)

    told = page.json("summary")
    assert (told["status"]["indicator"], len(told["incidents"])) == (indicator, open_)
    page.remote.clear("status-page-lies")
    assert page.json("summary")["incidents"][0]["status"] == "monitoring"


def test_it_can_be_down(page: Page) -> None:
    """503 with a page instead of JSON."""
    page.remote.plant("status-page-down")

    with pytest.raises(urllib.error.HTTPError) as refused:
        page.json("summary")
    with refused.value:
        assert (refused.value.code, refused.value.headers.get_content_type()) == (503, "text/html")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/api/v2/status.json", 405), ("GET", "/api/v2/nope.json", 404)]
)
def test_it_is_there_to_be_read(page: Page, method: str, path: str, status: int) -> None:
    """The public side takes no posts, and an unknown address is not found."""
    request = urllib.request.Request(page.url + path, method=method)

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    with refused.value:
        assert refused.value.code == status
