"""On the healthy sandbox no check cries wolf: repeated sessions, and how rare a false alarm must be after so many without one."""

import os
from collections import Counter

import pytest

from tests.selection import WHOLE
from tests.sessions import Project, RunningSandbox, in_both_browsers

BROWSERS = "journey or accessibility"
REPETITIONS = {
    "without browsers": (f"post_rollback and not ({BROWSERS})", 10),
    "without windows": (f"post_rollback and not ({BROWSERS} or window)", 10),
    "browsers": (f"post_rollback and ({BROWSERS})", 4),
}
"""On every commit each kind has a healthy session before its faults (test_checks_catch_faults.py, tests/plugin).

What waits for no window is repeated 20 times a night; what needs browsers, as often as two cores bear in some minutes. Nights add up.
"""
AT_A_TIME = {"without browsers": 5, "without windows": 5, "browsers": 1}
"""So many in one test: several workers share them (tests/scheduling.py)."""
BATCHES = [(kind, number) for kind, (_, times) in REPETITIONS.items() for number in range(times // AT_A_TIME[kind])]
_CONFIDENCE = 0.95


def upper_bound_pct(repetitions: int) -> float:
    """The largest rate of false alarms that 0 of so many repetitions leave possible, with 95 % confidence (Clopper-Pearson)."""
    return float(100 * (1 - (1 - _CONFIDENCE) ** (1 / repetitions)))


@pytest.mark.timeout(3600)
@pytest.mark.nightly
@pytest.mark.parametrize(("kind", "batch"), BATCHES)
def test_a_healthy_sandbox_is_never_accused(
    kind: str,
    batch: int,
    running_sandbox: RunningSandbox,
    project: Project,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every repetition is green."""
    select = REPETITIONS[kind][0]
    in_both_browsers(project)
    own = tmp_path_factory.getbasetemp()
    all_workers = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / f"healthy-{kind.replace(' ', '-')}"
    alarms: Counter[str] = Counter()
    for number in range(AT_A_TIME[kind] if os.environ.get(WHOLE) else 1):
        found = project.run("-m", select, f"--env={running_sandbox.file}")
        red = {case: outcome for case, outcome in found.outcomes_by_case().items() if outcome != "passed"}
        for item in [case for case in red if case.startswith("test_item_is_confirmed[")]:
            # A healthy service makes nobody vouch for anything: not confirmed is no alarm, not done would be one.
            if red[item] == "could not measure":
                del red[item]
        alarms.update(f"{case}: {outcome}" for case, outcome in red.items())
        with all_workers.open("a", encoding="utf-8") as ended:
            ended.write("red\n" if red else "green\n")
        if red:
            print(f"repetition {number + 1} of batch {batch}: {found.out}")  # noqa: T201 - shown when the test fails
    so_far = all_workers.read_text("utf-8").split()
    with capsys.disabled():
        print(  # noqa: T201 - the bound is the result
            f"\n{kind}: {so_far.count('red')} of {len(so_far)} repetitions with a false alarm so far"
            + (f", here {dict(alarms)}" if alarms else "")
            + ("" if "red" in so_far else f": at most {upper_bound_pct(len(so_far)):.1f} % with 95 % confidence")
        )

    assert not alarms, alarms


def test_the_bound_is_the_exact_one() -> None:
    """Close to the rule of three for many repetitions, and honest for one."""
    assert upper_bound_pct(100) == pytest.approx(2.95, abs=0.01)
    assert upper_bound_pct(20) == pytest.approx(13.9, abs=0.05)
    assert upper_bound_pct(1) == pytest.approx(95)
