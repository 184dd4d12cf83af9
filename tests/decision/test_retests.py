"""At the gate a criterion is tried again by the fixture that judged it, and by no other: each one costs a wait."""

from types import SimpleNamespace as Having
from typing import Any, cast

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.decision.decision import Finding, Judged, State
from pam_rollback.plugin.topics import decision
from pam_rollback.plugin.topics import records as performance


class World:
    """A request that knows one fixture."""

    def __init__(self, name: str, value: object) -> None:
        self._found = {name: value}

    def getfixturevalue(self, name: str) -> object:
        """Raises KeyError when another one is asked for."""
        return self._found[name]


def judged(state: State) -> Judged:
    """A criterion of the decision."""
    return Judged(Finding("IR-2", state, f"it {state}"), Measured("down", "at most 30 s", 0))


def again(module: Any, criterion: str, world: World) -> tuple[bool, str] | None:
    """What that topic says."""
    found = module.retest(criterion)
    return None if found is None else cast("tuple[bool, str]", found[1](world.getfixturevalue(found[0])))


@pytest.mark.parametrize(
    ("criterion", "fixture", "part"),
    [
        ("IR-2", "watch", "downtime"),
        ("IR-5", "watch", "errors"),
        ("IR-4", "slower", "far"),
        ("CR-5", "slower", "noticeable"),
        ("IR-3", "user_data", ""),
        ("SC-4", "user_data", ""),
        ("IR-6", "memory_trend", ""),
    ],
)
def test_a_criterion_of_the_decision_must_be_clear(criterion: str, fixture: str, part: str) -> None:
    """Met is red, clear is good, and what is not known is neither."""

    def world(state: State) -> World:
        return World(fixture, Having(**{part: judged(state)}) if part else judged(state))

    assert again(decision, criterion, world(State.CLEAR)) == (True, "it does not hold")
    assert again(decision, criterion, world(State.HOLDS)) == (False, "it holds")
    with pytest.raises(MeasurementFailed):
        again(decision, criterion, world(State.UNKNOWN))


@pytest.mark.parametrize("criterion", ["MT-1", "SC-2", "MT-2", "SC-1", "MT-3", "SC-3"])
def test_what_is_monitored_must_be_good(criterion: str) -> None:
    """Each by its own figure: red when that is, whatever the others are."""
    own = {"MT-1": "latency_p95", "SC-2": "latency_p95", "MT-2": "error_rate", "SC-1": "error_rate"}
    part = own.get(criterion)
    for good in (True, False):
        answers = {
            name: lambda name=name: Having(met=(name == part) is good)  # noqa: B023 - asked at once
            for name in own.values()
        }
        memory = World("memory", Having(level=Having(highest_mb=90, limit_mb=100), growth=Having(settled=good)))
        found = again(performance, criterion, World("monitored", Having(**answers)) if part else memory)

        assert found is not None
        assert found[0] is good


def test_what_a_slice_does_not_judge_is_left_to_others() -> None:
    """No fixture is asked for."""
    assert again(decision, "MT-1", World("", None)) is None
    assert again(performance, "IR-2", World("", None)) is None
