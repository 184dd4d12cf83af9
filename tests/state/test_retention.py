"""Which runs may be removed."""

from argparse import ArgumentTypeError
from dataclasses import replace
from datetime import timedelta

import pytest

from pam_rollback.ops.state.retention import KeptRun, age_of, fates

OLD = KeptRun("20260901T120000Z-staging-1a2b", timedelta(days=40), 1000, "staging")
MONTH = timedelta(days=30)


def kept(*runs: KeptRun, ramp: str = "") -> list[str]:
    """Why each is kept; empty for those that go."""
    return [fate.kept_because for fate in fates(runs, older_than=MONTH, ramps={"ramp.jsonl": ramp})]


def test_what_is_old_and_needed_by_nobody_goes() -> None:
    """And what is younger stays, by a second."""
    assert kept(OLD) == [""]
    assert kept(replace(OLD, age=MONTH - timedelta(seconds=1))) == ["it is younger"]


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (replace(OLD, owes=("set-flags", "set-flags")), f"it owes 2 undos (set-flags): --undo {OLD.name}"),
        (replace(OLD, journal_problem="torn"), "its journal cannot be read, so it may owe an undo: torn"),
        (replace(OLD, baseline=True), "it has the newest baseline of staging"),
    ],
)
def test_what_is_needed_stays(run: KeptRun, why: str) -> None:
    """However old it is."""
    assert kept(run) == [why]


def test_what_a_ramp_goes_by_stays() -> None:
    """By its name."""
    assert kept(OLD, ramp=f'{{"event": "gate", "run": "{OLD.name}"}}\n') == ["a ramp that is under way goes by it"]


def test_only_the_newest_baseline_of_an_environment_stays() -> None:
    """An older one is nobody's any more; another environment's is its own."""
    runs = [replace(OLD, name=f"{days}", age=timedelta(days=days), baseline=True) for days in (40, 50, 60)]
    elsewhere = replace(runs[2], name="61", environment="production")

    assert kept(*runs, elsewhere) == [
        "it has the newest baseline of staging",
        "",
        "",
        "it has the newest baseline of production",
    ]


def test_ages_are_read_as_people_write_them() -> None:
    """And nothing else is."""
    assert [age_of(text) for text in ("30d", "12h", "8w")] == [
        timedelta(days=30),
        timedelta(hours=12),
        timedelta(days=56),
    ]
    for wrong in ("", "30", "d", "-3d", "1.5d", "30 d", "٣d", "0d", "0h", "9" * 12 + "w"):
        with pytest.raises(ArgumentTypeError, match=r"expected|longer"):
            age_of(wrong)
