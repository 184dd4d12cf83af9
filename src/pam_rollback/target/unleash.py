"""Unleash: flags read and switched through its admin API, and what users get through its frontend API.

Contract: the server's own description (``/docs/openapi.json``). One export of the project reads all flags as of one moment. One request
switches off all that goes off, then each share has its own, then one switches on all that goes on. Unleash takes no condition ("only if it
is still …").

Unleash switches a flag by environment and gives it strategies there, each for some users. The plan speaks of one share. One gradual rollout
that sticks to the user is such a share; nothing at all, or the standard strategy, is everybody. Whatever else stands there (constraints,
segments, several strategies) counts as everybody, the most that it can be: it can be switched off and on again, and given no other share.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, UnreadableAnswer
from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch
from pam_rollback.http.provider import Provider, ProviderApi
from pam_rollback.plan.flags import Flag, FlagName
from pam_rollback.target.service_settings import Unleash

_EVERYBODY_PCT = 100
_GRADUAL, _STANDARD = "flexibleRollout", "default"
_STICKY = frozenset({"default", "userId"})
"""Both take the user's id where there is one, so that whoever is asked again gets the same."""
_PATIENCE_S = 10.0
"""All tries of one request: the rollback by flags has 30 s for everything."""
_ADVICE: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "it does not take such a change: is this Unleash 6 or later?",
    HTTPStatus.UNAUTHORIZED: "the token of [secrets] unleash_admin_token_env is not accepted: export another one",
    HTTPStatus.FORBIDDEN: (
        "the token of [secrets] unleash_admin_token_env may not do this: it needs to update strategies and environments of the project; "
        "where change requests are on for the environment, nobody can write at once"
    ),
    HTTPStatus.NOT_FOUND: "are [unleash] project and environment right, and is the flag there and not archived?",
    HTTPStatus.CONFLICT: "somebody else is changing it: look at the flag's event log, then do it again",
}
_HINTS: Mapping[int | None, str] = {
    HTTPStatus.UNAUTHORIZED: "; the token of [secrets] unleash_frontend_token_env is not accepted: export another one",
    HTTPStatus.FORBIDDEN: "; the token of [secrets] unleash_frontend_token_env is of another kind: a frontend token is needed",
    HTTPStatus.NOT_FOUND: "; is [unleash] frontend_url right, without /api/frontend?",
    HTTPStatus.TOO_MANY_REQUESTS: "; too many users were asked for at once",
}


@dataclass(frozen=True)
class UnleashFlag:
    """A flag in one environment, with the strategies that stand there and are not switched off by themselves."""

    enabled: bool
    strategies: tuple[Mapping[str, Any], ...] = ()
    all_switched_off: bool = False
    """It has strategies, and each of them is switched off by itself."""

    @property
    def share_pct(self) -> int | None:
        """Return the share of users that its one strategy is; None where it has none, several, or one that is no share."""
        return _share_pct(self.strategies[0]) if len(self.strategies) == 1 else None

    @property
    def flag(self) -> Flag:
        """As the plan speaks of it. What is off is off for everybody, whatever its strategies say."""
        share = self.share_pct
        return Flag(self.enabled, (_EVERYBODY_PCT if share is None else share) if self.enabled else 0)

    @property
    def takes_a_share(self) -> bool:
        """It can be given another share without touching what somebody has set up."""
        return self.share_pct is not None or not (self.strategies or self.all_switched_off)

    def has(self, share_pct: int) -> bool:
        """Return whether its strategies come to that share. What has none yet has to be given one before it is switched on."""
        own = self.share_pct
        return (own if own is not None else _EVERYBODY_PCT if self.strategies else None) == share_pct


def flags_in(document: Mapping[str, Any], environment: str) -> dict[FlagName, UnleashFlag]:
    """What an export of a project says of that environment. Raises KeyError, TypeError, AttributeError or ValueError where it does not."""
    names = [str(feature["name"]) for feature in document["features"]]
    on = {
        one["featureName"]: one["enabled"]
        for one in document["featureEnvironments"]
        if one["environment"] == environment
    }
    strategies: dict[FlagName, list[Mapping[str, Any]]] = {name: [] for name in names}
    for one in document["featureStrategies"]:
        strategies.setdefault(str(one["featureName"]), []).append(one)
    return {name: _flag(on[name], strategies[name]) for name in names if name in on}


