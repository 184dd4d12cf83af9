"""Render's own client, unchanged, drives the stand-in: what it parses is what the contract promises."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from render.public_api.api.deploys import cancel_deploy, create_deploy, list_deploys, retrieve_deploy, rollback_deploy
from render.public_api.api.environment_groups import list_env_groups
from render.public_api.api.services import (
    get_env_vars_for_service,
    list_services,
    retrieve_service,
    update_env_var,
    update_service,
)
from render.public_api.client import AuthenticatedClient
from render.public_api.models import (
    AutoDeploy,
    AutoDeployTrigger,
    CreateDeployBody,
    Deploy,
    DeployMode,
    DeployStatus,
    DeployTrigger,
    DeployWithCursor,
    EnvVar,
    EnvVarValue,
    Error,
    ListServicesSuspendedItem,
    RollbackDeployBody,
    Service,
    ServicePATCH,
    ServiceType,
)
from render.public_api.models.web_service_details import WebServiceDetails
from render.public_api.types import UNSET

from pam_sandbox.providers.render import DESCRIBED
from pam_sandbox.remote import Remote
from tests.render_stand_in import KEY, SERVICE, stand_in
from tests.sessions import RunningSandbox

LIVE_WITHIN_S = 30
ADDRESS = "https://api.pam.test"


@dataclass(frozen=True)
class Render:
    """A running range, and the client of the provider that it stands in for."""

    state: Mapping[str, Any]
    remote: Remote
    client: AuthenticatedClient
    """Strict: a status that the contract does not know raises."""

    @property
    def service(self) -> str:
        """The id of the service."""
        return str(self.state["render"]["service_id"])

    def page(self, **query: Any) -> list[DeployWithCursor]:
        """One page of the list."""
        found = list_deploys.sync(self.service, client=self.client, **query)
        assert isinstance(found, list), found
        return found

    def deploys(self) -> list[Deploy]:
        """The first page, the newest first."""
        return [item.deploy for item in self.page() if isinstance(item.deploy, Deploy)]

    def live(self, deploy: Deploy) -> Deploy:
        """Wait until a deploy is live."""
        end_s = time.monotonic() + LIVE_WITHIN_S
        while time.monotonic() < end_s:
            found = retrieve_deploy.sync(self.service, deploy.id, client=self.client)
            assert isinstance(found, Deploy), found
            if found.status is DeployStatus.LIVE:
                return found
            time.sleep(0.05)
        raise AssertionError(f"{deploy.id} is not live")


@pytest.fixture(scope="module")
def started(shared_range: RunningSandbox) -> Iterator[Render]:
    """The client, as strict as it can be."""
    with AuthenticatedClient(
        base_url=shared_range.state["render"]["api_url"],
        token=shared_range.variables["RENDER_API_KEY"],
        raise_on_unexpected_status=True,
    ) as client:
        yield Render(shared_range.state, shared_range.remote, client)


@pytest.fixture
def render(started: Render) -> Iterator[Render]:
    """As at the start."""
    started.remote.reset()
    yield started
    started.remote.reset()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [SERVICE, "crn-2"]),
        ({"type_": [ServiceType.BACKGROUND_WORKER]}, ["crn-2"]),
        ({"name": ["pam-backend", "nobody's"]}, [SERVICE]),
        ({"owner_id": ["tea-other"]}, []),
        ({"suspended": [ListServicesSuspendedItem.SUSPENDED]}, []),
        ({"limit": 1}, [SERVICE]),
    ],
    ids=["all", "by type", "by name", "another owner's", "suspended", "a page"],
)
def test_the_list_of_services(asked: dict[str, Any], found: list[str]) -> None:
    """Each whole, with what the client needs of its kind; the filters are kept, and a page goes on where another ended."""
    with (
        stand_in(url=ADDRESS, repo="https://git.test/pam", worker="crn-2") as there,
        AuthenticatedClient(base_url=there.url, token=KEY, raise_on_unexpected_status=True) as client,
        AuthenticatedClient(base_url=there.url, token="rnd_wrong") as stranger,
    ):
        assert list_services.sync_detailed(client=stranger, **asked).status_code == 401
        page = list_services.sync(client=client, **asked)
        assert isinstance(page, list)
        assert [item.service.id for item in page] == found
        if "limit" in asked:
            after = list_services.sync(client=client, limit=1, cursor=page[-1].cursor)
            assert isinstance(after, list)
            assert [item.service.id for item in after] == ["crn-2"]


def test_a_rollback(render: Render) -> None:
    """A new deploy of the old commit, with the trigger that says so, becomes live."""
    target = render.deploys()[-1]
    begun = rollback_deploy.sync(render.service, client=render.client, body=RollbackDeployBody(deploy_id=target.id))

    assert isinstance(begun, Deploy)
    assert (begun.trigger, begun.status) == (DeployTrigger.ROLLBACK, DeployStatus.CREATED)
    assert begun.commit == target.commit
    assert render.live(begun).finished_at
    assert render.deploys()[1].status is DeployStatus.DEACTIVATED


def test_a_rollback_that_is_refused(render: Render) -> None:
    """An error with id and message, of a status that the client knows."""
    answer = rollback_deploy.sync_detailed(
        render.service, client=render.client, body=RollbackDeployBody(deploy_id="dep-unknown")
    )

    assert answer.status_code == 404
    assert isinstance(answer.parsed, Error)
    assert answer.parsed.id
    assert answer.parsed.message == "not found: dep-unknown"


def test_a_deploy_of_a_commit_and_its_end(render: Render) -> None:
    """201 with a deploy, which can be canceled; 202 without a body when it was queued."""
    commit = render.remote.identity()["releases"]["stable"]["commit"]
    render.remote.plant("render-deploys", what="never-live")
    begun = create_deploy.sync(render.service, client=render.client, body=CreateDeployBody(commit_id=commit))
    assert isinstance(begun, Deploy)
    assert begun.trigger is DeployTrigger.API
    ended = cancel_deploy.sync(render.service, begun.id, client=render.client)
    assert isinstance(ended, Deploy)
    assert ended.status is DeployStatus.CANCELED
    render.remote.plant("render-deploys", what="queued")
    queued = create_deploy.sync_detailed(render.service, client=render.client, body=CreateDeployBody())

    assert (queued.status_code, queued.content, queued.parsed) == (202, b"", None)


def test_the_list_in_pages(render: Render) -> None:
    """Each deploy once, by the cursor of the last one; and narrowed by state."""
    render.remote.plant("render-deploys", what="build-fails")
    for _ in range(3):
        create_deploy.sync(render.service, client=render.client, body=CreateDeployBody())
    seen: list[DeployWithCursor] = []
    while page := render.page(limit=2, **({"cursor": seen[-1].cursor} if seen else {})):
        seen += page

    paged = [item.deploy.id for item in seen if isinstance(item.deploy, Deploy)]
    assert paged == [deploy.id for deploy in render.deploys()]
    assert len(paged) == 5
    live = render.page(status=[DeployStatus.LIVE, DeployStatus.UPDATE_IN_PROGRESS])
    assert [item.deploy for item in live] == [render.deploys()[-2]]


def test_the_service_and_a_change_of_it(render: Render) -> None:
    """Everything that the client needs of a web service is there, and autodeploy can be switched off in either word."""
    before = retrieve_service.sync(render.service, client=render.client)
    by_new_word = update_service.sync(
        render.service, client=render.client, body=ServicePATCH(auto_deploy_trigger=AutoDeployTrigger.OFF, branch="fix")
    )
    both = update_service.sync(
        render.service,
        client=render.client,
        body=ServicePATCH(auto_deploy=AutoDeploy.YES, auto_deploy_trigger=AutoDeployTrigger.COMMIT),
    )

    assert isinstance(before, Service)
    assert isinstance(before.service_details, WebServiceDetails)
    assert (before.auto_deploy_trigger, before.branch) == (AutoDeployTrigger.COMMIT, "main")
    assert isinstance(by_new_word, Service)
    assert (by_new_word.auto_deploy, by_new_word.auto_deploy_trigger) == (AutoDeploy.NO, AutoDeployTrigger.OFF)
    assert by_new_word.branch == "fix"
    assert isinstance(both, Error)


def test_variables_and_the_last_build_deployed_again(render: Render) -> None:
    """A variable is set and listed and deploys nothing; the last build is deployed again without a new one, and with no other field."""
    before = render.deploys()
    made = update_env_var.sync(
        render.service, "AI_ROUTER_ENABLED", client=render.client, body=EnvVarValue(value="true")
    )
    listed = get_env_vars_for_service.sync(render.service, client=render.client)
    body = CreateDeployBody(deploy_mode=DeployMode.DEPLOY_ONLY, clear_cache=UNSET)
    again = create_deploy.sync(render.service, client=render.client, body=body)
    refused = create_deploy.sync(
        render.service, client=render.client, body=CreateDeployBody(deploy_mode=DeployMode.DEPLOY_ONLY)
    )

    assert made == EnvVar(key="AI_ROUTER_ENABLED", value="true")
    assert isinstance(listed, list)
    assert [item.env_var for item in listed] == [made]
    assert list_env_groups.sync(client=render.client) == []
    assert isinstance(again, Deploy)
    assert again.commit == before[0].commit
    assert render.live(again).trigger is DeployTrigger.API
    assert len(render.deploys()) == len(before) + 1
    assert isinstance(refused, Error)


@pytest.mark.parametrize(
    ("operation", "model", "body"),
    [
        ("PATCH patch", ServicePATCH, {"autoDeploy": "no", "autoDeployTrigger": "off", "branch": "main"}),
        (
            "POST deploy",
            CreateDeployBody,
            {"clearCache": "clear", "commitId": "c", "deployMode": "deploy_only", "imageUrl": "i"},
        ),
        ("POST rollback", RollbackDeployBody, {"deployId": "dep-1"}),
        ("PUT variable", EnvVarValue, {"value": "true"}),
    ],
)
def test_all_that_it_takes_is_described(operation: str, model: Any, body: dict[str, str]) -> None:
    """So a request of ours that it takes has no name that Render does not know."""
    assert DESCRIBED[operation][1] == set(body)
    assert model.from_dict(body).additional_properties == {}
