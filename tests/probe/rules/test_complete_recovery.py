"""Complete recovery: the whole window counts, whatever was observed of it, and what is not held or not known is no recovery."""

import math
from dataclasses import replace

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.incident import CompleteRecovery, moments
from pam_rollback.probe.measure import Window, WindowState
from pam_rollback.probe.recovery import OutageRule, Recovery, recovery
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.window import WindowSpec
from pam_rollback.stats.series import Quantity

RULE = OutageRule(limit_pct=10)


def history(*, bad_until_s: float, end_s: float = 60) -> list[Sample]:
    """Ten probes a second, good for 10 s and then bad until that moment."""
    return [
        Sample(due_s=at / 10, latency_ms=10, journey="chat", ok=not 10 <= at / 10 < bad_until_s)
        for at in range(int(end_s * 10))
    ]


def recovered(*, bad_until_s: float = 21) -> Recovery:
    """The incident began at 10 and was decided upon at 20."""
    return recovery(history(bad_until_s=bad_until_s), incident_s=9.95, decision_s=20, rule=RULE)


def window(state: WindowState = WindowState.MET) -> Window:
    """15 of 900 seconds."""
    spec = WindowSpec(measure=Quantity.ERROR_RATE_PCT, limit=2, duration_s=15, asked_s=900)
    return Window(spec=spec, state=state, reason="", value=0.0, at_least=0.0, n=150, observed_s=15)


def complete(found: Recovery, *windows: Window, objective_s: float = 1800) -> CompleteRecovery:
    """As a story has it."""
    told = moments(found, windows, detected_s=15, looked_every_s=0.1, first_step_s=20.01)
    return CompleteRecovery(found, windows, objective_s, told)


def test_the_whole_window_counts() -> None:
    """A second after the decision plus a quarter of an hour, of which 15 s were observed."""
    found = complete(recovered(), window(), window())

    assert found.took_s == pytest.approx(901, abs=0.11)
    assert found.total_s == pytest.approx(901, abs=0.11)
    assert found.measured.margin == pytest.approx(899, abs=0.11)
    assert "window of 900 s included, 15 s of it observed" in found.measured.definition
    assert str(found).startswith(
        "complete recovery after 15.0 min, 15 s of its 900 s window watched, asked within 1800 s of the decision: "
    )


def test_what_was_not_watched_does_not_read_as_measured() -> None:
    """The figure says how much of it was seen; what was watched as asked, or is no figure, has no proviso."""
    asked = replace(window(), spec=replace(window().spec, duration_s=900), observed_s=900)

    assert complete(recovered(), asked, window()).measured.proviso == "15 s of its 900 s window watched"
    assert complete(recovered(), replace(asked, observed_s=400)).measured.proviso == "400 s of its 900 s window watched"
    assert complete(recovered(), asked).measured.proviso == ""
    assert "watched" not in str(complete(recovered(), asked))
    assert complete(recovered(), window(WindowState.BROKEN)).measured.proviso == ""


def test_later_than_the_objective_is_not_in_time() -> None:
    """The window alone takes 900 s, so an objective of 900 s leaves no second for the rollback."""
    assert complete(recovered(), window(), objective_s=900).took_s > 900
    assert complete(recovered(), window(), objective_s=902).took_s <= 902


def test_an_end_that_luck_hides_leaves_it_unknown() -> None:
    """One request in three fails: it may have ended later than the last bad answer, and the objective lies between."""
    found = recovered()
    late = replace(found, recovered_by_s=26.0)

    assert complete(late, window(), objective_s=907).took_s <= 907
    with pytest.raises(MeasurementFailed, match="it may have ended as late as"):
        complete(late, window(), objective_s=903).took_s  # noqa: B018 - it raises


def test_a_recovery_before_the_decision_saves_no_time() -> None:
    """What was good already has to stay so for the whole window."""
    assert complete(recovered(bad_until_s=15), window()).total_s == 900


def test_not_recovered_is_not_in_time() -> None:
    """Bad to the end: no figure, and the reason in words."""
    found = complete(recovered(bad_until_s=60), window(WindowState.BROKEN))

    assert found.took_s == math.inf
    assert (found.measured.value, found.measured.margin) == ("not recovered", None)


def test_a_broken_window_is_no_recovery() -> None:
    """Also when another one is not known: broken comes first."""
    found = complete(recovered(), window(WindowState.BROKEN), window(WindowState.UNKNOWN))

    assert found.took_s == math.inf
    assert str(found).startswith("not held, asked within 1800 s of the decision: recovered 1.0")


@pytest.mark.parametrize("state", [WindowState.UNKNOWN, WindowState.HOLDING])
def test_a_window_that_is_not_known_leaves_it_unknown(state: WindowState) -> None:
    """Never in time."""
    with pytest.raises(MeasurementFailed, match="error rate"):
        _ = complete(recovered(), window(), window(state)).took_s


def test_the_moments_with_what_they_can_be_wrong_by() -> None:
    """From the decision, in their order."""
    told = [moment.measured for moment in complete(recovered(), window()).details]

    assert [(one.what, one.value) for one in told] == [
        ("onset", -10.0),
        ("detection", -5),
        ("decision", 0.0),
        ("first step", 0.01),
        ("mitigated", 1.0),
        ("confirmed", 16.0),
    ]
    assert told[0].definition == "from the decision, ± 0.10 s, the first bad answer to a probe"
    assert told[2].definition == "from the decision, ± 0.00 s, when the rollback was decided on"


@pytest.mark.parametrize(("recovered_s", "shown_s"), [(19.94, 0.0), (19.5, -0.5), (20.06, 0.06)])
def test_users_are_well_no_sooner_than_the_probes_can_tell(recovered_s: float, shown_s: float) -> None:
    """What lies within their uncertainty is at the decision, as in the figure; what was good before is shown so."""
    told = complete(replace(recovered(), recovered_s=recovered_s), window()).details
    found = {moment.name: moment.measured.value for moment in told}

    assert found["mitigated"] == shown_s
    assert found["confirmed"] == shown_s + 15


def test_what_nobody_saw_is_not_known() -> None:
    """A real rollback does not know when it was detected; a window that is not met confirms nothing."""
    told = moments(recovered(), [window(WindowState.UNKNOWN)], detected_s=None, looked_every_s=0.1, first_step_s=None)
    unknown = [moment.name for moment in told if moment.at_s is None]

    assert unknown == ["detection", "first step", "confirmed"]
    assert {moment.measured.value for moment in told if moment.at_s is None} == {"not known"}
    assert replace(told[0], at_s=None).measured.unit == ""
