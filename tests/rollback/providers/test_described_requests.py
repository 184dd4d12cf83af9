"""What our clients ask of Netlify and Render, as it comes over the wire, held against what the two publish of their APIs."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator  # type: ignore[import-untyped]
from render.public_api.api.deploys import cancel_deploy, create_deploy, list_deploys, retrieve_deploy, rollback_deploy
from render.public_api.api.services import retrieve_service, update_service
from render.public_api.models import CreateDeployBody, RollbackDeployBody, ServicePATCH
from render.public_api.types import UNSET

from pam_rollback.base.errors import ProviderError
from pam_rollback.environment.hosts import Netlify, Render
from pam_rollback.rollback.providers.netlify import NetlifyFiles, NetlifySite, netlify_api
from pam_rollback.rollback.providers.render import RenderDeploys, render_api
from tests.netlify_cli import installed
from tests.rollback.providers.relay import Asked, relay
from tests.sessions import RunningSandbox

JSON, BYTES = "application/json", "application/octet-stream"
OPERATIONS = {
    "getSite",
    "listSiteDeploys",
    "getSiteDeploy",
    "restoreSiteDeploy",
    "lockDeploy",
    "unlockDeploy",
    "cancelSiteDeploy",
    "purgeCache",
    "createSiteDeploy",
    "updateSiteDeploy",
    "uploadDeployFile",
}
"""All that the client of Netlify uses."""


@pytest.fixture(autouse=True)
def as_at_the_start(shared_range: RunningSandbox) -> Iterator[None]:
    """The hosts, too."""
    shared_range.remote.reset()
    yield
    shared_range.remote.reset()
    shared_range.as_it_was()


# ---------------------------------------------------------------- Netlify


@dataclass(frozen=True)
class Description:
    """Netlify's Swagger 2.0 document."""

    document: Mapping[str, Any]

    def operation_of(self, asked: Asked) -> tuple[str, Mapping[str, Any]] | None:
        """Its path in the document, and what is said of it there; None when no path and method fit."""
        base = tuple(self.document["basePath"].strip("/").split("/"))
        parts = asked.parts[len(base) :]
        for path, operations in self.document["paths"].items():
            named = path.strip("/").split("/")
            same = len(named) == len(parts) or (named[-1] == "{path}" and len(parts) >= len(named))
            fits = same and all(one.startswith("{") or one == part for one, part in zip(named, parts, strict=False))
            if asked.parts[: len(base)] == base and fits and asked.method.lower() in operations:
                own = operations[asked.method.lower()]
                return path, {**own, "parameters": [*operations.get("parameters", []), *own.get("parameters", [])]}
        return None

    def problems(self, asked: Asked) -> Iterator[str]:
        """What of a request is not as described."""
        found = self.operation_of(asked)
        if found is None:
            yield f"{asked}: there is no such operation"
            return
        _, operation = found
        queries = {one["name"]: one for one in operation["parameters"] if one["in"] == "query"}
        bodies = [one for one in operation["parameters"] if one["in"] == "body"]
        for name, value in asked.query:
            if name not in queries:
                yield f"{asked}: the query {name!r} is not described"
            elif not _is_of(value, queries[name]):
                yield f"{asked}: the query {name}={value!r} is no {queries[name]['type']}"
        yield from (
            f"{asked}: the query {name!r} is missing"
            for name, one in queries.items()
            if one.get("required") and name not in dict(asked.query)
        )
        if asked.headers.get("accept") not in self.document["produces"]:
            yield f"{asked}: it accepts {asked.headers.get('accept')!r}, which is not what is answered"
        yield from self._problems_of_body(asked, operation, bodies[0]["schema"] if bodies else None)

    def _problems_of_body(
        self, asked: Asked, operation: Mapping[str, Any], schema: Mapping[str, Any] | None
    ) -> Iterator[str]:
        if schema is None:
            if asked.body:
                yield f"{asked}: it has a body, and none is described"
            return
        kind, consumed = asked.headers.get("content-type"), operation.get("consumes", self.document["consumes"])
        if kind not in consumed:
            yield f"{asked}: the body is {kind!r}, described are {consumed}"
        elif kind == JSON:
            whole = {**_closed(schema), "definitions": self.document["definitions"]}
            for error in Draft4Validator(whole).iter_errors(json.loads(asked.body)):
                yield f"{asked}: {error.json_path}: {error.message[:200]}"


