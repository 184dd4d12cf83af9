"""How a drill without damage is judged: by the time that the rollback took, and by whether users were well."""

import pytest

from pam_rollback.observation.recovery import OutageRule, UndamagedRollback, recovery
from pam_rollback.observation.samples import Sample

OBJECTIVE_S = 60
DECIDED_S = 10


def rolled_back(done_s: float, *, bad_s: tuple[float, float] = (0, 0)) -> UndamagedRollback:
    """Done so long after the decision; users were unwell from and until these seconds after it. Ten probes a second."""
    moments = [number / 10 for number in range(900)]
    first_s, last_s = (DECIDED_S + moment for moment in bad_s)
    samples = [Sample(at_s, 5, "front page", ok=not first_s <= at_s < last_s) for at_s in moments]
    found = recovery(samples, incident_s=None, decision_s=DECIDED_S, rule=OutageRule(limit_pct=10))
    return UndamagedRollback(found, done_s, OBJECTIVE_S)


@pytest.mark.parametrize(("done_s", "in_time"), [(59.0, True), (60.0, True), (60.1, False)])
def test_the_rollback_itself_has_to_be_done_in_time(done_s: float, *, in_time: bool) -> None:
    """Users who were well all the time do not make it quick."""
    found = rolled_back(done_s)

    assert found.in_time is in_time
    assert found.figures.measured == done_s
    assert "users unwell for 0.0 s of it; recovery from damage not judged" in found.figures.definition


def test_what_it_costs_users_counts() -> None:
    """Done in two seconds, and users were unwell from the fifth to the twentieth: that is how long it took."""
    found = rolled_back(2, bad_s=(5, 20))

    assert found.figures.measured == pytest.approx(20, abs=0.2)
    assert found.exposure_s == pytest.approx(15, abs=0.3)
    assert found.in_time


def test_users_who_stay_unwell_are_no_success() -> None:
    """However soon it was done."""
    found = rolled_back(2, bad_s=(5, 200))

    assert (found.in_time, found.figures.measured) == (False, "users not well")
    assert "asked within 60 s, measured users not well" in str(found)
