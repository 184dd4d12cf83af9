"""The client of Render's deploys: what is asked, what is understood, and what is refused."""

from collections.abc import Mapping
from typing import Any

import pytest

from pam_rollback.core.errors import ProviderError
from pam_rollback.core.wait import Waiter
from pam_rollback.rollback.providers.render import RenderDeploys, render_api
from pam_rollback.target.hosts import Render
from tests.scripted_provider import Reply, Request, Scripted, says, scripted
from tests.virtual_clock import VirtualClock

SERVICE = "srv-1"
COMMIT = "ab" * 20
DEPLOY: Mapping[str, Any] = {
    "id": "dep-1",
    "commit": {"id": COMMIT, "message": "m", "createdAt": "2026-11-25T09:00:00Z"},
    "status": "deactivated",
    "trigger": "new_commit",
    "createdAt": "2026-11-25T10:00:00Z",
    "finishedAt": "2026-11-25T10:01:00.5Z",
}
SERVICE_DOCUMENT: Mapping[str, Any] = {
    "id": SERVICE,
    "name": "pam-backend",
    "ownerId": "tea-1",
    "branch": "main",
    "autoDeployTrigger": "checksPass",
    "autoDeploy": "yes",
    "suspended": "not_suspended",
}


def host(server: Scripted, **settings: str) -> RenderDeploys:
    """The client."""
    table = Render.model_validate({"service_id": SERVICE, "owner_id": "tea-1", "api_url": server.url, **settings})
    return RenderDeploys(render_api(table, "rnd_key", deadline_s=0.3, waiter=Waiter(VirtualClock())), table)


@pytest.mark.parametrize(
    ("told", "on"),
    [
        ({"autoDeployTrigger": "commit", "autoDeploy": "yes"}, True),
        ({"autoDeployTrigger": "off", "autoDeploy": "no"}, False),
        ({"autoDeployTrigger": "off", "autoDeploy": None}, False),
        ({"autoDeployTrigger": None, "autoDeploy": "no"}, False),
        ({"autoDeployTrigger": None, "autoDeploy": "yes"}, True),
        ({"autoDeployTrigger": "off", "autoDeploy": "yes"}, True),
        ({"autoDeployTrigger": "onTag", "autoDeploy": "no"}, True),
        ({"autoDeployTrigger": None, "autoDeploy": "never"}, True),
    ],
)
def test_autodeploy_is_off_only_if_nothing_says_otherwise(told: dict[str, Any], on: bool) -> None:  # noqa: FBT001
    """In the new word and in the old one; a word that nobody knows may well deploy."""
    with scripted(says({**SERVICE_DOCUMENT, **told})) as server:
        assert host(server).service().auto_deploy is on


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            {**SERVICE_DOCUMENT, "id": "srv-2"},
            "expected a service with id srv-1, found id srv-2: its answer is about something else",
        ),
        (
            {**SERVICE_DOCUMENT, "ownerId": "tea-2"},
            "expected it to belong to tea-1 ([render] owner_id), found 'tea-2': is this another",
        ),
        (
            {**SERVICE_DOCUMENT, "autoDeployTrigger": None, "autoDeploy": None},
            "expected a service with 'autoDeployTrigger'",
        ),
    ],
)
def test_another_service_or_one_that_is_not_told_as_documented_is_refused(document: Any, words: str) -> None:
    """Nothing is changed at somebody else's."""
    with scripted(says(document, rndr_id="r-4")) as server, pytest.raises(ProviderError) as caught:
        host(server).service()

    assert words in str(caught.value)
    assert "request r-4" in str(caught.value)