def _is_of(value: str, parameter: Mapping[str, Any]) -> bool:
    match parameter["type"]:
        case "integer":
            return value.isdecimal()
        case "boolean":
            return value in {"true", "false"}
    return value in parameter.get("enum", [value])


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """With nothing beside what it names."""
    return {**schema, **({"additionalProperties": False} if "properties" in schema else {})}


@pytest.fixture(scope="module")
def description() -> Description:
    """The one that the emulator's answers are held against, too."""
    file = installed() / "node_modules" / "@netlify" / "open-api" / "dist" / "swagger.json"
    return Description(json.loads(file.read_text(encoding="utf-8")))


@pytest.fixture
def asked_of_netlify(shared_range: RunningSandbox, tmp_path: Path) -> list[Asked]:
    """Everything that the client can ask for, once at least."""
    settings = Netlify.model_validate(shared_range.state["netlify"])
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>published by a test</p>", encoding="utf-8")
    (tmp_path / "assets" / "größe & maß.css").write_text("p { color: teal }", encoding="utf-8")
    token = shared_range.variables["NETLIFY_AUTH_TOKEN"]
    with relay(settings.api_url) as (address, asked):
        site = NetlifySite(netlify_api(settings.model_copy(update={"api_url": address}), token, patience_s=0), settings)
        site.site()
        live = site.published()
        earlier = next(deploy for deploy in site.deploys() if deploy.id != live.id)
        site.deploy(earlier.id)
        site.lock(live.id)
        site.unlock(live.id)
        site.restore(earlier.id)
        site.cancel_running()
        site.purge()
        NetlifyFiles(site).publish_files(tmp_path, title="rollback to an earlier commit", commit=earlier.commit)
        (tmp_path / "index.html").write_text("<p>never published</p>", encoding="utf-8")
        shared_range.remote.plant("netlify-answers", what="error-422", operation="upload")
        with suppress(ProviderError):
            NetlifyFiles(site).publish_files(tmp_path, title="not completed", commit=earlier.commit)
        shared_range.remote.clear("netlify-answers")
        with suppress(ProviderError):
            site.cancel(earlier.id)
    return asked


def test_everything_that_is_asked_of_netlify_is_described(
    description: Description, asked_of_netlify: list[Asked]
) -> None:
    """Method, path, query, content type and body."""
    found = [description.operation_of(asked) for asked in asked_of_netlify]

    assert [problem for asked in asked_of_netlify for problem in description.problems(asked)] == []
    assert {one[1]["operationId"] for one in found if one} == OPERATIONS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "PUT"}, "there is no such operation"),
        ({"path": "/api/v1/sites/S/deploys/D/revert"}, "there is no such operation"),
        ({"path": "/api/v2/sites/S/deploys"}, "there is no such operation"),
        ({"query": (("titel", "x"),)}, "the query 'titel' is not described"),
        ({"query": (("production", "yes"),)}, "the query production='yes' is no boolean"),
        ({"headers": {"accept": JSON, "content-type": "application/x-www-form-urlencoded"}}, "described are"),
        ({"headers": {"content-type": JSON}}, "it accepts None"),
        ({"body": b'{"drafd": false}'}, "'drafd' was unexpected"),
        ({"body": b'{"draft": "no"}'}, "'no' is not of type 'boolean'"),
        ({"path": "/api/v1/deploys/D/lock"}, "it has a body, and none is described"),
    ],
)
def test_what_is_not_described_is_found(description: Description, change: dict[str, Any], words: str) -> None:
    """The measure itself can fail, in every respect."""
    good = Asked(
        "POST",
        "/api/v1/sites/S/deploys",
        (("title", "x"),),
        {"accept": JSON, "content-type": JSON},
        b'{"draft": false}',
    )
    assert list(description.problems(good)) == []

    assert any(words in problem for problem in description.problems(replace(good, **change)))


# ---------------------------------------------------------------- Render


@dataclass(frozen=True)
class Call:
    """One thing that our client does, and what Render's own client would send for the same."""

    ours: Callable[[RenderDeploys], object]
    theirs: Mapping[str, Any]
    model: Any = None
    """What the body is to Render's own client."""


