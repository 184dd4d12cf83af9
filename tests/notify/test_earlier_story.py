"""A session of several stories: what was sent in an earlier one says nothing of the next, although both have its id."""

from dataclasses import replace

import pytest

from pam_rollback.notify.channels import mailer_of
from pam_rollback.notify.slack import team_channel
from pam_rollback.plan.plan import load_plan
from pam_rollback.target.environment_file import load_environment
from tests.sessions import ROOT, Project, RunningSandbox

RUN = "20261201T000000Z-sandbox-1a2b"
STORY = "drills/test_feature_flag.py"
JUDGED = "contact_was_written_to or incident_channel_was_told"


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Those of who was told."""
    return ("test_escalation.py", "test_communication.py")


def test_what_an_earlier_story_sent_does_not_count(running_sandbox: RunningSandbox, project: Project) -> None:
    """A mail to a contact who is not due now, and a message without the mark of a drill: both are of the earlier story."""
    environment = load_environment(str(running_sandbox.file), ROOT / "environments", {})
    channel, contact = team_channel(environment), load_plan(ROOT / "plan.toml").emails["EC-4"]
    assert channel is not None
    assert channel.post(f"Of the story before. Run {RUN}") == ""
    assert mailer_of(environment).send((contact,), "the story before", f"Everybody helps. Run {RUN}") == ""
    folder = project.folder / RUN

    ended = project.run(STORY, "--env", str(running_sandbox.file), "-k", JUDGED, f"--run-dir={folder}")

    outcomes = replace(ended, folder=folder).outcomes_by_case()
    assert outcomes["test_contact_was_written_to_when_due[EC-4]"] == "passed", ended.out
    assert outcomes["test_incident_channel_was_told"] == "passed", ended.out
