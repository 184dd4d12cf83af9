"""IR-6 at one look: a leak asks, what is high and flat is to be considered, and what is too little to tell is looked at again."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.decision.decision import State
from pam_rollback.ops.watch.looks import is_red_when_it_leaks, memory_found
from pam_rollback.plan.plan import load_plan
from pam_rollback.probe.memory import MemoryGrowth, MemoryReading
from tests.plan.plan_scene import ROOT

PLAN = load_plan(ROOT / "plan.toml")
MINUTE_S = 60.0


def read(*mb: float) -> list[MemoryReading]:
    """A reading a minute."""
    return [MemoryReading(MINUTE_S * place, value) for place, value in enumerate(mb)]


GROWS = [210.0 + place for place in range(20)]


@pytest.mark.parametrize(
    ("mb", "state"),
    [
        ([60.0] * 20, State.CLEAR),
        ([150.0] * 20, State.WATCH),
        ([230.0] * 20, State.CONSIDER),
        (GROWS, State.HOLDS),
        ([value - 160 for value in GROWS], State.CLEAR),
        ([value - 60 for value in GROWS], State.WATCH),
        ([60.0] * 9, State.WATCH),
        (GROWS[:9], State.UNKNOWN),
        ([150.0, 190.0] * 10, State.WATCH),
    ],
    ids=[
        "low",
        "between",
        "high and flat",
        "leak",
        "grows far below",
        "on its way",
        "young",
        "young and high",
        "scatter",
    ],
)
def test_it_is_what_the_decision_says(mb: list[float], state: State) -> None:
    """Below the level nothing asks for a rollback, so what cannot be told yet is no fault of a look."""
    found = memory_found(read(*mb), PLAN)

    assert (found.criterion, found.state) == ("IR-6", state), found.words


@pytest.mark.parametrize("mb", [(), (60.0, 0.0), (float("nan"),)], ids=["none", "zero", "no number"])
def test_what_no_process_holds_is_not_known(mb: tuple[float, ...]) -> None:
    """Never a low figure."""
    with pytest.raises(MeasurementFailed, match="memory is not known"):
        memory_found(read(*mb), PLAN)


def test_the_red_control(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the very moments of the calm readings, whatever holes are between them, a leak is seen; a rule that is never red is seen, too."""
    calm = read(*[60.0] * 20)
    with_a_hole = [*calm[:5], *(MemoryReading(one.at_s + 600, one.mb) for one in calm[5:])]

    assert is_red_when_it_leaks(calm, PLAN)
    assert is_red_when_it_leaks(with_a_hole, PLAN)
    monkeypatch.setattr(MemoryGrowth, "mb_per_min", 0.0)
    assert not is_red_when_it_leaks(calm, PLAN)
