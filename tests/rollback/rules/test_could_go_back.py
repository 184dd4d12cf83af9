"""The questions to those who publish, run and keep history, over stand-ins that say what providers say."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from pam_rollback.base.errors import ActionFailed, ProviderError
from pam_rollback.base.question import Answered, State
from pam_rollback.rollback import could_go_back as questions
from pam_rollback.rollback.could_go_back import ask_backend, ask_frontend, ask_repository
from pam_rollback.rollback.deploys import Deploy, Service
from pam_rollback.rollback.providers.netlify import NETLIFY
from pam_rollback.rollback.providers.render import RENDER
from pam_rollback.rollback.repository import PullRequests

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
OLD = Deploy("old", "ready", "a" * 40, created_at=NOON - timedelta(days=2), finished_at=NOON - timedelta(days=2))
STABLE = Deploy("stable", "ready", "b" * 40, created_at=NOON - timedelta(days=1), finished_at=NOON - timedelta(days=1))
CANDIDATE = Deploy("candidate", "ready", "c" * 40, created_at=NOON, finished_at=NOON)


def failed(status: int | None, words: str = "HTTP …") -> ProviderError:
    """What a client of a provider raises."""
    return ProviderError(words, provider="Netlify", operation="the site", http_status=status)


@dataclass
class Site:
    """A front end's host that has these deploys; ``gone`` are listed, and not kept any more."""

    rules = NETLIFY
    now: Deploy = CANDIDATE
    known: tuple[Deploy, ...] = (CANDIDATE, STABLE, OLD)
    gone: frozenset[str] = frozenset()
    error: ProviderError | None = None
    changed: list[str] = field(default_factory=list)

    def published(self) -> Deploy:
        """What users get."""
        if self.error is not None:
            raise self.error
        return self.now

    def deploy(self, deploy_id: str) -> Deploy:
        """One that is kept."""
        if deploy_id in self.gone:
            raise failed(HTTPStatus.NOT_FOUND, f"the deploy {deploy_id}: HTTP 404 Not Found")
        return next(deploy for deploy in self.known if deploy.id == deploy_id)

    def deploys(self) -> Sequence[Deploy]:
        """Those that are listed."""
        if self.error is not None:
            raise self.error
        return self.known

    def restore(self, deploy_id: str) -> Deploy:
        """Remember that something was changed."""
        self.changed.append(deploy_id)
        return self.deploy(deploy_id)


@dataclass
class Backend(Site):
    """A back end's host: what was live before is ``deactivated``."""

    rules = RENDER
    known: tuple[Deploy, ...] = (
        replace(CANDIDATE, state="live"),
        replace(STABLE, state="deactivated"),
        replace(OLD, state="deactivated"),
    )
    runs: Service = field(default_factory=lambda: Service("srv-1", "api", "main", auto_deploy=True))

    def service(self) -> Service:
        """What runs."""
        if self.error is not None:
            raise self.error
        return self.runs

    def roll_back(self, deploy_id: str) -> Deploy:
        """Remember that something was changed."""
        return self.restore(deploy_id)


@dataclass
class History:
    """A repository whose remote takes pushes, or says why not."""

    refuses: str = ""

    def head(self, branch: str) -> str:
        """Of main."""
        assert branch == "main"
        return "c" * 40

    def worktree(self, commit: str) -> AbstractContextManager[Path]:
        """Not read."""
        raise NotImplementedError

    def revert(self, commit: str, *, onto: str, reason: str) -> str:
        """Not read."""
        raise NotImplementedError

    def push(self, commit: str, branch: str, *, seen: str | None) -> None:
        """Not read."""
        raise NotImplementedError

    def taken_back_by(self, commit: str) -> str | None:
        """Not read."""
        raise NotImplementedError

    def rehearse_push(self) -> None:
        """Taken, or not."""
        if self.refuses:
            raise ActionFailed(self.refuses)


def states(answers: Sequence[Answered]) -> dict[str, State]:
    """By question."""
    return {answer.question: answer.state for answer in answers}


def test_a_healthy_front_end_can_go_back() -> None:
    """To the newest earlier deploy of another commit; nothing is changed."""
    site = Site()
    found = ask_frontend(site)

    assert set(states(found).values()) == {State.YES}
    assert "the front end can go back to stable (ready, commit bbbbbbbbbbbb)" in [answer.words for answer in found]
    assert site.changed == []
    assert "go back to old" in ask_frontend(Site(), to="old")[1].words
    assert "go back to old" in ask_frontend(Site(), to="aaaaaaa")[1].words


