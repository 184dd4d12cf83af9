"""Render, who runs the back end."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, ClassVar

from pam_rollback.core.errors import MeasurementFailed, ProviderError
from pam_rollback.core.wait import Waiter
from pam_rollback.http.provider import DEADLINE_S, PATIENCE_S, Asking, JsonObject, Provider, ProviderApi, Query
from pam_rollback.rollback.deploys import WERE_LIVE, Deploy, DeployId, Rules, Service, ServiceHost, live_among
from pam_rollback.rollback.kept_host_records import HostRecords
from pam_rollback.target.environment import Environment
from pam_rollback.target.hosts import Render

_PAGE = 100
"""The largest that Render gives."""
_PAGES_MAX = 5
"""Builds of so many deploys ago are not kept by any plan."""
_COMMIT, _OFF = "commit", "off"
_CREATED = (HTTPStatus.CREATED, HTTPStatus.OK)
RENDER = Rules(
    "Render",
    WERE_LIVE,
    lambda deploy: deploy.state in WERE_LIVE,
    under_way=frozenset({"created", "queued", "build_in_progress", "update_in_progress", "pre_deploy_in_progress"}),
    ours=frozenset({"rollback", "api"}),
)
"""``deactivated`` was live and was replaced. Whether its build is still kept, only a rollback tells."""


@dataclass(frozen=True)
class RenderDeploys:
    """One service: a ``Backend`` of the engine's."""

    api: ProviderApi
    settings: Render
    rules: ClassVar[Rules] = RENDER

    def beside(self, service_id: str) -> ServiceHost:
        """Another service of the same account."""
        return replace(self, settings=self.settings.model_copy(update={"service_id": service_id, "workers": ()}))

    def addresses(self) -> Iterator[str]:
        """``GET /services/{id}``, and only where that is not enough ``GET /services/{id}/custom-domains``: where its clients find it."""
        told = self.api.ask_told(f"the service {self._id}", self._path, "a service")
        details = own_service(told, self.settings).inner("serviceDetails")
        if details is not None and details.text_or_none("url"):
            yield details.text("url")
        domains = self._pages(f"the domains of {self._id}", f"{self._path}/custom-domains", "customDomain")
        yield from (domain.text("name") for domain in domains)

    def service(self) -> Service:
        """``GET /services/{id}``: also sees that it is the environment's own."""
        return self._service(self.api.ask_told(f"the service {self._id}", self._path, "a service"))

    def deploy(self, deploy_id: DeployId) -> Deploy:
        """``GET /services/{id}/deploys/{deploy}``."""
        operation = f"the deploy {deploy_id}"
        return _deploy(self.api.ask_told(operation, self._deploy_path(operation, deploy_id), "a deploy"), deploy_id)

    def deploys(self) -> Sequence[Deploy]:
        """``GET /services/{id}/deploys``, page by page."""
        found = self._pages(f"the deploys of {self._id}", f"{self._path}/deploys", "deploy")
        return tuple({deploy.id: deploy for deploy in map(_deploy, found)}.values())

    def live(self) -> Deploy:
        """The one of the list that runs."""
        return live_among(self.deploys())

    def restore(self, deploy_id: DeployId) -> Deploy:
        """``POST /services/{id}/rollback``: 201 with a new deploy, which is not live yet."""
        told = self.api.ask_told(
            f"roll back to {deploy_id}",
            f"{self._path}/rollback",
            "a deploy",
            method="POST",
            json={"deployId": deploy_id},
            expected=_CREATED,
        )
        made = _deploy(told)
        if made.id == deploy_id:
            raise told.complaint("expected a new deploy that does it", f"the target itself, {made}")
        return made

    def deploy_commit(self, commit: str) -> Deploy | None:
        """``POST /services/{id}/deploys`` with the commit: 201 with the new deploy, or 202 without a body when it was only queued."""
        operation = f"deploy the commit {commit[:12]}"
        answer = self.api.ask(
            operation,
            f"{self._path}/deploys",
            method="POST",
            json={"commitId": commit, "clearCache": "do_not_clear"},
            expected=(*_CREATED, HTTPStatus.ACCEPTED),
        )
        if answer.http_status == HTTPStatus.ACCEPTED:
            return None
        told = self.api.told(operation, answer, "a deploy")
        made = _deploy(told)
        if made.commit and made.commit != commit:
            raise told.complaint(f"expected a deploy of the commit {commit}", made)
        return made

    def variables(self, names: Collection[str]) -> dict[str, str | None]:
        """``GET /services/{id}/env-vars``; for what is not there the groups of variables that are linked to the service."""
        found: dict[str, str | None] = dict.fromkeys(names)
        what = "the groups of variables"
        for group in self.api.told_list(
            what, self.api.ask(what, "/env-groups", query=(("limit", str(_PAGE)),)), "a group"
        ):
            if self._id in [link.get("id") for link in group.document.get("serviceLinks") or []]:
                path = f"/env-groups/{self.api.part_of_path(what, group.text('id'))}"
                told = self.api.ask_told(what, path, "a group of variables")
                found |= {one["key"]: str(one["value"]) for one in told.document["envVars"] if one["key"] in found}
        own = self._pages(f"the variables of {self._id}", f"{self._path}/env-vars", "envVar")
        return found | {key: str(one.document.get("value")) for one in own if (key := one.text("key")) in found}

    def set_variable(self, name: str, text: str) -> None:
        """``PUT /services/{id}/env-vars/{name}``."""
        operation = f"set {name} to {text}"
        path = f"{self._path}/env-vars/{self.api.part_of_path(operation, name)}"
        self.api.ask(operation, path, method="PUT", json={"value": text}, repeatable=True)

    def deploy_again(self) -> Deploy:
        """``POST /services/{id}/deploys`` with ``deploy_only``: 201 with a new deploy of the last successful build."""
        told = self.api.ask_told(
            "deploy the last build again",
            f"{self._path}/deploys",
            "a deploy",
            method="POST",
            json={"deployMode": "deploy_only"},
            expected=_CREATED,
        )
        return _deploy(told)

    def cancel(self, deploy_id: DeployId) -> Deploy:
        """``POST /services/{id}/deploys/{deploy}/cancel``."""
        operation = f"cancel the deploy {deploy_id}"
        path = f"{self._deploy_path(operation, deploy_id)}/cancel"
        return _deploy(self.api.ask_told(operation, path, "a deploy", method="POST"), deploy_id)

    def set_auto_deploy(self, *, on: bool, trigger: str = _COMMIT) -> Service:
        """``PATCH /services/{id}`` with ``autoDeployTrigger``. ``trigger`` is what it was before, when it is switched on again."""
        word = _OFF if not on else _COMMIT if trigger in {"", _OFF} else trigger
        told = self._patch(f"switch autodeploy of {self._id} to {word}", {"autoDeployTrigger": word})
        found = self._service(told)
        if found.auto_deploy is not on:
            raise told.complaint(f"expected autodeploy to be {'on' if on else 'off'} now", found)
        return found

    def set_branch(self, branch: str) -> Service:
        """``PATCH /services/{id}`` with ``branch``. Deploys nothing by itself."""
        told = self._patch(f"let {self._id} deploy from {branch}", {"branch": branch})
        found = self._service(told)
        if found.branch != branch:
            raise told.complaint(f"expected the branch to be {branch!r} now", found)
        return found

    @property
    def _id(self) -> str:
        return self.settings.service_id

    @property
    def _path(self) -> str:
        return f"/services/{self._id}"

    def _deploy_path(self, operation: str, deploy_id: DeployId) -> str:
        return f"{self._path}/deploys/{self.api.part_of_path(operation, deploy_id)}"

    def _patch(self, operation: str, change: Mapping[str, str]) -> JsonObject:
        return self.api.ask_told(operation, self._path, "a service", method="PATCH", json=dict(change))

    def _service(self, told: JsonObject) -> Service:
        own_service(told, self.settings)
        trigger, older = told.text_or_none("autoDeployTrigger"), told.text_or_none("autoDeploy")
        if not trigger and not older:
            expected = "expected a service with 'autoDeployTrigger' (commit, checksPass, off)"
            raise told.complaint(expected, f"none among {', '.join(sorted(told.document))}")
        return Service(
            id=told.text("id"),
            name=told.text("name"),
            branch=told.text_or_none("branch"),
            # Off only where everything that is told says so: an unknown word may well deploy.
            auto_deploy=trigger not in {"", _OFF} or older not in {"", "no"},
            suspended=told.text_or_none("suspended") == "suspended",
            trigger=trigger,
        )

    def _pages(self, operation: str, path: str, what: str, query: Query = ()) -> Iterator[JsonObject]:
        """Everything of ``[{what: …, "cursor": …}]``: the cursor of the last one leads on."""
        cursor = ""
        for _ in range(_PAGES_MAX):
            asked = (*query, ("limit", str(_PAGE)), *((("cursor", cursor),) if cursor else ()))
            page = self.api.told_list(operation, self.api.ask(operation, path, query=asked), f"a {what} and a cursor")
            yield from (item.inside(what) for item in page)
            if len(page) < _PAGE:
                return
            last, cursor = cursor, page[-1].text("cursor")
            if cursor == last:
                raise page[-1].complaint("expected another cursor on each page", cursor)


