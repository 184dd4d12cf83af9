"""What a run wrote down as its baseline is what a later run is held against: barriers, weight and web vitals."""

import json
import shutil
from pathlib import Path

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.report.baseline_record import Part, load_baseline, refuse_other_part
from tests.sessions import Project, RunningSandbox, runbook_in

pytestmark = pytest.mark.nightly  # the rules: browser/rules/test_known_barriers.py, observation/test_damaged_records.py
SELECTED = "performance or accessibility"
COMPARED = "front_page or new_barriers"
ANSWERED = """[[waivers]]
item = "CR-4"
known = ["image-alt on home-*: *"]
at_most = 40
until = 2099-12-31
reason = "decoration"
approved_by = "R. Ramp"

[[waivers]]
item = "WV-2"
known = ["*: layout shift (CLS) *"]
at_most = 8
until = 2099-12-31
reason = "a banner"
approved_by = "R. Ramp"
"""


def list_again(index: Path, *parts: Path) -> None:
    """Let the index list these parts as they are now."""
    record = load_baseline(index)
    changed = {part.name: Part.of(part, n=record.parts[part.name].n) for part in parts}
    record.model_copy(update={"parts": {**record.parts, **changed}}).save(index)


@pytest.fixture(scope="module")
def recorded(shared_range: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole baseline of a sandbox with a barrier and pages that jump, recorded once for all of these tests."""
    shared_range.as_it_was()
    for what in ("image-without-alt.js", "layout-shift.js"):
        shared_range.remote.plant("page", what=what)
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
    """A barrier that the baseline has is known; a page that is heavier and paints later than there is not as it was."""
    remote = running_sandbox.remote

    assert {path.name for path in baseline.parent.glob("*.json")} >= {
        "barriers.json",
        "baseline.json",
        "page-weight.json",
        "rows-before.json",
        "vitals-chat.json",
        "vitals-front-page.json",
    }
    weight = baseline.with_name("page-weight.json")
    known = json.loads(weight.read_text(encoding="utf-8"))
    weight.write_text(json.dumps(known | {"bytes": known["bytes"] // 2}), encoding="utf-8")
    vitals = baseline.with_name("vitals-front-page.json")
    fast = dict.fromkeys(json.loads(vitals.read_text(encoding="utf-8")), 1.0)  # as older baselines have them
    vitals.write_text(json.dumps(fast), encoding="utf-8")
    list_again(baseline, weight, vitals)
    for what in ("image-without-alt.js", "label-missing.js", "paint-late.js"):
        remote.plant("page", what=what)
    answered = tmp_path / "answered.toml"
    answered.write_text(f"{running_sandbox.file.read_text(encoding='utf-8')}\n{ANSWERED}", encoding="utf-8")
    answered.chmod(0o600)
    worse = project.run("-m", SELECTED, "-k", COMPARED, "--baseline", str(baseline), f"--env={answered}")
    outcomes = worse.outcomes_by_case()
    red = {case for case, outcome in outcomes.items() if outcome == "broken criterion"}

    assert worse.rc == 10, worse.out
    assert "test_pages_have_no_new_barriers[login]" in red
    assert outcomes["test_pages_have_no_new_barriers[home]"] == "known before", "the missing alt text is"
    assert {"test_front_page_is_light", "test_front_page_is_painted_soon[first]"} <= red
    assert outcomes["test_front_page_asks_for_little"] == "passed"


def test_a_page_that_jumped_before_is_known_and_one_that_jumps_more_is_not(
    running_sandbox: RunningSandbox, project: Project, baseline: Path, tmp_path: Path
) -> None:
    """The baseline has each load, and what was above its limit; somebody answers for both pages."""
    running_sandbox.remote.plant("page", what="layout-shift.js")
    vitals = baseline.with_name("vitals-front-page.json")
    recorded = json.loads(vitals.read_text(encoding="utf-8"))
    vitals.write_text(json.dumps(recorded | dict.fromkeys(("first CLS", "return CLS"), [0.01] * 10)), encoding="utf-8")
    list_again(baseline, vitals)
    answered = running_sandbox.described(tmp_path / "answered.toml", ANSWERED)
    jumps = project.run("-m", "performance", "-k", "not_jump", "--baseline", str(baseline), f"--env={answered}")

    assert {len(loads) for loads in recorded.values()} == {10}
    assert jumps.outcomes_by_case() == {
        f"test_{page}_does_not_jump[{visit}]": outcome
        for page, outcome in (("front_page", "broken criterion"), ("chat", "known before"))
        for visit in ("first", "return")
    }


def test_a_damaged_part_is_unknown(recorded: Path, baseline: Path) -> None:
    """Never "nothing is known, so nothing is new"; it is kept, so that somebody can look at it."""
    parts = load_baseline(recorded / "baseline.json").parts
    barriers = baseline.with_name("barriers.json")
    barriers.write_text("{", encoding="utf-8")

    with pytest.raises(
        MeasurementFailed, match=r"barriers\.json: expected the part that the baseline lists, found another"
    ):
        refuse_other_part(barriers, parts)
    assert barriers.is_file()
