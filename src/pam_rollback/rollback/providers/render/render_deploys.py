"""The back end's service on Render: its deploys, going back to one, building a commit, and where it deploys from.

Contract: https://api-docs.render.com. A rollback makes a new deploy that runs the earlier one's build again, and leaves autodeploy as it
is: a push brings the bad release back unless it was switched off before. Nothing is done when an answer comes: ``live`` is, and a deploy
that is ``deactivated`` was replaced by another one. Most settings take effect with the next deploy only.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import ClassVar

from pam_rollback.environment.hosts import Render
from pam_rollback.outside.json_object import JsonObject
from pam_rollback.outside.provider import ProviderApi, Query
from pam_rollback.rollback.deploys import WERE_LIVE, Deploy, DeployId, Rules, Service, ServiceHost
from pam_rollback.rollback.providers.render.render_api import own_service

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

    def roll_back(self, deploy_id: DeployId) -> Deploy:
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