def _deploy(told: JsonObject, deploy_id: DeployId = "") -> Deploy:
    if deploy_id:
        told.same("id", deploy_id)
    commit = told.inner("commit")
    return Deploy(
        id=told.text("id"),
        state=told.text("status"),
        commit=commit.text_or_none("id") if commit else "",
        created_at=told.moment("createdAt"),
        finished_at=told.moment("finishedAt"),
        trigger=told.text_or_none("trigger"),
    )


_ADVICE: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the key of [secrets] render_api_key_env is not accepted: export another one",
    HTTPStatus.FORBIDDEN: "the key of [secrets] render_api_key_env may not do this to this service: take one of its workspace",
    HTTPStatus.NOT_FOUND: (
        "is [render] service_id right? It stands in the address of the service's page in the Dashboard. A deploy's build may also be gone: "
        "Render keeps a few only"
    ),
    HTTPStatus.PAYMENT_REQUIRED: "the workspace's billing is in the way: see the Dashboard",
    HTTPStatus.CONFLICT: "something else is being done to the service: look at its Events page, then do it again",
}
_METRICS_ADVICE: Mapping[int, str] = {
    **_ADVICE,
    HTTPStatus.BAD_REQUEST: "is [render] resolution_s one that Render tells (30 s at least)?",
}


