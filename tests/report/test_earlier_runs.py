"""Records of earlier runs: the newest of an environment, and the recoveries that past drills measured."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.report.earlier_runs import PastRecovery, Sought, latest, past_recoveries, recoveries_told
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import Measured, Moment, Result, RunRecord, write
from pam_rollback.report.verdict import Outcome

FLAGS = {"feature-flag": Sought("RTO-1", ["after-feature-flag"])}


def recovered(
    seconds: float | str | None, *, situation: str = "after-feature-flag", criterion: str = "RTO-1"
) -> Result:
    """A test of a recovery."""
    return Result(
        nodeid="drills/test_feature_flag.py::test_users_recover_in_time",
        title="Users recover in time",
        outcome=Outcome.PASSED,
        criteria=(criterion,),
        situation=situation,
        measured=(Measured("recovery", "within 30 s", seconds, "s", 100),),
    )


def keep(out: Path, name: str, record: RunRecord, *results: Result) -> None:
    """Leave a run behind."""
    write(replace(record, results=results), out / name / "run.json", Redactor([]))


def test_the_recoveries_of_a_strategy_are_found_oldest_first(tmp_path: Path, good_record: RunRecord) -> None:
    """Of other strategies, other objectives, and what was not measured: nothing."""
    keep(tmp_path, "20260102T", good_record, recovered(0.2))
    keep(tmp_path, "20260101T", good_record, recovered(0.1), recovered(9, criterion="RTO-5"))
    keep(
        tmp_path,
        "20260103T",
        good_record,
        recovered(7, situation="after-frontend"),
        recovered(None),
        recovered("never"),
    )
    (tmp_path / "20260104T").mkdir()
    (tmp_path / "20260104T" / "run.json").write_text('{"half": ', encoding="utf-8")
    name = good_record.environment.name

    assert past_recoveries(tmp_path, FLAGS) == {
        "feature-flag": (PastRecovery(name, 0.1, rehearsed=True), PastRecovery(name, 0.2, rehearsed=True))
    }
    assert past_recoveries(tmp_path / "nowhere", FLAGS) == {"feature-flag": ()}


def test_all_ways_of_a_strategy_count(tmp_path: Path, good_record: RunRecord) -> None:
    """A front end that is restored and one that is built again are the same strategy, held to the same objective."""
    ways = Sought("RTO-3", ["after-frontend-restore", "after-frontend-commit"])
    keep(
        tmp_path,
        "20260101T",
        good_record,
        recovered(0.4, situation="after-frontend-restore", criterion="RTO-3"),
        recovered(7, situation="after-frontend-commit", criterion="RTO-3"),
        recovered(3, situation="after-backend-provider", criterion="RTO-3"),
    )
    name = good_record.environment.name

    assert past_recoveries(tmp_path, {"frontend": ways}) == {
        "frontend": (PastRecovery(name, 0.4, rehearsed=True), PastRecovery(name, 7, rehearsed=True))
    }


def test_what_real_hosts_took_replaces_the_sandbox() -> None:
    """Stand-ins are quicker; where nobody practised on real hosts, theirs is all that there is."""
    sandbox, staging = PastRecovery("sandbox", 0.2, rehearsed=True), PastRecovery("staging", 95)

    assert recoveries_told([sandbox, staging, sandbox]) == "1 drill (staging) measured 1 min 35 s"
    assert recoveries_told([sandbox]) == "1 drill (sandbox) measured 0.2 s"


def test_the_newest_is_the_newest_of_the_past(tmp_path: Path, good_record: RunRecord) -> None:
    """A machine whose clock was a day ahead leaves a record that would be young for a day longer, or for years."""
    for number, hours in enumerate((-30, -2, -1, 24)):
        began = Moment((datetime.now(UTC) + timedelta(hours=hours)).isoformat(), 1.0)
        write(replace(good_record, run_id=f"{hours}", started=began), tmp_path / f"{number}" / "run.json", Redactor([]))

    def found(name: str, *, within: timedelta) -> str:
        record = latest(tmp_path, environment=name, holds=lambda _: True, within=within)
        return record.run_id if record else ""

    assert found(good_record.environment.name, within=timedelta(hours=3)) == "-1"
    assert found(good_record.environment.name, within=timedelta(minutes=3)) == ""
    assert found("elsewhere", within=timedelta(hours=3)) == ""
