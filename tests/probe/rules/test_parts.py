"""Each part is judged by itself, and the worst decides: windows, recovery, and the control that badness would be noticed."""

from dataclasses import replace

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.measure import Window, WindowState
from pam_rollback.probe.parts import (
    BACK_END,
    FRONT_END,
    HEALTH,
    Coverage,
    Series,
    by_part,
    judge_parts,
    recovery_of_parts,
    window_unnoticed,
    without_health,
)
from pam_rollback.probe.recovery import OutageRule
from pam_rollback.probe.samples import OwnAnswers, Sample
from pam_rollback.probe.window import WindowSpec
from pam_rollback.stats.series import Quantity

PAGE = Series(FRONT_END, ("page",), 2.0)
READS = Series(BACK_END, ("profile",), 2.0)
CHECK = Series(HEALTH, ("health",), 2.0)
SERIES = (PAGE, READS, CHECK)
LENGTH_S = 100.0
RULE = OutageRule(limit_pct=10)


def spec(rate_hz: float) -> WindowSpec:
    """SC-1 for a minute and a half."""
    return WindowSpec(measure=Quantity.ERROR_RATE_PCT, limit=2, duration_s=LENGTH_S, n_min=50, gap_max_s=5 / rate_hz)


def answers(
    name: str, *, bad: range = range(0), every: int = 1, until_s: float = LENGTH_S, foreign: bool = False
) -> list[Sample]:
    """Two a second; of those whose second is ``bad``, each ``every``-th fails."""
    found = []
    for tick in range(int(until_s * 2) + 1):
        fails = tick // 2 in bad and tick % every == 0
        found.append(Sample(tick / 2, 20, name, ok=not fails, why="HTTP 500" if fails else "", foreign=foreign))
    return found


def judged(*samples: list[Sample], series: tuple[Series, ...] = SERIES, now_s: float = LENGTH_S) -> Window:
    """All of them, with the control."""
    every = [one for some in samples for one in some]
    coverage = Coverage(series, window_unnoticed(spec))
    lacking = coverage.lacking(by_part(every, series))
    return judge_parts(every, series, spec, lacking=lacking, start_s=0, now_s=now_s, settled_s=now_s)


@pytest.mark.parametrize(
    ("bad", "part"), [("page", "front end"), ("profile", "back end"), ("health", "health of the back end")]
)
def test_a_part_that_fails_is_not_averaged_with_good_ones(bad: str, part: str) -> None:
    """One of three fails by a twentieth: all together would be 1.7 %, below the limit."""
    samples = [
        answers(name, bad=range(100) if name == bad else range(0), every=20) for name in ("page", "profile", "health")
    ]

    found = judged(*samples)

    assert (found.state, found.part) == (WindowState.BROKEN, part)
    assert {name for name, _ in found.others} | {part} == {one.shown for one in SERIES}
    assert str(found).startswith(f"error rate of the {part} ")


def test_a_part_that_nothing_asks_is_unknown_by_name_and_hides_nothing() -> None:
    """What is asked may still break: that comes first."""
    alone = (PAGE, Series(BACK_END, (), lacking="no test account"))

    assert judged(answers("page", until_s=50), series=alone, now_s=50).state is WindowState.HOLDING
    found = judged(answers("page"), series=alone)
    assert (found.state, found.reason) == (WindowState.UNKNOWN, "back end: no test account")
    assert judged(answers("page", bad=range(100)), series=alone).state is WindowState.BROKEN


def test_a_part_whose_badness_would_not_be_noticed_is_unknown() -> None:
    """With the reason of the control; what would be noticed is not named."""
    blind = Coverage(SERIES, lambda one, _: "a limit of 100 %" if one.part == BACK_END else "")

    assert blind.lacking(by_part([*answers("page"), *answers("profile")], SERIES)) == {
        BACK_END: "that all of it failed would not be noticed: a limit of 100 %"
    }
    lax = window_unnoticed(lambda rate_hz: replace(spec(rate_hz), limit=101, bad_run_max_s=LENGTH_S))
    assert "error rate 100.00 %" in lax(READS, answers("profile"))
    assert window_unnoticed(spec)(READS, answers("profile")) == ""


def test_the_control_runs_once_for_each_part() -> None:
    """With its first samples; before there are any nothing is said."""
    ran: list[str] = []

    def control(one: Series, _: object) -> str:
        ran.append(one.part)
        return ""

    coverage = Coverage(SERIES, control)

    coverage.lacking({})
    assert ran == []
    for _ in range(3):
        coverage.lacking(by_part([*answers("page"), *answers("profile")], SERIES))
    assert ran == [FRONT_END, BACK_END]


def test_health_is_no_experience_of_users_where_something_else_is_known() -> None:
    """Where nothing else of the API is asked, it stands for it."""
    assert without_health(SERIES) == (PAGE, READS)
    assert without_health((PAGE, CHECK)) == (PAGE, CHECK)


def recovered(
    *samples: list[Sample], series: tuple[Series, ...] = SERIES, needed: tuple[str, ...] = ()
) -> tuple[str, float | None]:
    """The last part, and when it was well again."""
    every = [one for some in samples for one in some]
    found = recovery_of_parts(every, series, needed=needed, incident_s=10, decision_s=20, rule=RULE)
    return found.part, found.recovered_s


def test_users_are_well_again_when_the_last_part_is() -> None:
    """The page after 30 s, the back end after 50 s; one that still fails decides."""
    page, reads = answers("page", bad=range(10, 30)), answers("profile", bad=range(10, 50))

    assert recovered(page, reads) == ("back end", 50.0)
    assert recovered(page, answers("profile", bad=range(10, 100))) == ("back end", None)


def test_a_recovery_of_a_part_that_nothing_asks_is_not_known() -> None:
    """A back end that was rolled back, and no sample of it."""
    alone = (PAGE, Series(BACK_END, (), lacking="no test account"))

    assert recovered(answers("page", bad=range(10, 30)), series=alone) == ("", 30.0)
    with pytest.raises(MeasurementFailed, match="well again is not known: back end: no test account"):
        recovered(answers("page", bad=range(10, 30)), series=alone, needed=(BACK_END,))


def test_answers_of_another_account_are_counted() -> None:
    """One is enough; too few that say whose they are prove nothing."""
    own, others = answers("profile"), answers("profile", foreign=True)[:1]

    assert OwnAnswers.of(own).of_others == 0
    found = OwnAnswers.of([*own, *others])
    assert found.of_others
    assert str(found) == "1 of 202 answers belong to another account: profile"
    with pytest.raises(MeasurementFailed, match="9 say it, 10 are needed"):
        _ = OwnAnswers.of(own[:9]).of_others
