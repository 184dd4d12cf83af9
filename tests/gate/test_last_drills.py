"""When each strategy was drilled for the last time: what counts as a drill, and what lies around beside it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.report.last_drills import last_drills
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import ActionStep, Moment, Result, RunRecord, write
from pam_rollback.report.verdict import Outcome


def test_only_a_drill_that_ended_with_go_counts(tmp_path: Path, good_record: RunRecord) -> None:
    """The newest of each strategy, by what was done in it; a strategy without one has none."""
    own = Result("drills/test_gradual.py::test_x", "x", Outcome.PASSED, phase="rollback", situation="after-gradual")
    drill = replace(good_record, mode="drill", verdict="GO", situations=("after-gradual",), results=(own,))
    health = replace(own, nodeid="checks/test_health.py::test_x", phase="post_rollback", kind="health")
    tomorrow = Moment((datetime.now(UTC) + timedelta(days=1)).isoformat(), 1.0)
    done = ActionStep("gradual", "read the flags", "done", 0, 1)
    for name, record in (
        ("20260101T", replace(drill, run_id="old", steps=(done,))),
        ("20260102T", replace(drill, run_id="newest", steps=(done,))),
        ("20260103T", replace(drill, run_id="red", steps=(done,), verdict="NO-GO")),
        ("20260104T", replace(drill, run_id="real", steps=(done,), mode="real")),
        ("20260105T", replace(drill, run_id="planned", steps=(replace(done, outcome="planned"),))),
        ("20260107T", replace(drill, run_id="health", steps=(done,), results=(health,))),
        ("20260108T", replace(drill, run_id="future", steps=(done,), started=tomorrow)),
        ("20260106T", replace(drill, run_id="other", steps=(replace(done, action="frontend"),))),
    ):
        write(record, tmp_path / name / "run.json", Redactor([]))

    gradual, flags = last_drills(
        tmp_path, {"gradual": {"gradual": "after-gradual"}, "feature-flag": {"feature-flag": "after-feature-flag"}}
    )

    assert (gradual.run, gradual.environment) == ("newest", good_record.environment.name)
    assert gradual.age_s is not None
    assert flags.age_s is None
