"""What no sandbox of the preflight shows: a service that is suspended, and a push that would be refused."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.question import Answered, State
from pam_rollback.rollback import preflight_questions as questions
from pam_rollback.rollback.deploys import Deploy, Service
from pam_rollback.rollback.preflight_questions import ask_backend, ask_repository
from pam_rollback.rollback.providers.render import RENDER

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
CANDIDATE = Deploy("candidate", "live", "c" * 40, created_at=NOON, finished_at=NOON)
STABLE = replace(CANDIDATE, id="stable", state="deactivated", commit="b" * 40, created_at=NOON - timedelta(days=1))
DEPLOYS = {one.id: one for one in (CANDIDATE, STABLE)}


def host(name: str, *, suspended: bool = False) -> Any:
    """A host that has these deploys."""
    service = Service(f"srv-{name}", name, "main", auto_deploy=True, suspended=suspended)
    return SimpleNamespace(
        rules=RENDER, service=lambda: service, deploys=lambda: (*DEPLOYS.values(),), deploy=DEPLOYS.__getitem__
    )


def states(answers: Sequence[Answered]) -> dict[str, State]:
    """By question."""
    return {answer.question: answer.state for answer in answers}


def test_a_service_that_is_suspended_keeps_it_from_going_back() -> None:
    """Of the API or of a worker: nothing can be deployed to it."""
    well = ask_backend(host("api"), workers=[host("celery")])
    [worker, *_] = ask_backend(host("api"), workers=[host("celery", suspended=True)])

    assert set(states(well).values()) == {State.YES}
    assert states(ask_backend(host("api", suspended=True)))[questions.SERVICE.text] is State.NO
    assert (worker.state, "the service celery is suspended" in worker.words) == (State.NO, True)


def test_a_push_that_would_be_refused_is_a_no() -> None:
    """The branch can be read all the same."""

    def refused() -> None:
        raise ActionFailed("the token may not write")

    history: Any = SimpleNamespace(head=lambda _: "c" * 40, rehearse_push=refused)

    assert states(ask_repository(history, branch="main")) == {
        questions.HEAD.text: State.YES,
        questions.PUSH.text: State.NO,
    }