@pytest.mark.parametrize(
    ("site", "question", "words"),
    [
        (
            Site(error=failed(HTTPStatus.UNAUTHORIZED, "HTTP 401 Access Denied")),
            questions.PUBLISHED.text,
            "Access Denied",
        ),
        (Site(gone=frozenset({"stable"})), questions.FRONTEND_TARGET.text, "HTTP 404"),
        (Site(known=(CANDIDATE,)), questions.FRONTEND_TARGET.text, "no deploy that users had before candidate"),
        (Site(known=()), questions.FRONTEND_TARGET.text, "no deploy is a candidate"),
        (
            Site(known=(CANDIDATE, replace(STABLE, state="error"))),
            questions.FRONTEND_TARGET.text,
            "no deploy that users had",
        ),
        (
            Site(known=(CANDIDATE, replace(STABLE, commit="c" * 40))),
            questions.FRONTEND_TARGET.text,
            "no deploy that users had",
        ),
        (Site(now=STABLE), questions.FRONTEND_TARGET.text, "there is nothing to go back to: already there"),
        (Site(now=replace(CANDIDATE, locked=True)), questions.UNLOCKED.text, "an earlier rollback may have left it so"),
    ],
    ids=["token", "expired", "only one", "none", "unknown state", "the same commit", "gone back already", "locked"],
)
def test_what_keeps_the_front_end_from_going_back(site: Site, question: str, words: str) -> None:
    """Each by its own question, in words that say what to do."""
    found = {answer.question: answer for answer in ask_frontend(site)}

    assert found[question].state is State.NO
    assert words in found[question].words


def test_a_healthy_back_end_can_go_back() -> None:
    """A newer deploy that failed is nothing to go back to, and no reason to go further back."""
    broken = replace(
        CANDIDATE,
        id="broken",
        state="build_failed",
        created_at=NOON + timedelta(hours=1),
        finished_at=NOON + timedelta(hours=1),
    )
    backend = Backend(known=(broken, *Backend().known))

    found = ask_backend(backend)

    assert set(states(found).values()) == {State.YES}
    assert "the back end can go back to stable" in found[1].words
    assert backend.changed == []


@pytest.mark.parametrize(
    ("backend", "question", "words"),
    [
        (Backend(error=failed(HTTPStatus.FORBIDDEN, "HTTP 403")), questions.SERVICE.text, "HTTP 403"),
        (Backend(gone=frozenset({"stable"})), questions.BACKEND_TARGET.text, "HTTP 404"),
        (Backend(known=(replace(CANDIDATE, state="live"),)), questions.BACKEND_TARGET.text, "no deploy that users had"),
        (Backend(known=(CANDIDATE, STABLE)), questions.BACKEND_TARGET.text, "expected one deploy that is live"),
        (
            Backend(runs=Service("srv-1", "api", "main", auto_deploy=False)),
            questions.AUTODEPLOY.text,
            "api is not deployed by pushes: an earlier rollback may have left it so",
        ),
        (
            Backend(runs=Service("srv-1", "api", "main", auto_deploy=True, suspended=True)),
            questions.SERVICE.text,
            "suspended",
        ),
    ],
    ids=["token", "expired", "only one", "none is live", "autodeploy off", "suspended"],
)
def test_what_keeps_the_back_end_from_going_back(backend: Backend, question: str, words: str) -> None:
    """Each by its own question."""
    found = {answer.question: answer for answer in ask_backend(backend)}

    assert found[question].state is State.NO
    assert words in found[question].words


def test_workers_go_back_with_the_back_end() -> None:
    """One that nothing can be deployed to keeps it from going back whole."""
    celery = Service("srv-2", "celery", "main", auto_deploy=True)

    [well, *_] = ask_backend(Backend(), workers=[Backend(runs=celery)])
    [suspended, *_] = ask_backend(Backend(), workers=[Backend(runs=replace(celery, suspended=True))])

    assert (well.state, "celery deploys from main" in well.words) == (State.YES, True)
    assert (suspended.state, "the service celery is suspended" in suspended.words) == (State.NO, True)


def test_a_push_that_would_be_refused_is_a_no() -> None:
    """The branch can be read all the same."""
    taken = ask_repository(History(), History(), branch="main")
    refused = ask_repository(History(), History("the token may not write"), branch="main")

    assert set(states(taken).values()) == {State.YES}
    assert states(refused) == {questions.HEAD.text: State.YES, questions.PUSH.text: State.NO}


def test_that_a_person_has_to_merge_is_told_on_a_quiet_day() -> None:
    """By who takes the branch's pull requests."""
    pulls = cast("PullRequests", SimpleNamespace(protects=lambda _: True))

    found = {one.question: one.words for one in ask_repository(History(), History(), branch="main", pulls=pulls)}

    assert found[questions.PUSH.text] == (
        "a push would be taken; main is protected: a pull request is opened, and a person has to merge it"
    )
