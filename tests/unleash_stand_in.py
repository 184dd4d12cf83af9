"""A small Unleash in memory: the calls that we use, answered as the real server does (tests/target/client/test_unleash_conformance.py)."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.scripted_provider import Reply, Request, says, scripted

ADMIN = "*:*.an-admin-token-only-for-these-tests"
FRONTEND = "default:production.a-frontend-token-only-for-these-tests"
OTHER_FRONTEND = "default:development.another-frontend-token-only-for-these-tests"
_FRONTENDS = {FRONTEND: "production", OTHER_FRONTEND: "development"}
_PROJECT = "/api/admin/projects/default"
_SWITCH = re.compile(rf"POST {_PROJECT}/bulk_features/environments/([^/]+)/(on|off)")
_STRATEGIES = re.compile(rf"(\w+) {_PROJECT}/features/([^/]+)/environments/([^/]+)/strategies(?:/([^/]+))?")
_WRONG_KIND = {"message": "invalid token: expected a different token type for this endpoint"}


@dataclass
class StandIn:
    """What it knows. ``failing`` are replies that come instead, by what is asked; each as often as it stands there."""

    url: str = ""
    flags: dict[str, dict[str, "Switch"]] = field(default_factory=dict)
    failing: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    made: int = 0

    def create(self, name: str) -> None:
        """A flag that is on for everybody in production."""
        self.flags[name] = {"development": Switch(), "production": Switch()}
        self._switch("production", on=True, names=[name])

    def answer(self, request: Request) -> Reply:
        """As Unleash does."""
        self.asked.append(request)
        asked = f"{request.method} {request.path}"
        for pattern, replies in self.failing.items():
            if replies and re.search(pattern, asked):
                return replies.pop(0)
        return self._frontend(request) if request.path == "/api/frontend" else self._admin(request, asked)

    def _frontend(self, request: Request) -> Reply:
        token = request.headers.get("authorization", "")
        if token == ADMIN:
            return says(_WRONG_KIND, 403)
        environment = _FRONTENDS.get(token)
        if environment is None:
            return says({"message": "This endpoint requires an API token."}, 401)
        user = str(request.json["context"]["userId"])
        variant = {"name": "disabled", "enabled": False, "feature_enabled": True}
        toggles = [
            {"name": name, "enabled": True, "variant": variant, "impressionData": False}
            for name, switches in self.flags.items()
            if switches[environment].gives(user)
        ]
        return says({"toggles": toggles})

    def _admin(self, request: Request, asked: str) -> Reply:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token != ADMIN:
            message = "You must log in to use Unleash."
            return (
                says(_WRONG_KIND, 403) if token in _FRONTENDS else says({"name": "NoAccess", "message": message}, 401)
            )
        if asked == "POST /api/admin/features-batch/export":
            return says(self._export(request.json["project"], request.json["environment"]))
        if asked == f"GET {_PROJECT}/features":
            return says({"features": [{"name": name} for name in self.flags]})
        if asked == f"POST {_PROJECT}/features":
            name = request.json["name"]
            self.flags[name] = {"development": Switch(), "production": Switch()}
            return says({"name": name, "project": "default"}, 201)
        switched = _SWITCH.fullmatch(asked)
        if switched:
            return self._switch(switched[1], on=switched[2] == "on", names=request.json["features"])
        found = _STRATEGIES.fullmatch(asked)
        return self._strategy(found, request.json) if found else says({"message": "not found"}, 404)

    def _switch(self, environment: str, *, on: bool, names: list[str]) -> Reply:
        for name in names:
            if name not in self.flags:
                return says({"message": f'There\'s no feature named "{name}" in project "default".'}, 404)
        for name in names:
            switch = self.flags[name][environment]
            switch.enabled = on
            if on and not any(not one["disabled"] for one in switch.strategies):
                switch.strategies.append(self._made({"name": "flexibleRollout", "parameters": _rollout(name, 100)}))
        return says()

    def _strategy(self, found: re.Match[str], body: Any) -> Reply:
        method, name, environment, of = found[1], unquote(found[2]), found[3], found[4]
        if name not in self.flags:
            return says({"message": f'Could not find feature "{name}"'}, 404)
        strategies = self.flags[name][environment].strategies
        if method == "POST":
            strategies.append(self._made(body))
            return says(strategies[-1])
        known = [one for one in strategies if one["id"] == of]
        if not known:
            return says({"message": f"Could not find strategy with id: {of}"}, 404)
        if method == "PUT":
            known[0].update(body)
        else:
            for change in body:
                known[0]["parameters"][change["path"].removeprefix("/parameters/")] = change["value"]
        return says(known[0])

    def _made(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self.made += 1
        usual: dict[str, Any] = {"title": None, "constraints": [], "segments": [], "variants": [], "disabled": False}
        return {**usual, **body, "id": f"strategy-{self.made}"}

    def _export(self, project: str, environment: str) -> dict[str, Any]:
        flags = self.flags if project == "default" else {}
        return {
            "features": [{"name": name, "project": "default", "archived": False} for name in flags],
            "featureStrategies": [
                {**one, "featureName": name}
                for name, switches in flags.items()
                if environment in switches
                for one in switches[environment].strategies
            ],
            "featureEnvironments": [
                {
                    "name": name,
                    "featureName": name,
                    "environment": environment,
                    "enabled": switches[environment].enabled,
                }
                for name, switches in flags.items()
                if environment in switches
            ],
            **{key: [] for key in ("contextFields", "featureTags", "segments", "tagTypes", "dependencies", "links")},
        }


@dataclass
class Switch:
    """A flag in one environment."""

    enabled: bool = False
    strategies: list[dict[str, Any]] = field(default_factory=list)

    def gives(self, user: str) -> bool:
        """Whether the user has it."""
        return self.enabled and any(_gives(one, user) for one in self.strategies if not one["disabled"])


def _gives(strategy: Mapping[str, Any], user: str) -> bool:
    parameters = strategy.get("parameters", {})
    if any(user not in constraint["values"] for constraint in strategy["constraints"]):
        return False
    if strategy["name"] == "default":
        return True
    place = int(hashlib.sha256(f"{parameters['groupId']}:{user}".encode()).hexdigest(), 16) % 100
    return place < int(parameters["rollout"])


def _rollout(name: str, share_pct: int) -> dict[str, str]:
    return {"rollout": str(share_pct), "stickiness": "default", "groupId": name}


@contextmanager
def unleash_stand_in() -> Iterator[StandIn]:
    """One without flags, on loopback."""
    found = StandIn()
    with scripted(by=found.answer) as server:
        found.url = server.url.removesuffix("/api/v1")
        yield found
