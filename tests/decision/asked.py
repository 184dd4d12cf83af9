"""What the topics ask before a rollback."""

from pathlib import Path

from pam_rollback.core.question import Call, Question
from pam_rollback.decision.asked import Preflight
from pam_rollback.plan.plan import load_plan
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.served_release import ExpectedReleases
from tests.listening import TOPICS, listened_to

ROOT = Path(__file__).parents[2]
PLAN = load_plan(ROOT / "plan.toml")


def preflight(environment: Environment, *others: object) -> Preflight:
    """As the fixture of that name asks it; ``others`` are asked, too."""
    hook = listened_to(*TOPICS, *others).hook
    found: list[list[Call]] = hook.pytest_pam_preflight(environment=environment, plan=PLAN, to=ExpectedReleases())
    return Preflight(environment, PLAN, [call for calls in found for call in calls])


QUESTIONS = preflight(
    load_environment(str(ROOT / "environments/examples/production.toml"), ROOT / "environments", {})
).questions
EVERY = {one.ability for one in QUESTIONS} - {""}


def _of(text: str) -> Question:
    [found] = [one for one in QUESTIONS if text in one.text]
    return found


DATABASE = _of("the database can be read")
ACCOUNT = _of("the test account can sign in")
BACKUP = _of("lost rows could come back")
CHANNEL = _of("the incident channel")
CLOCK = _of("the API agree on the time")