def render_api(
    settings: Render,
    key: str,
    *,
    deadline_s: float = DEADLINE_S,
    patience_s: float = PATIENCE_S,
    waiter: Waiter | None = None,
    advice: Mapping[int, str] = _ADVICE,
) -> ProviderApi:
    """Give one key's view of Render."""
    provider = Provider(
        name="Render",
        api_url=settings.api_url,
        reset_header="ratelimit-reset",
        limit_header="ratelimit-limit",
        status_page="status.render.com",
        settings="[render] api_url",
        secret="[secrets] render_api_key_env",  # noqa: S106 - where it stands, not what it is
        advice=advice,
        id_header="rndr-id",
    )
    return ProviderApi(provider, key, deadline_s=deadline_s, patience_s=patience_s, waiter=waiter or Waiter())


def own_service(told: JsonObject, settings: Render) -> JsonObject:
    """Give the service that was told of, once it is the environment's own (``GET /services/{id}``)."""
    told.same("id", settings.service_id)
    owner = told.document.get("ownerId")
    if settings.owner_id and owner != settings.owner_id:
        expected = f"expected it to belong to {settings.owner_id} ([render] owner_id)"
        raise told.complaint(expected, f"{owner!r}: is this another environment's service?")
    return told


class RenderApi:
    """Render for those who measure: asked once each time, and what it does not tell is MeasurementFailed, in the same words."""

    def __init__(self, settings: Render, key: str, *, deadline_s: float = 5.0) -> None:
        self.settings = settings
        self._api = render_api(settings, key, deadline_s=deadline_s, patience_s=0, advice=_METRICS_ADVICE)

    @property
    def date(self) -> str:
        """The moment that the latest answer claims (HTTP ``Date``); empty when none did."""
        return self._api.date

    def get(self, operation: str, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        """Ask, and give the JSON of a good answer. ``operation`` says what for, in the words of a message."""
        try:
            return self._api.document(operation, self._api.ask(operation, path, query=query))
        except ProviderError as error:
            raise MeasurementFailed(str(error)) from error

    def check_service(self) -> None:
        """See that the service is there, is not suspended, and belongs to whom the environment says."""
        service_id = self.settings.service_id
        operation = f"the service {service_id}"
        try:
            told = own_service(self._api.ask_told(operation, f"/services/{service_id}", "a service"), self.settings)
        except ProviderError as error:
            raise MeasurementFailed(str(error)) from error
        if told.document.get("suspended") == "suspended":
            raise MeasurementFailed(f"Render, {operation}: it is suspended, so its metrics say nothing of users")


def host(environment: Environment, asking: Asking) -> RenderDeploys:
    """The environment's service."""
    settings, key = environment.render or Render(), environment.host_token("backend")
    api = render_api(settings, key, deadline_s=asking.deadline_s, patience_s=asking.patience_s, waiter=asking.waiter)
    return RenderDeploys(api, settings)


def records(environment: Environment) -> HostRecords:
    """Return what its metrics tell of the service."""
    settings, deadline_s = environment.render or Render(), environment.probing.request_deadline_s
    from pam_rollback.rollback.providers import render_metrics  # noqa: PLC0415 - asks by this module's client

    sources = render_metrics.sources(RenderApi(settings, environment.host_token("backend"), deadline_s=deadline_s))
    return HostRecords(f"Render, {settings.service_id}", sources, settings.resolution_s, settings.gap_max_s)
