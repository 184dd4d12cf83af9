"""Hosts that say yes and do something else, and a history that does not let itself be rolled back: what each strategy makes of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.rollback.strategies.titles import BACK, FRONT, backend, frontend, full_system

CANDIDATE, STABLE = "1.42.0", "1.41.3"


@dataclass(frozen=True)
class Case:
    """Which steps fail and are left out, and what users get."""

    name: str
    strategy: str
    failed: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    site: str | None = None
    api: str | None = None


_B, _F = backend, frontend
_AFTER_DEPLOY = {_B.STILL_OFF, _B.SERVED}
_AFTER_RESTORE = {_F.LOCK, _F.SERVED}
_BACKEND = ("backend-provider", "backend-commit", "backend-branch")


def host_cases() -> Iterator[Case]:
    """What the hosts do instead of what they were asked."""
    for strategy in _BACKEND:
        branch = {_B.BRANCH} if strategy == "backend-branch" else set()
        stays_on = "pushed meanwhile, and automatic deploys stay on"
        yield Case("never live", strategy, {_B.DEPLOY}, _AFTER_DEPLOY, api=CANDIDATE)
        yield Case("does not start", strategy, {_B.DEPLOY}, _AFTER_DEPLOY, api=CANDIDATE)
        yield Case("pushed meanwhile", strategy, api=STABLE)
        yield Case(stays_on, strategy, {_B.OFF, _B.DEPLOY} | branch, _AFTER_DEPLOY, api=CANDIDATE)
    for strategy in _BACKEND[1:]:
        yield Case("is not built", strategy, {_B.DEPLOY}, _AFTER_DEPLOY, api=CANDIDATE)
        yield Case("only queued", strategy, api=STABLE)
    yield Case("target expired", "backend-provider", {_B.DEPLOY}, _AFTER_DEPLOY, api=CANDIDATE)
    yield Case("target expired", "frontend-restore", {_F.RESTORE}, _AFTER_RESTORE, site=CANDIDATE)
    yield Case("never published", "frontend-restore", {_F.RESTORE}, _AFTER_RESTORE, site=CANDIDATE)
    yield Case("built over, unless locked", "frontend-restore", site=STABLE)
    yield Case("built over, and not locked", "frontend-restore", {_F.LOCK})
    yield Case("an old page in the cache", "frontend-restore", {_F.SERVED})
    yield Case("an old page in the cache", "full-system", site=STABLE, api=STABLE)
    yield Case("an old page that stays", "full-system", {FRONT + _F.SERVED}, api=STABLE)
    yield Case("features cannot be switched off by the bad release", "full-system", site=STABLE, api=STABLE)
    yield Case(
        "features cannot be switched off, and the service not be rolled back",
        "full-system",
        {full_system.FLAGS, full_system.FLAGS_OFF, BACK + _B.DEPLOY},
        {BACK + step for step in _AFTER_DEPLOY} | {full_system.API_CACHE},
        site=STABLE,
        api=CANDIDATE,
    )


def history_cases() -> Iterator[Case]:
    """What the repository does."""
    no_deploy = {_B.BRANCH, _B.DEPLOY, *_AFTER_DEPLOY}
    no_site = {_F.BUILD, _F.RESTORE, _F.PUSH, _F.BACK_END, *_AFTER_RESTORE}
    yield Case("refused", "frontend-revert", {_F.PUSH}, {_F.BACK_END}, STABLE, CANDIDATE)
    yield Case("refused", "backend-branch", {_B.REVERT}, no_deploy, None, CANDIDATE)
    yield Case("gone", "frontend-revert", {_F.REVERT}, no_site, CANDIDATE, CANDIDATE)
    yield Case("gone", "backend-branch", {_B.REVERT}, no_deploy, None, CANDIDATE)
