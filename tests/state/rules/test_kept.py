"""What is kept of a run and how long: what somebody may still need stays, everything else goes when it is old."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from pam_rollback.state.rules import kept

NOW = datetime(2026, 11, 27, tzinfo=UTC)
OLD, YOUNG = "20260101T000000Z-production-00aa", "20261126T000000Z-production-00bb"
OWED = '{"at": "2026-01-01T00:00:00+00:00", "event": "undo-owed", "number": 1, "kind": "set-flags", "api": "https://api.example.com"}'
SETTLED = '{"at": "2026-01-01T00:01:00+00:00", "event": "undo-done", "number": 1}'


def left(candidates: dict[str, kept.Files], needed: set[str]) -> set[str]:
    """What is still there."""
    return candidates.keys() - kept.dropped(candidates, needed=needed)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("run.json", True),
        ("journal.jsonl", True),
        ("baseline/rows-before.json", True),
        ("junit.xml", False),
        ("after-frontend/timeline.jsonl", False),
        ("after-frontend/settings-before.json", False),
        ("allure-results/a-result.json", False),
        ("baseline/../../environments/production.json", False),
        ("../run.json", False),
        ("run.json\n", False),
    ],
)
def test_only_what_later_runs_read_is_kept(path: str, expected: bool) -> None:  # noqa: FBT001 - a case
    """No evidence, no settings of an account, and no path to anywhere else."""
    assert kept.is_kept(path) is expected


@pytest.mark.parametrize(
    "run", ["20261127T142203Z-sandbox", "..", "20269999T142203Z-sandbox-b37d", "a/20261127T142203Z-sandbox-b37d"]
)
def test_what_is_no_run_has_no_name(run: str) -> None:
    """A folder of another name is nobody's."""
    assert kept.name_of(run) is None


def test_a_name_says_when_and_where() -> None:
    """An environment's name may have dashes."""
    assert kept.name_of("20261127T142203Z-eu-staging-b37d") == kept.Name(
        datetime(2026, 11, 27, 14, 22, 3, tzinfo=UTC), "eu-staging"
    )


def test_a_plan_is_no_run() -> None:
    """``--dry-run`` sent nothing; a journal alone is a run that was killed."""
    assert not kept.is_told({"run.json": '{"verdict": "PLANNED"}'})
    assert not kept.is_told({"baseline/baseline.json": "{}"})
    assert kept.is_told({"run.json": '{"verdict": "GO"}'})
    assert kept.is_told({"journal.jsonl": OWED})


def test_only_old_runs_are_old() -> None:
    """By the time in their names."""
    assert kept.old([OLD, YOUNG, "else"], now=NOW, keep=timedelta(days=90)) == [OLD]
    assert kept.old([OLD, YOUNG], now=NOW, keep=timedelta(days=400)) == []


@pytest.mark.parametrize(
    ("journal", "owes"),
    [
        ("", False),
        (f"{OWED}\n{SETTLED}\n", False),
        (f"{OWED}\n", True),
        (OWED.replace("https://api.example.com", "http://127.0.0.1:8123") + "\n", False),
        (OWED.replace(', "api": "https://api.example.com"', "") + "\n", True),
        (f'{OWED}\n{SETTLED}\n{{"at": "2026', True),
    ],
    ids=["nothing", "put back", "owed", "on a sandbox that is gone", "does not say where", "cut short"],
)
def test_a_run_that_owes_an_undo_stays(journal: str, owes: bool) -> None:  # noqa: FBT001 - a case
    """Its journal is the only way to put that back."""
    assert (left({OLD: {"journal.jsonl": journal}}, set()) == {OLD}) is owes


def test_what_somebody_goes_by_stays() -> None:
    """Needed or not is the only difference."""
    assert left({OLD: {}}, {OLD}) == {OLD}
    assert left({OLD: {}}, set()) == set()


def test_the_newest_baseline_of_each_environment_is_needed() -> None:
    """An older one is not, and neither is a run without."""
    other = OLD.replace("production", "staging")
    paths = [f"{OLD}/{kept.BASELINE}", f"{YOUNG}/{kept.BASELINE}", f"{other}/{kept.BASELINE}", f"{other}/run.json"]

    assert kept.newest_baselines(paths) == {YOUNG, other}


def test_a_ramp_under_way_needs_its_gate() -> None:
    """Until it is finished; a line that cannot be read takes nothing away."""
    begun = json.dumps({"event": "begun", "run": OLD})
    finished = json.dumps({"event": "finished"})

    assert [*kept.referred_to(f"{begun}\n")] == [OLD]
    assert [*kept.referred_to(f'{begun}\n{{"event": "fin')] == [OLD]
    assert [*kept.referred_to(f"{begun}\n{finished}\n")] == []


def test_addresses_of_people_are_not_kept() -> None:
    """In records and journals; what an undo needs stays as it is."""
    owed = OWED.replace("set-flags", "x@example.com")
    journal = (
        f'{{"event": "action", "initiated_by": "jo.doe+x@example.co.uk", "remote": "git@example.com:a/b"}}\n{owed}\n'
    )

    assert kept.without_people("run.json", '"by jo@example.com, at once"') == '"by [mail address], at once"'
    assert kept.without_people("journal.jsonl", journal) == journal.replace("jo.doe+x@example.co.uk", "[mail address]")
