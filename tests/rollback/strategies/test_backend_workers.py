"""Workers of the API's commit go back with it: after it, each for itself, and first of all when a rollback is put back."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.plan.plan import load_plan
from pam_rollback.rollback.backend import UNDO_KIND, WORKER_UNDO_KIND, ApiRestored, undo_running
from pam_rollback.rollback.deploys import Deploy, Service
from pam_rollback.rollback.journal import Journal
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.served_release import BACK_END, WEAK, Evidence, ReleaseProof, Says, Served, Wanted
from tests.rollback.strategies.boundaries import steps_of_drill
from tests.rollback.strategies.hosts import CANDIDATE, STABLE, Failure, Hosts, State
from tests.rollback.strategies.performed import Known, as_drilled
from tests.rollback.strategies.stage import MemoryStage
from tests.rollback.strategies.titles import BACK, backend, workers
from tests.sessions import ROOT

WORKER = "srv-worker"


class Scene:
    """An API and a worker, each with deploys of its own."""

    def __init__(self, folder: Path) -> None:
        self.stage = MemoryStage(Journal(folder / "journal.jsonl"))
        state = State(
            service=Service(WORKER, "pam-celery", "main", auto_deploy=True, trigger="commit"),
            deploys=[Deploy("worker-new", "live", CANDIDATE), Deploy("worker-old", "deactivated", STABLE)],
        )
        self.worker = Hosts(self.stage.clock, state, owes=self._owes)

    def _owes(self) -> bool:
        return any(undo.kind == WORKER_UNDO_KIND for undo in self.stage.journal.owed())

    def roll_back(self, *, by_commit: bool = False, **other: Any) -> ApiRestored:
        """The API to its stable deploy, and what goes with it."""
        self.stage.workers = (self.worker.service,)
        own = {"api": Known(replace(self.stage.backend, **other), self.stage.targets.backend)} if other else {}
        done: ApiRestored = as_drilled(f"backend-{'commit' if by_commit else 'provider'}", self.stage, **own)
        return done

    def undo(self) -> list[str]:
        """Put back what is owed; gives the kinds in the order in which that was done."""
        done = []
        for undo in self.stage.journal.owed():
            host = self.worker.service if undo.kind == WORKER_UNDO_KIND else self.stage.hosts.service
            undo_running(undo, replace(self.stage.backend, host=host))
            self.stage.journal.settled(undo)
            done.append(undo.kind)
        return done

    @property
    def runs(self) -> str:
        """The commit of the worker."""
        return next(deploy.commit for deploy in self.worker.left_behind().deploys if deploy.state == "live")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Both on the bad release."""
    return Scene(tmp_path)


@pytest.mark.parametrize("by_commit", [False, True])
def test_the_worker_follows_the_api(scene: Scene, *, by_commit: bool) -> None:
    """When the API's deploy is live; nothing of it is deployed over by a push; and put back in the other order."""
    done = scene.roll_back(by_commit=by_commit)

    steps = {step.name: step for step in done.steps}
    assert (scene.stage.api_release(), scene.runs) == (STABLE, STABLE)
    assert not scene.worker.left_behind().service.auto_deploy
    assert steps[workers.RUN].started_s >= steps[backend.DEPLOY].finished_s
    assert steps[workers.RUN].started_s >= steps[workers.OFF].finished_s
    assert scene.worker.unowed == []
    assert scene.undo() == [WORKER_UNDO_KIND, UNDO_KIND]
    assert (scene.stage.api_release(), scene.runs) == (CANDIDATE, CANDIDATE)
    assert scene.worker.left_behind().service.auto_deploy


def test_a_worker_that_fails_takes_nothing_from_the_users(scene: Scene) -> None:
    """The API goes back; what became of the worker is told, and judged by what it runs."""
    scene.worker.behaves.add("update fails")

    done = scene.roll_back()

    [told] = [step for step in done.steps if step.name == workers.RUN]
    assert (told.done, told.essential) == (False, False)
    assert "it failed" in told.problem
    assert (scene.stage.api_release(), scene.runs) == (STABLE, CANDIDATE)