def test_deploys_are_read_from_cursor_to_cursor() -> None:
    """A page that is not full is the last."""
    first = [{"deploy": {**DEPLOY, "id": f"dep-{number}"}, "cursor": f"c{number}"} for number in range(100)]
    last = [
        {"deploy": {**DEPLOY, "id": "dep-100"}, "cursor": "c100"},
        {"deploy": {**DEPLOY, "id": "dep-99"}, "cursor": "c99"},
    ]
    with scripted(says(first), says(last)) as server:
        found = host(server).deploys()

    assert [deploy.id for deploy in found] == [f"dep-{number}" for number in range(101)]
    assert [request.query for request in server.requests] == [{"limit": "100"}, {"limit": "100", "cursor": "c99"}]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ([{"cursor": "c"}], "expected a deploy and a cursor with 'deploy' as an object, found none among cursor"),
        ([{"deploy": {"status": "live"}, "cursor": "c"}], "with 'id' as a text, found none among status"),
        ([{"deploy": DEPLOY}] * 100, "with 'cursor' as a text, found none among deploy"),
        ([{"deploy": DEPLOY, "cursor": "c"}] * 100, "expected another cursor on each page, found c"),
    ],
)
def test_a_list_that_is_not_told_as_documented_is_refused(page: Any, words: str) -> None:
    """Half a list is no history."""
    with scripted(says(page)) as server, pytest.raises(ProviderError) as caught:
        host(server).deploys()

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        ({"on": False}, "off"),
        ({"on": False, "trigger": "checksPass"}, "off"),
        ({"on": True}, "commit"),
        ({"on": True, "trigger": "checksPass"}, "checksPass"),
        ({"on": True, "trigger": "off"}, "commit"),
        ({"on": True, "trigger": ""}, "commit"),
    ],
)
def test_autodeploy_is_switched(change: Any, sent: str) -> None:
    """In the new word alone: Render refuses both together."""

    def by(request: Request) -> Reply:
        return says({**SERVICE_DOCUMENT, "autoDeploy": None, **request.json})

    with scripted(by=by) as server:
        assert host(server).set_auto_deploy(**change).trigger == sent

    assert (server.asked, server.requests[0].json) == (["PATCH /services/srv-1"], {"autoDeployTrigger": sent})


def test_a_setting_that_was_accepted_and_is_not_so_is_an_error() -> None:
    """HTTP 200 is not yet autodeploy off."""
    with scripted(says(SERVICE_DOCUMENT)) as server:
        with pytest.raises(
            ProviderError, match=r"switch autodeploy of srv-1 to off .* expected autodeploy to be off now, found"
        ):
            host(server).set_auto_deploy(on=False)
        with pytest.raises(
            ProviderError, match=r"let srv-1 deploy from other .* expected the branch to be 'other' now, found"
        ):
            host(server).set_branch("other")


CHANGES: Mapping[str, Any] = {
    "restore": lambda client: client.restore("dep-1"),
    "deploy_commit": lambda client: client.deploy_commit(COMMIT),
    "cancel": lambda client: client.cancel("dep-1"),
    "set_auto_deploy": lambda client: client.set_auto_deploy(on=False),
    "set_branch": lambda client: client.set_branch("other"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            says({"id": "r-1", "message": "unauthorized"}, 401),
            "HTTP 401, unauthorized, request r-1; the key of [secrets] render_api_key_env",
        ),
        (says({"id": "r-1", "message": "forbidden"}, 403), "take one of its workspace"),
        (says({"id": "r-1", "message": "not found"}, 404), "is [render] service_id right?"),
        (says({"id": "r-1", "message": "conflict"}, 409), "look at its Events page, then do it again"),
        (says({"ok": True}), "as a text, found none among ok"),
    ],
)
def test_a_change_that_was_not_confirmed_is_not_done(change: str, reply: Reply, words: str) -> None:
    """Once asked, and an error that says what to do; the key is in no message."""
    with scripted(reply) as server, pytest.raises(ProviderError) as caught:
        CHANGES[change](host(server))

    assert words in str(caught.value)
    assert "rnd_key" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("change", "document", "words"),
    [
        ("restore", DEPLOY, "expected a new deploy that does it, found the target itself, dep-1"),
        (
            "deploy_commit",
            {**DEPLOY, "commit": {"id": "f" * 40}},
            f"expected a deploy of the commit {COMMIT}, found dep-1",
        ),
        ("cancel", {**DEPLOY, "id": "dep-9"}, "expected a deploy with id dep-1, found id dep-9"),
        ("set_branch", {**SERVICE_DOCUMENT, "id": "srv-9"}, "expected a service with id srv-1, found id srv-9"),
    ],
)
def test_an_answer_about_something_else_is_no_success(change: str, document: Any, words: str) -> None:
    """It would be waited for, and called done."""
    with scripted(says(document)) as server, pytest.raises(ProviderError) as caught:
        CHANGES[change](host(server))

    assert words in str(caught.value)