def _flag(enabled: object, found: Sequence[Mapping[str, Any]]) -> UnleashFlag:
    if not isinstance(enabled, bool):
        raise TypeError(f"enabled is {enabled!r}")
    counting = tuple(one for one in found if not one.get("disabled"))
    for one in counting:
        _share_pct(one)  # what nobody can read is told at once
    return UnleashFlag(enabled, counting, all_switched_off=bool(found) and not counting)


def _share_pct(strategy: Mapping[str, Any]) -> int | None:
    """The share of users that a strategy is, where it is one. Raises ValueError for one that nobody wrote."""
    parameters = dict(strategy.get("parameters") or {})
    if strategy.get("constraints") or strategy.get("segments"):
        return None
    str(strategy["id"])  # a change of its share names it: said now, before anything is switched
    if strategy["name"] == _STANDARD:
        return _EVERYBODY_PCT
    if strategy["name"] != _GRADUAL or parameters.get("stickiness", "default") not in _STICKY:
        return None
    share = str(parameters.get("rollout", ""))
    if not (share.isascii() and share.isdigit() and int(share) <= _EVERYBODY_PCT):
        raise ValueError(f"a rollout of {share!r}")
    return int(share)


def why_not_evaluated_by(token: str, settings: Unleash) -> str:
    """Why this frontend token would tell of something else; empty when it tells of this project and environment.

    Unleash's frontend API answers with the flags that are on and leaves all others out: with a token of another environment everything
    would look as if it were off. A token is ``PROJECT:ENVIRONMENT.SECRET``; ``*`` and ``[]`` stand for several projects.
    """
    scope, dot, _ = token.partition(".")
    project, colon, environment = scope.rpartition(":")
    if not (dot and colon):
        return "it is no frontend token: expected PROJECT:ENVIRONMENT.SECRET (value not shown)"
    if environment != settings.environment:
        return f"it is of Unleash's environment {environment!r}, expected {settings.environment!r}"
    if project not in {settings.project, "*", "[]"}:
        return f"it is of Unleash's project {project!r}, expected {settings.project!r}"
    return ""


def users_flags(answer: Any, known: Iterable[FlagName]) -> dict[FlagName, bool]:
    """Every known flag as a user gets it. Raises KeyError or TypeError where the answer is none.

    Unleash names the flags that are on; what it does not name is off, as far as there is such a flag.
    """
    on, unclear = set[FlagName](), set[FlagName]()
    for toggle in answer["toggles"]:
        name, enabled = toggle["name"], toggle["enabled"]
        if enabled is True:
            on.add(name)
        elif enabled is not False:
            unclear.add(name)
    return {name: name in on for name in known if name not in unclear}


