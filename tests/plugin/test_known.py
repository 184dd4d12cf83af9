"""What a run wrote down as its baseline is what a later run is held against: barriers."""

import shutil
from pathlib import Path

import pytest

from tests.sessions import Project, RunningSandbox, runbook_in

pytestmark = pytest.mark.nightly  # the rules: browser/rules/test_known_barriers.py, observation/test_jsonl.py
ANSWERED = """[[waivers]]
item = "CR-4"
known = ["image-alt on home-*: *"]
at_most = 40
until = 2099-12-31
reason = "decoration"
approved_by = "R. Ramp"
"""


@pytest.fixture(scope="module")
def recorded(shared_range: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole baseline of a sandbox with a barrier, recorded once for all of these tests."""
    shared_range.as_it_was()
    shared_range.remote.plant("page", what="image-without-alt.js")
    session = runbook_in(tmp_path_factory.mktemp("recorded")).run("-m", "baseline", f"--env={shared_range.file}")

    assert session.rc == 0, session.out
    return session.folder / "baseline"


@pytest.fixture
def baseline(recorded: Path, tmp_path: Path) -> Path:
    """The index of a copy that the test may change."""
    return Path(shutil.copytree(recorded, tmp_path / "recorded")) / "baseline.json"


@pytest.mark.timeout(600)  # two whole sessions, one of them a baseline with all its pages
def test_only_what_is_new_counts(
    running_sandbox: RunningSandbox, project: Project, baseline: Path, tmp_path: Path
) -> None:
    """A barrier that the baseline has is known; another one is not."""
    remote = running_sandbox.remote

    assert {path.name for path in baseline.parent.glob("*.json")} >= {"baseline.json", "rows-before.json"}
    for what in ("image-without-alt.js", "label-missing.js"):
        remote.plant("page", what=what)
    answered = tmp_path / "answered.toml"
    answered.write_text(f"{running_sandbox.file.read_text(encoding='utf-8')}\n{ANSWERED}", encoding="utf-8")
    answered.chmod(0o600)
    worse = project.run("-m", "accessibility", "-k", "new_barriers", "--baseline", str(baseline), f"--env={answered}")
    outcomes = worse.outcomes_by_case()
    red = {case for case, outcome in outcomes.items() if outcome == "broken criterion"}

    assert worse.rc == 10, worse.out
    assert "test_pages_have_no_new_barriers[login]" in red
    assert outcomes["test_pages_have_no_new_barriers[home]"] == "known before", "the missing alt text is"
