"""Flags as Unleash has them: what stands in ``[unleash]``, and what its strategies come to in shares of users.

Unleash switches a flag by environment and gives it strategies there, each for some users. The plan speaks of one share. One gradual rollout
that sticks to the user is such a share; nothing at all, or the standard strategy, is everybody. Whatever else stands there (constraints,
segments, several strategies) counts as everybody, the most that it can be: it can be switched off and on again, and given no other share.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from pam_rollback.base.addresses import web_address
from pam_rollback.base.configuration import Problem, Table
from pam_rollback.plan.flags import Flag, FlagName

_NAME = r"^[A-Za-z0-9._~-]+$"
_EVERYBODY_PCT = 100
_GRADUAL, _STANDARD = "flexibleRollout", "default"
_STICKY = frozenset({"default", "userId"})
"""Both take the user's id where there is one, so that whoever is asked again gets the same."""


class Unleash(Table):
    """An Unleash server that switches the plan's flags, under the names that the plan gives them."""

    url: Annotated[str, AfterValidator(web_address)] = ""
    """Where its admin API is, without ``/api/admin``."""
    frontend_url: Annotated[str, AfterValidator(web_address)] = ""
    """Where the product's pages ask, without ``/api/frontend``: an Unleash Edge, for instance. Empty: the same as ``url``."""
    project: Annotated[str, Field(pattern=_NAME)] = "default"
    """The project that has the flags."""
    environment: Annotated[str, Field(pattern=_NAME)] = "production"
    """Unleash's own name of the environment. Nothing is read or changed in another one."""

    def problems(self) -> Iterator[Problem]:
        """Everything that is well-formed but cannot be used like this."""
        if not self.url:
            yield Problem("[unleash] url", "missing: the address of the Unleash server, without /api/admin")

    @property
    def evaluated_at(self) -> str:
        """Where users' flags are asked for."""
        return self.frontend_url or self.url


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


@dataclass(frozen=True)
class Strategy:
    """One way in which users get a flag."""

    id: str
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    narrowed: bool = False
    """By constraints or segments: it is for some users only."""

    @property
    def share_pct(self) -> int | None:
        """The share of users, where it is one."""
        if self.narrowed:
            return None
        if self.name == _STANDARD:
            return _EVERYBODY_PCT
        if self.name != _GRADUAL or self.parameters.get("stickiness", "default") not in _STICKY:
            return None
        share = str(self.parameters.get("rollout", ""))
        if not (share.isascii() and share.isdigit() and int(share) <= _EVERYBODY_PCT):
            raise ValueError(f"a rollout of {share!r}")
        return int(share)


@dataclass(frozen=True)
class UnleashFlag:
    """A flag in one environment."""

    name: FlagName
    enabled: bool
    strategies: tuple[Strategy, ...] = ()
    """Those that count: one that is switched off by itself does not."""
    all_switched_off: bool = False
    """It has strategies, and each of them is switched off by itself."""

    @property
    def share(self) -> "Strategy | None":
        """The one strategy that is a share of users."""
        alone = self.strategies[0] if len(self.strategies) == 1 else None
        return alone if alone is not None and alone.share_pct is not None else None

    @property
    def share_pct(self) -> int:
        """For how many users at most, once it is on."""
        return _EVERYBODY_PCT if self.share is None or self.share.share_pct is None else self.share.share_pct

    @property
    def flag(self) -> Flag:
        """As the plan speaks of it. What is off is off for everybody, whatever its strategies say."""
        return Flag(enabled=self.enabled, rollout_pct=self.share_pct if self.enabled else 0)

    @property
    def takes_a_share(self) -> bool:
        """Whether it can be given another share without touching what somebody has set up."""
        return self.share is not None or not (self.strategies or self.all_switched_off)


def flags_in(document: Mapping[str, Any], environment: str) -> dict[FlagName, UnleashFlag]:
    """What an export of a project says of that environment. Raises KeyError, TypeError, AttributeError or ValueError where it does not."""
    names = [str(feature["name"]) for feature in document["features"]]
    on = {
        str(one["featureName"]): _truth(one["enabled"])
        for one in document["featureEnvironments"]
        if one["environment"] == environment
    }
    strategies: dict[FlagName, list[Mapping[str, Any]]] = {name: [] for name in names}
    for one in document["featureStrategies"]:
        strategies.setdefault(str(one["featureName"]), []).append(one)
    return {name: _flag(name, on[name], strategies[name]) for name in names if name in on}


def _flag(name: FlagName, enabled: bool, found: Iterable[Mapping[str, Any]]) -> UnleashFlag:  # noqa: FBT001 - as Unleash has it
    every = tuple(found)
    counting = tuple(
        Strategy(
            id=str(one["id"]),
            name=str(one["name"]),
            parameters=dict(one.get("parameters") or {}),
            narrowed=bool(one.get("constraints") or one.get("segments")),
        )
        for one in every
        if not one.get("disabled")
    )
    return UnleashFlag(name, enabled, counting, all_switched_off=bool(every) and not counting)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"enabled is {value!r}")
    return value


@dataclass(frozen=True)
class Writing:
    """What has to be asked for, in the order in which users are helped soonest and nobody gets more than was asked in between."""

    off: tuple[FlagName, ...]
    shares: Mapping[FlagName, int]
    on: tuple[FlagName, ...]
    refused: tuple[FlagName, ...] = ()
    """Those that take no share, and were asked to."""


def writing(found: Mapping[FlagName, UnleashFlag], changes: Mapping[FlagName, Flag]) -> Writing:
    """What leads from ``found`` to ``changes``; ``found`` has all of them."""
    raised = {name: flag for name, flag in changes.items() if flag.enabled}
    other = {name: flag.rollout_pct for name, flag in raised.items() if not _has(found[name], flag.rollout_pct)}
    return Writing(
        off=tuple(sorted(name for name in changes if name not in raised and found[name].enabled)),
        shares={name: share for name, share in sorted(other.items()) if found[name].takes_a_share},
        on=tuple(sorted(name for name in raised if not found[name].enabled)),
        refused=tuple(sorted(name for name in other if not found[name].takes_a_share)),
    )


def _has(found: UnleashFlag, share_pct: int) -> bool:
    """Whether its strategies come to that share. What has none yet is given one: switching it on would let everybody in."""
    return bool(found.strategies) and found.share_pct == share_pct


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