@dataclass(frozen=True)
class UnleashAdmin:
    """One environment of one project: a ``FlagAdmin``."""

    api: ProviderApi
    settings: Unleash

    @classmethod
    def at(cls, settings: Unleash, token: str, *, deadline_s: float = 5.0) -> "UnleashAdmin":
        """With one admin token, which is in no message."""
        provider = Provider(
            name="Unleash",
            api_url=settings.url.rstrip("/"),
            reset_header="ratelimit-reset",
            limit_header="ratelimit-limit",
            status_page="the server's own log",
            settings="[unleash] url",
            secret="[secrets] unleash_admin_token_env",  # noqa: S106 - where it stands, not what it is
            advice=_ADVICE,
        )
        return cls(ProviderApi(provider, token, deadline_s, _PATIENCE_S, Waiter()), settings)

    def read_flags(self) -> dict[FlagName, Flag]:
        """All flags of the project. Raises ActionFailed when it does not say, UnreadableAnswer when nobody understands it."""
        return {name: found.flag for name, found in self._found().items()}

    def set_flags(self, changes: Mapping[FlagName, Flag]) -> None:
        """Ask for the changes; raises ActionFailed unless each is accepted. Whether they took effect is for read-back to tell."""
        found = self._found()
        missing = sorted(set(changes) - set(found))
        if missing:
            raise ActionFailed(f"{self._place} has no flag {', '.join(missing)}; it has {', '.join(sorted(found))}")
        raised = {name: flag.rollout_pct for name, flag in sorted(changes.items()) if flag.enabled}
        shares = {name: share_pct for name, share_pct in raised.items() if not found[name].has(share_pct)}
        if refused := [name for name in shares if not found[name].takes_a_share]:
            raise ActionFailed(
                f"{', '.join(refused)}: its strategies are no share of users (constraints, segments, several, or not by user), "
                f"so it can be switched off and on, and given no share; leave one gradual rollout in {self._place}, sticky to the user"
            )
        # In the order in which users are helped soonest, and nobody gets more than was asked in between.
        self._switch("off", [name for name in sorted(changes) if name not in raised and found[name].enabled])
        for name, share_pct in shares.items():
            self._give(name, found[name], share_pct)
        self._switch("on", [name for name in raised if not found[name].enabled])

    @property
    def _place(self) -> str:
        return f"Unleash's project {self.settings.project}, environment {self.settings.environment}"

    @property
    def _project(self) -> str:
        return f"/api/admin/projects/{self.settings.project}"

    def _found(self) -> dict[FlagName, UnleashFlag]:
        answer = self.api.ask(
            "read the flags",
            "/api/admin/features-batch/export",
            method="POST",
            json={"project": self.settings.project, "environment": self.settings.environment, "downloadFile": False},
            reads=True,
        )
        try:
            found = flags_in(answer.json, self.settings.environment)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            why = answer.json_problem or f"{type(error).__name__}: {error}"
            raise UnreadableAnswer(
                f"the flags could not be read: expected Unleash's export of a project, found {answer} ({why})"
            ) from None
        if not found:
            raise ActionFailed(f"{self._place} has no flags: are [unleash] project and environment right?")
        return found

    def _switch(self, way: str, names: Collection[FlagName]) -> None:
        if not names:
            return
        self.api.ask(
            f"switch {', '.join(names)} {way}",
            f"{self._project}/bulk_features/environments/{self.settings.environment}/{way}",
            method="POST",
            json={"features": list(names)},
            repeatable=True,
        )

    def _give(self, name: FlagName, found: UnleashFlag, share_pct: int) -> None:
        """Change the share of its rollout and nothing else; what has no strategy gets one."""
        operation = f"give {name} to {share_pct} %"
        flag = self.api.part_of_path(operation, name)
        path = f"{self._project}/features/{flag}/environments/{self.settings.environment}/strategies"
        parameters = {"rollout": str(share_pct), "stickiness": "default", "groupId": name}
        rollout = {"name": _GRADUAL, "parameters": parameters, "constraints": [], "segments": []}
        if not found.strategies:
            self.api.ask(operation, path, method="POST", json=rollout)
            return
        [own] = found.strategies
        path = f"{path}/{self.api.part_of_path(operation, str(own['id']))}"
        if own["name"] == _STANDARD:
            self.api.ask(operation, path, method="PUT", json=rollout, repeatable=True)
            return
        change = [{"op": "replace", "path": "/parameters/rollout", "value": str(share_pct)}]
        self.api.ask(operation, path, method="PATCH", json=change, repeatable=True)


@dataclass
class UnleashEvaluation:
    """What users get: a ``FlagEvaluation``. ``admin`` tells which flags there are, since the frontend API names only those that are on."""

    settings: Unleash
    token: str = field(repr=False)
    admin: UnleashAdmin
    deadline_s: float = 5.0
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those of whoever asks for a user, such as a page."""
    _known: Collection[FlagName] | None = field(default=None, init=False, repr=False)

    def flags_of(self, user_id: str) -> dict[FlagName, bool]:
        """Every flag as this user gets it. Raises MeasurementFailed when there is no such answer."""
        wrong = why_not_evaluated_by(self.token, self.settings)
        if wrong:
            raise MeasurementFailed(
                f"what users get is not known: the token of [secrets] unleash_frontend_token_env: {wrong}"
            )
        known = self._flags()
        answer = fetch(
            f"{self.settings.evaluated_at.rstrip('/')}/api/frontend",
            method="POST",
            json={"context": {"userId": user_id, "appName": "pam-rollback-suite"}},
            headers={**self.headers, "Authorization": self.token},
            deadline_s=self.deadline_s,
        )
        good = not answer.problem and answer.http_status == HTTPStatus.OK
        try:
            return users_flags(answer.json if good else None, known)
        except (KeyError, TypeError):
            found = str(answer).replace(self.token, "(the token)")
            raise MeasurementFailed(
                f"what a user gets is not known: expected Unleash's toggles, found {found}{_HINTS.get(answer.http_status, '')}"
            ) from None

    def _flags(self) -> Collection[FlagName]:
        if self._known is None:
            try:
                self._known = tuple(self.admin.read_flags())
            except ActionFailed as problem:
                raise MeasurementFailed(f"what users get is not known, since the flags are not: {problem}") from None
        return self._known