def test_a_worker_stays_when_the_api_does_not_go_back(scene: Scene) -> None:
    """An older worker was not made to read what the newer API writes."""
    scene.stage.hosts.behaves.add("update fails")

    with pytest.raises(ActionFailed):
        scene.roll_back()

    assert scene.runs == CANDIDATE


@pytest.mark.parametrize(
    ("failing", "words"),
    [("service", "Render: service"), ("list", "Render: list"), ("rollback", "Render: rollback")],
)
def test_a_host_that_does_not_answer_is_told(scene: Scene, failing: str, words: str) -> None:
    """It keeps nothing else from being done."""
    scene.worker.failing[("Render", failing)] = Failure(http_status=403)

    done = scene.roll_back()

    assert scene.stage.api_release() == STABLE
    problems = " ".join(step.problem for step in done.steps if not step.done)
    assert words in problems


def test_a_worker_that_is_there_already_is_left_alone(scene: Scene) -> None:
    """Nothing is owed for it."""
    scene.worker.state.service = replace(scene.worker.state.service, auto_deploy=False, trigger="off")
    scene.worker.state.deploys[:] = [Deploy("worker-old", "live", STABLE)]

    scene.roll_back()

    assert scene.worker.changes == []
    assert scene.undo() == [UNDO_KIND]


def test_what_is_under_way_to_it_is_stopped(scene: Scene) -> None:
    """A push that came before the rollback would deploy over it."""
    scene.worker.service.starts(CANDIDATE, "build_in_progress", "new_commit", after_s=1000)

    scene.roll_back()

    assert scene.runs == STABLE
    assert {deploy.state for deploy in scene.worker.left_behind().deploys if deploy.trigger == "new_commit"} == {
        "canceled"
    }


def test_planned_steps_name_the_workers() -> None:
    """Each beside what it belongs to, in a drill of the back end alone and in that of the whole system."""
    plan, sandbox = load_plan(ROOT / "plan.toml"), load_environment("sandbox", ROOT / "environments", {})
    assert sandbox.render is not None
    with_worker = sandbox.model_copy(update={"render": sandbox.render.model_copy(update={"workers": (WORKER,)})})
    own = [backend.DEPLOY, workers.OFF, workers.RUN, backend.STILL_OFF]

    for strategy, prefix in (("backend-commit", ""), ("full-system", BACK)):
        steps = steps_of_drill(plan, strategy, with_worker)
        first = steps.index(prefix + backend.DEPLOY)
        assert steps[first : first + 4] == [prefix + step for step in own]


def test_what_contradicts_the_host_is_for_the_checks_to_judge(scene: Scene) -> None:
    """All that a rollback can do was done; what users get is a fact of it, and no failed step."""
    old = Evidence("the process that answers", Says.OTHER, "it started before api-2 was asked for")
    served = Served(BACK_END, Wanted(STABLE), proof=ReleaseProof((old,)))

    done = scene.roll_back(look=lambda _: served, served_within_s=5)

    assert done.served.contradicted
    assert [step.result for step in done.steps if step.name == backend.SERVED] == [str(served)]


def test_what_only_the_host_says_is_not_waited_for(scene: Scene) -> None:
    """No later look would tell more, and it is no failed step either."""
    word = Evidence("the host", Says.TARGET, "api-2 is live", WEAK)
    served = Served(BACK_END, Wanted(STABLE), proof=ReleaseProof((word,)))

    done = scene.roll_back(look=lambda _: served)

    assert done.served.holds
    assert done.served.unproven == str(served)


def test_what_does_not_answer_is_not_done(scene: Scene) -> None:
    """As ever: nothing was seen that could be judged."""
    silent = Served(BACK_END, Wanted(STABLE), problem="refused the connection", proof=ReleaseProof(()))
    with pytest.raises(ActionFailed, match="refused the connection"):
        scene.roll_back(look=lambda _: silent, served_within_s=5)
