"""Hosts that say yes and do something else, and a history that does not let itself be rolled back: what each strategy makes of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.rollback.strategies.titles import BACK, FRONT, backend, frontend, full_system

CANDIDATE, STABLE = "1.42.0", "1.41.3"
NETLIFY, RENDER, GIT = "netlify-behaviour", "render-deploys", "repository"
THROUGH_CLIENTS = {"an old page in the cache", "an old page that stays", "hangs", "done-but-hangs"}
"""What is served, and git's own process: ``tests/rollback/strategies/test_hosts_and_history.py``."""
Planted = tuple[str, dict[str, str]]


@dataclass(frozen=True)
class Case:
    """What is planted, which steps fail and are left out, what the message says, and what users get."""

    name: str
    strategy: str
    planted: tuple[Planted, ...]
    failed: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    words: str = ""
    site: str | None = None
    api: str | None = None


def _plant(name: str, what: str, operation: str = "") -> Planted:
    return name, {"what": what, **({"operation": operation} if operation else {})}


_B, _F = backend, frontend
_AFTER_DEPLOY = {_B.STILL_OFF, _B.SERVED}
_AFTER_RESTORE = {_F.LOCK, _F.SERVED}
_NO_LOCK = _plant("netlify-answers", "error-403", "lock")
_NO_SWITCH = _plant(RENDER, "error-403", "patch")
_BACKEND = ("backend-provider", "backend-commit", "backend-branch")


def host_cases() -> Iterator[Case]:
    """What the hosts do instead of what they were asked."""
    for strategy in _BACKEND:
        yield Case(
            "never live",
            strategy,
            (_plant(RENDER, "never-live"),),
            {_B.DEPLOY},
            _AFTER_DEPLOY,
            "is live: not reached after 2 s",
            api=CANDIDATE,
        )
        yield Case(
            "does not start",
            strategy,
            (_plant(RENDER, "update-fails"),),
            {_B.DEPLOY},
            _AFTER_DEPLOY,
            "it failed",
            api=CANDIDATE,
        )
        yield Case("pushed meanwhile", strategy, (_plant(RENDER, "superseded"),), api=STABLE)
        yield Case(
            "pushed meanwhile, and automatic deploys stay on",
            strategy,
            (_plant(RENDER, "superseded"), _NO_SWITCH),
            {_B.OFF, _B.DEPLOY} | ({_B.BRANCH} if strategy == "backend-branch" else set()),
            _AFTER_DEPLOY,
            "it failed",
            api=CANDIDATE,
        )
    for strategy in _BACKEND[1:]:
        yield Case(
            "is not built",
            strategy,
            (_plant(RENDER, "build-fails"),),
            {_B.DEPLOY},
            _AFTER_DEPLOY,
            "build_failed",
            api=CANDIDATE,
        )
        yield Case("only queued", strategy, (_plant(RENDER, "queued"),), api=STABLE)
    yield Case(
        "target expired",
        "backend-provider",
        (_plant(RENDER, "expired"),),
        {_B.DEPLOY},
        _AFTER_DEPLOY,
        "build may also be gone",
        api=CANDIDATE,
    )
    yield Case(
        "target expired",
        "frontend-restore",
        (_plant(NETLIFY, "deploy-expired"),),
        {_F.RESTORE},
        _AFTER_RESTORE,
        "may also have expired",
        site=CANDIDATE,
    )
    yield Case(
        "never published",
        "frontend-restore",
        (_plant(NETLIFY, "restore-never-published"),),
        {_F.RESTORE},
        _AFTER_RESTORE,
        "is published: not reached after 1 s",
        site=CANDIDATE,
    )
    yield Case("built over, unless locked", "frontend-restore", (_plant(NETLIFY, "restore-superseded"),), site=STABLE)
    yield Case(
        "built over, and not locked",
        "frontend-restore",
        (_plant(NETLIFY, "restore-superseded"), _NO_LOCK),
        {_F.LOCK},
        words="lock the deploy",
    )
    yield Case(
        "an old page in the cache",
        "frontend-restore",
        (("old-page-served", {"release": "candidate"}),),
        {_F.SERVED},
        words="a page with SHA-256",
    )
    yield Case(
        "an old page in the cache",
        "full-system",
        (("old-page-served", {"release": "candidate"}),),
        site=STABLE,
        api=STABLE,
    )
    yield Case(
        "an old page that stays",
        "full-system",
        (("old-page-served", {"release": "candidate"}), _plant(NETLIFY, "purge-without-effect")),
        {FRONT + _F.SERVED},
        words="a page with SHA-256",
        api=STABLE,
    )
    yield Case(
        "features cannot be switched off by the bad release",
        "full-system",
        (("admin-refuses", {}),),
        site=STABLE,
        api=STABLE,
    )
    yield Case(
        "features cannot be switched off, and the service not be rolled back",
        "full-system",
        (("admin-refuses", {}), _plant(RENDER, "update-fails")),
        {full_system.FLAGS, full_system.FLAGS_OFF, BACK + _B.DEPLOY},
        {BACK + step for step in _AFTER_DEPLOY} | {full_system.API_CACHE},
        "it failed",
        site=STABLE,
        api=CANDIDATE,
    )


def history_cases() -> Iterator[Case]:
    """What the repository does."""
    for what, words in (("refused", "Protected branch"), ("hangs", "no end after 3 s")):
        yield Case(
            what,
            "frontend-revert",
            (_plant(GIT, what),),
            {_F.PUSH},
            {_F.BACK_END},
            words,
            site=STABLE,
            api=CANDIDATE,
        )
        yield Case(
            what,
            "backend-branch",
            (_plant(GIT, what),),
            {_B.REVERT},
            {_B.BRANCH, _B.DEPLOY, *_AFTER_DEPLOY},
            words,
            api=CANDIDATE,
        )
    for strategy in ("frontend-revert", "backend-branch"):
        yield Case("done-but-hangs", strategy, (_plant(GIT, "done-but-hangs"),), api=STABLE)
    yield Case(
        "gone",
        "frontend-revert",
        (_plant(GIT, "gone"),),
        {_F.REVERT},
        {_F.BUILD, _F.RESTORE, _F.PUSH, _F.BACK_END, *_AFTER_RESTORE},
        "git",
        site=CANDIDATE,
        api=CANDIDATE,
    )
    yield Case(
        "gone",
        "backend-branch",
        (_plant(GIT, "gone"),),
        {_B.REVERT},
        {_B.BRANCH, _B.DEPLOY, *_AFTER_DEPLOY},
        "git",
        api=CANDIDATE,
    )
