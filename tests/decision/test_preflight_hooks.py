"""The hook by which each topic says what a rollback stands on."""

from pathlib import Path

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.question import Answered, Call, Question, State, one
from pam_rollback.decision.asked import Preflight
from pam_rollback.decision.ways import NOT_CHECKED, NOT_READY, READY
from pam_rollback.target.environment_file import load_environment
from tests.decision.asked import PLAN, preflight

ROOT = Path(__file__).parents[2]
_PRODUCTION = load_environment(str(ROOT / "environments/examples/production.toml"), ROOT / "environments", {})
ENVIRONMENT = _PRODUCTION.model_copy(update={"urls": _PRODUCTION.urls.model_copy(update={"api": "http://127.0.0.1:9"})})
"""At an address: no name is looked up."""
OWN = Question("the pager is charged", ("own", "message"))
UNDECLARED = Question("the vault is open", ("vault",), "smtp")


class Pager:
    """A conftest.py that asks something of its own."""

    def __init__(self, problem: str = "") -> None:
        self.problem = problem

    def pytest_pam_preflight(self) -> list[Call]:
        """Beside something that is not declared here, which is never asked."""
        return [one(OWN, self._charged), Call((UNDECLARED,), lambda: pytest.fail("asked"))]

    def _charged(self) -> str:
        if self.problem:
            raise ActionFailed(self.problem)
        return "80 %"


@pytest.mark.parametrize(("problem", "state"), [("", READY), ("it is empty", NOT_READY)])
def test_pytest_pam_preflight(problem: str, state: str) -> None:
    """A question from outside makes a part of its own, and one of the suite's, not ready; what nobody declares is not asked."""
    own = Pager(problem).pytest_pam_preflight()
    found = Preflight(ENVIRONMENT, PLAN, own)
    ready = found.readiness(found.answers())

    assert (ready["own"].state, ready["own"].words.partition(" (")[0]) == (state, problem or "80 %")
    assert ready["message"].state == state
    assert ready["vault"].state == NOT_CHECKED
    assert ready["vault"].words.startswith(f"{ENVIRONMENT.name} declares no smtp")
    assert {OWN, UNDECLARED} < {*preflight(ENVIRONMENT, Pager()).questions}


def test_each_question_is_asked_once() -> None:
    """Two of the same words would be one answer."""
    texts = [question.text for question in preflight(ENVIRONMENT).questions]

    assert len(texts) == len({*texts}) > 20


def test_strategies_come_first_in_the_plans_order() -> None:
    """Whoever is called at night begins with the preferred one."""
    found = preflight(ENVIRONMENT)
    names = [*found.readiness([Answered(one.text, State.YES, "") for one in found.questions])]

    assert names[: len(PLAN.strategies)] == [one.name for one in PLAN.strategies.values()]
    assert {*names[len(PLAN.strategies) :]} == {
        "by-git",
        "builds",
        "names",
        "verification",
        "message",
        "backup",
        "way back",
    }
