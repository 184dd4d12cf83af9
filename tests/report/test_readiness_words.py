"""What a preflight found, told at its end and by decisions of the next day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.report import sections
from pam_rollback.report.record_parts import RemainingWays, StandingAlone, StrategyReadiness, WayFound
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import RunRecord, write

READY = StrategyReadiness("feature-flag", "ready", "3 flags are there")
LOCKED = StrategyReadiness("frontend", "not ready", "the site is locked")
UNKNOWN = StrategyReadiness("backend", "not checked", "staging declares no render")


def keep(out: Path, name: str, record: RunRecord, *found: StrategyReadiness, ago: timedelta) -> None:
    """Leave a preflight behind that began so long ago."""
    begun = replace(record.started, iso=(datetime.now(UTC) - ago).isoformat(timespec="seconds"))
    write(replace(record, run_id=name, started=begun, readiness=found), out / name / "run.json", Redactor([]))


def test_what_remains_is_told_in_few_words(good_record: RunRecord) -> None:
    """All, all but a few, a few, or none."""
    names = ("feature-flag", "emergency", "frontend-restore")
    ways = (
        *(WayFound(name, ("Netlify" if "front" in name else "the product's API",), "ready", "") for name in names),
        WayFound("backend-commit", ("Render",), "not checked", "staging declares no render"),
    )
    without = (
        RemainingWays("Slack", names, "tell the team yourself"),
        RemainingWays("Netlify", names[:2]),
        RemainingWays("the product's API", names[2:]),
        RemainingWays("name resolution here", ()),
    )
    found = sections.preflight(replace(good_record, standing=StandingAlone(ways, without)))

    assert [lines for _, lines in found] == [
        (
            "[x] feature-flag: the product's API",
            "[x] emergency: the product's API",
            "[x] frontend-restore: Netlify",
            "[ ] backend-commit: Render; NOT CHECKED: staging declares no render",
        ),
        (
            "Slack: all (tell the team yourself)",
            "Netlify: all but frontend-restore",
            "the product's API: frontend-restore",
            "name resolution here: NONE",
        ),
    ]


def test_the_newest_preflight_of_the_environment_counts(tmp_path: Path, good_record: RunRecord) -> None:
    """With its age; not that of another environment, nor one that is older than a day, nor a run that was none."""
    name = good_record.environment.name
    other = replace(good_record, environment=replace(good_record.environment, name="elsewhere"))
    keep(tmp_path, "1", good_record, LOCKED, ago=timedelta(hours=3))
    keep(tmp_path, "2", good_record, READY, UNKNOWN, ago=timedelta(minutes=12))
    keep(tmp_path, "3", good_record, ago=timedelta(minutes=1))
    keep(tmp_path, "4", other, LOCKED, ago=timedelta(minutes=1))
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "run.json").write_text('{"half": ', encoding="utf-8")

    known = sections.last_known(tmp_path, environment=name)

    assert set(known) == {"feature-flag", "backend"}
    assert known["feature-flag"].startswith("yes, by the preflight of 12 min")
    assert known["backend"].startswith("NOT CHECKED, by the preflight of 12 min")
    assert known["backend"].endswith("ago (2): staging declares no render")
