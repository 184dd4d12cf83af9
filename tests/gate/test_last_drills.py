"""When each strategy was drilled for the last time: what counts as a drill, and what lies around beside it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.report.earlier_runs import last_drills
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import ActionStep, Moment, Result, RunRecord, Verdict, write
from pam_rollback.report.verdict import Outcome


def test_the_newest_drill_that_showed_whether_it_works_counts(tmp_path: Path, good_record: RunRecord) -> None:
    """Of each strategy, by what was done in it; what was not measured, or was no drill of it, shows nothing."""
    own = Result("drills/test_gradual.py::test_x", "x", Outcome.PASSED, phase="rollback", situation="after-gradual")
    drill = replace(good_record, mode="drill", verdict="GO", situations=("after-gradual",), results=(own,))
    health = replace(own, nodeid="checks/test_health.py::test_x", phase="post_rollback", kind="health")
    tomorrow = Moment((datetime.now(UTC) + timedelta(days=1)).isoformat(), 1.0)
    done = ActionStep("gradual", "read the flags", "done", 0, 1)
    for name, record in (
        ("20260101T", replace(drill, run_id="old", steps=(done,))),
        ("20260102T", replace(drill, run_id="newest", steps=(done,))),
        ("20260103T", replace(drill, run_id="dim", steps=(done,), verdict="INCONCLUSIVE")),
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


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        ("NO-GO", Outcome.BROKEN_CRITERION),
        ("ACTION FAILED", Outcome.ACTION_FAILED),
        ("UNDO FAILED", Outcome.UNDO_FAILED),
        ("UNDO FAILED", Outcome.PASSED),
    ],
)
def test_a_drill_that_failed_after_a_go_counts(
    tmp_path: Path, good_record: RunRecord, verdict: Verdict, outcome: Outcome
) -> None:
    """Whatever was measured after it, until the next GO; a strategy of the same session that was green is not blamed."""
    situations = {"gradual": "after-gradual", "backend": "after-backend"}

    def drill(run: str, verdict: Verdict, *drilled: tuple[str, Outcome]) -> None:
        results = tuple(
            Result(f"drills/test_{one}.py::test_x", "x", found, phase="rollback", situation=situations[one])
            for one, found in drilled
        )
        steps = tuple(
            ActionStep(one, "a step", "done" if found is Outcome.PASSED else "failed", 0, 1) for one, found in drilled
        )
        record = replace(good_record, run_id=run, mode="drill", verdict=verdict, results=results, steps=steps)
        write(record, tmp_path / run / "run.json", Redactor([]))

    def known() -> list[tuple[str, str]]:
        return [
            (one.run, one.failed) for one in last_drills(tmp_path, {one: {one: at} for one, at in situations.items()})
        ]

    drill("20260101T", "GO", ("gradual", Outcome.PASSED), ("backend", Outcome.PASSED))
    drill("20260102T", verdict, ("gradual", outcome))
    assert known() == [("20260102T", verdict), ("20260101T", "")]

    drill("20260103T", "INCONCLUSIVE", ("gradual", Outcome.UNKNOWN))
    drill("20260104T", "REFUSED", ("gradual", Outcome.REFUSED))
    drill("20260105T", verdict, ("gradual", Outcome.PASSED), ("backend", Outcome.BROKEN_CRITERION))
    assert known() == [("20260102T", verdict), ("20260105T", verdict)]

    drill("20260106T", "GO", ("gradual", Outcome.PASSED))
    assert known() == [("20260106T", ""), ("20260105T", verdict)]