def calls(service: str, live: str, earlier: str, commit: str) -> Mapping[str, Call]:
    """Everything that our client can ask for."""
    off, branch = ({"autoDeployTrigger": "off"}, {"branch": "emergency"})
    build = {"commitId": commit, "clearCache": "do_not_clear"}
    return {
        "the service": Call(lambda host: host.service(), retrieve_service._get_kwargs(service)),
        "its deploys": Call(lambda host: host.deploys(), list_deploys._get_kwargs(service, limit=100)),
        "a deploy": Call(lambda host: host.deploy(live), retrieve_deploy._get_kwargs(service, live)),
        "a rollback": Call(
            lambda host: host.roll_back(earlier),
            rollback_deploy._get_kwargs(service, body=RollbackDeployBody.from_dict({"deployId": earlier})),
            RollbackDeployBody,
        ),
        "a deploy of a commit": Call(
            lambda host: host.deploy_commit(commit),
            create_deploy._get_kwargs(service, body=CreateDeployBody.from_dict(build)),
            CreateDeployBody,
        ),
        "the end of a deploy": Call(lambda host: host.cancel(earlier), cancel_deploy._get_kwargs(service, earlier)),
        "no automatic deploys": Call(
            lambda host: host.set_auto_deploy(on=False),
            update_service._get_kwargs(service, body=ServicePATCH.from_dict(off)),
            ServicePATCH,
        ),
        "another branch": Call(
            lambda host: host.set_branch("emergency"),
            update_service._get_kwargs(service, body=ServicePATCH.from_dict(branch)),
            ServicePATCH,
        ),
    }


def test_what_is_asked_of_render_is_what_its_own_client_asks(shared_range: RunningSandbox) -> None:
    """Method, path, query, content type and body, each of them; and the body has nothing that its models do not know."""
    settings = Render.model_validate({**shared_range.state["render"], "resolution_s": 1, "gap_max_s": 5.0})
    key = shared_range.variables["RENDER_API_KEY"]
    with relay(settings.api_url) as (address, asked):
        host = RenderDeploys(render_api(settings.model_copy(update={"api_url": address}), key, patience_s=0), settings)
        live, earlier, *_ = host.deploys()
        for what, call in calls(settings.service_id, live.id, earlier.id, earlier.commit).items():
            asked.clear()
            with suppress(ProviderError):  # a deploy that is over cannot be ended: what counts is what was asked
                call.ours(host)
            assert [differences(one, call, settings.api_url) for one in asked] == [[]], what


def differences(asked: Asked, call: Call, api_url: str) -> list[str]:
    """Where the two do not ask the same."""
    theirs, base = call.theirs, "/" + api_url.split("/", 3)[3]
    body = json.loads(asked.body) if asked.body else None
    kind = theirs.get("headers", {}).get("Content-Type")
    query = {name: str(value) for name, value in theirs.get("params", {}).items()}
    pairs = {
        "method": (asked.method.lower(), theirs["method"]),
        "path": (asked.path, base + theirs["url"]),
        "query": (dict(asked.query), query),
        "content type": (asked.headers.get("content-type"), kind),
        "body": (body, theirs.get("json")),
        "unknown in the body": (_unknown(call.model, body), {}),
    }
    return [f"{name}: {ours!r}, theirs {other!r}" for name, (ours, other) in pairs.items() if ours != other]


def _unknown(model: Any, body: object) -> object:
    return {} if model is None else getattr(model.from_dict(body), "additional_properties", {})


def test_a_request_that_render_does_not_know_is_found() -> None:
    """The measure itself can fail: another path, another query, a word that no model has."""
    body = {"autoDeployTriger": "off"}
    theirs = update_service._get_kwargs("srv-1", body=ServicePATCH.from_dict({"autoDeployTrigger": "off"}))
    asked = Asked("PATCH", "/v1/service/srv-1", (("x", "1"),), {"content-type": JSON}, json.dumps(body).encode())

    found = differences(asked, Call(print, theirs, ServicePATCH), "http://127.0.0.1/v1")

    assert [one.partition(":")[0] for one in found] == ["path", "query", "body", "unknown in the body"]
    assert ServicePATCH.from_dict(body).auto_deploy_trigger is UNSET
