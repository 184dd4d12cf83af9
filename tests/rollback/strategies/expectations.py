"""What each strategy does when an operation of a provider fails: which steps fail, which are left out; all others are done."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.rollback.strategies.titles import BACK, FRONT, backend, emergency, frontend, full_system

NETLIFY, RENDER, GIT = "netlify-answers", "render-deploys", "repository"
PROVIDERS = {NETLIFY: "Netlify", RENDER: "Render", GIT: "git"}


@dataclass(frozen=True)
class Row:
    """One operation of one strategy. ``site`` and ``api``: users get the stable release in the end; None: that is left open."""

    strategy: str
    provider: str
    operation: str
    failed: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    site: bool | None = None
    api: bool | None = None
    done_unread_helps: bool = False
    """Where the change was made although its answer was lost, the action finds out, and succeeds."""
    helps: bool = False
    """The action succeeds whatever is answered."""


def _row(
    strategy: str,
    provider: str,
    operation: str,
    failed: set[str],
    left_out: set[str] | None = None,
    **more: Any,
) -> Row:
    return Row(strategy, provider, operation, frozenset(failed), frozenset(left_out or ()), **more)


_B, _F = backend, frontend
_OFF_STEPS = {_B.OFF, _B.STILL_OFF}
_AFTER_DEPLOY = {_B.STILL_OFF, _B.SERVED}
_AFTER_BACK_LOOK = {_B.OFF, _B.CANCEL, _B.DEPLOY, *_AFTER_DEPLOY}
_AFTER_FRONT_LOOK = {_F.RESTORE, _F.LOCK, _F.CANCEL, _F.SERVED}
_AFTER_RESTORE = {_F.LOCK, _F.SERVED}


def _of(prefix: str, steps: set[str]) -> set[str]:
    return {prefix + step for step in steps}


def _backend_rows() -> Iterator[Row]:
    for strategy, ask in (("backend-provider", "rollback"), ("backend-commit", "deploy"), ("backend-branch", "deploy")):
        branch = {_B.BRANCH} if strategy == "backend-branch" else set()
        # Automatic deploys that cannot be switched off keep nobody waiting, and are never passed over.
        yield _row(strategy, RENDER, "service", {*_OFF_STEPS, *branch}, api=True)
        yield _row(strategy, RENDER, "patch", {*_OFF_STEPS, *branch}, api=True, done_unread_helps=True)
        yield _row(strategy, RENDER, "list", {_B.LOOK}, {*_AFTER_BACK_LOOK, *branch}, api=False)
        yield _row(strategy, RENDER, ask, {_B.DEPLOY}, _AFTER_DEPLOY, api=False, done_unread_helps=True)
        # It may well become live; nobody can see it, so nobody says so.
        yield _row(strategy, RENDER, "get", {_B.DEPLOY}, _AFTER_DEPLOY)


def _frontend_rows() -> Iterator[Row]:
    build = {"frontend-restore": set(), "frontend-commit": {_F.BUILD}, "frontend-revert": {_F.BUILD}}
    for strategy, builds in build.items():
        # A revert is pushed whatever Netlify says: the hosts build it by themselves.
        site = None if strategy == "frontend-revert" else False
        yield _row(strategy, NETLIFY, "site", {_F.LOOK}, {*builds, *_AFTER_FRONT_LOOK}, site=site)
        yield _row(strategy, NETLIFY, "lock", {_F.LOCK}, site=True, done_unread_helps=True)
        if not builds:
            yield _row(strategy, NETLIFY, "restore", {_F.RESTORE}, _AFTER_RESTORE, site=False, done_unread_helps=True)
            yield _row(strategy, NETLIFY, "deploys", {_F.CANCEL}, site=True, helps=True)
            continue
        yield _row(strategy, NETLIFY, "restore", set(), site=True, helps=True)
        yield _row(strategy, NETLIFY, "deploys", {_F.BUILD, _F.CANCEL}, {_F.RESTORE, *_AFTER_RESTORE}, site=site)
        # Netlify has every file of a commit that it had before: where only its answer is lost, nothing is missing.
        known = strategy == "frontend-commit"
        yield _row(
            strategy,
            NETLIFY,
            "upload",
            {_F.BUILD},
            {_F.RESTORE, *_AFTER_RESTORE},
            site=site,
            done_unread_helps=known,
        )


def _full_system_rows() -> Iterator[Row]:
    def row(*arguments: Any, **more: Any) -> Row:
        return _row("full-system", *arguments, **more)

    yield row(
        NETLIFY,
        "all",
        {FRONT + _F.LOOK},
        {*_of(FRONT, _AFTER_FRONT_LOOK), full_system.SITE_CACHE},
        site=False,
        api=True,
    )
    yield row(
        NETLIFY,
        "restore",
        {FRONT + _F.RESTORE},
        {*_of(FRONT, _AFTER_RESTORE), full_system.SITE_CACHE},
        site=False,
        api=True,
        done_unread_helps=True,
    )
    yield row(NETLIFY, "lock", {FRONT + _F.LOCK}, site=True, api=True, done_unread_helps=True)
    yield row(NETLIFY, "purge", {full_system.SITE_CACHE}, site=True, api=True)
    yield row(
        RENDER,
        "all",
        {BACK + _B.LOOK},
        {*_of(BACK, _AFTER_BACK_LOOK), full_system.API_CACHE},
        site=True,
        api=False,
    )
    yield row(RENDER, "service", _of(BACK, _OFF_STEPS), site=True, api=True)
    yield row(RENDER, "patch", _of(BACK, _OFF_STEPS), site=True, api=True, done_unread_helps=True)
    yield row(
        RENDER,
        "rollback",
        {BACK + _B.DEPLOY},
        {*_of(BACK, _AFTER_DEPLOY), full_system.API_CACHE},
        site=True,
        api=False,
        done_unread_helps=True,
    )
    yield row(RENDER, "get", {BACK + _B.DEPLOY}, {*_of(BACK, _AFTER_DEPLOY), full_system.API_CACHE}, site=True)


def _emergency_rows() -> Iterator[Row]:
    """The product is down: its own steps have failed before, and the way past it is all there is."""
    failed = {emergency.READ, emergency.CALL, emergency.OUT_OF_BAND}
    left_out = {emergency.READ_BACK}
    for operation, api in (("service", True), ("patch", True), ("list", None), ("rollback", None), ("get", None)):
        helps = operation in {"patch", "rollback"}
        yield _row("emergency", RENDER, operation, failed, left_out, api=api, done_unread_helps=helps)


ROWS = (*_backend_rows(), *_frontend_rows(), *_full_system_rows(), *_emergency_rows())
