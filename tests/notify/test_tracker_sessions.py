"""A real rollback beside a tracker that answers, and beside one that does not: its verdict is the same, and each is told in a line."""

from collections.abc import Iterator

import pytest

from tests.notify.github_issues import TOKEN, Fault, Issues, stand_in
from tests.plugin.drilling import CONSENT, as_staging, journal
from tests.sessions import Project, RunningSandbox

ROLLBACK = ("drills/test_feature_flag.py", "--env=staging.toml", *CONSENT)
FEW = ("-k", "test_flags_are_off or PRE-4")
GONE = Fault(410, "Issues are disabled for this repo")


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """PRE-4 is what is asked."""
    return ("test_checklist.py",)


@pytest.fixture
def github() -> Iterator[Issues]:
    """Where the incidents are."""
    with stand_in() as made:
        yield made


@pytest.mark.long_matrix
@pytest.mark.parametrize("tracker", ["answers", "gone"])
def test_a_real_rollback_is_on_record(
    running_sandbox: RunningSandbox, project: Project, github: Issues, tracker: str
) -> None:
    """PRE-4 is measured, the journal and the notes name the issue, and the issue has the verdict; what is refused is said once.

    On a commit what is refused is held by test_tracker_service.py and test_tracker_hooks.py.
    """
    as_staging(running_sandbox, project)
    text = (project.folder / "staging.toml").read_text(encoding="utf-8")
    table = f'[tracker]\nrepository = "wheels/wins"\napi_url = "{github.url}"\n'
    assert "[secrets]" not in text
    project.write("staging.toml", f'{text}{table}[secrets]\ntracker_token_env = "TRACKED"\n')
    project.environment["TRACKED"] = TOKEN
    if tracker == "gone":
        github.faults = {"GET": GONE, "POST": GONE, "PATCH": GONE}
    try:
        ended = project.run(*ROLLBACK, *FEW)
    finally:
        running_sandbox.as_it_was()

    [item] = [one for one in ended.record["results"] if one["criteria"] == ["PRE-4"]]
    notes = ended.record["notes"]
    tracked = [entry["url"] for entry in journal(ended.folder) if entry["event"] == "tracked"]
    assert ended.rc == 11, ended.out
    assert github.problems == []
    if tracker == "answers":
        [issue] = github.issues
        began, verdict = github.said(1)
        assert item["outcome"] == "passed", ended.out
        assert tracked == [issue["html_url"]]
        assert f"incident: {issue['html_url']}" in notes
        assert "begun by Łukasz: errors" in began
        assert "Verdict of run" in verdict
        assert issue["state"] == "open"
    else:
        assert item["outcome"] == "could not measure", ended.out
        assert [note for note in notes if "issues are switched off there" in note], notes
        assert tracked == []
    assert TOKEN not in ended.out
