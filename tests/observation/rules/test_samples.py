"""What is said where too few answers came: one sentence, which tells a busy machine from a service that does not answer."""

import math

from pam_rollback.observation.samples import Sample, still_to_come, too_few_to_compare

FAST = Sample(0.0, 20.0, "history", ok=True)
LATE = Sample(0.0, 920.0, "history", ok=True, lag_ms=900.0)
NOT_SENT = Sample(0.0, math.nan, "history", ok=False, lag_ms=None)


def test_a_busy_machine_is_named() -> None:
    """Without the probes themselves, of which there are hundreds."""
    said = too_few_to_compare([FAST] * 10 + [LATE] * 80 + [NOT_SENT] * 10, 120, 19.2)

    assert said == (
        "10 usable answers within 19 s, 120 are needed: 90 of 100 probes left more than 250 ms late or not at all, "
        "so this machine was too busy; run it again when less runs beside it"
    )


def test_a_service_that_answers_rarely_is_not_this_machine() -> None:
    """Nothing left late: there are just too few."""
    assert "too busy" not in too_few_to_compare([FAST] * 10, 120, 19.2)
    assert "too busy" not in too_few_to_compare([], 120, 19.2)


def test_a_wait_says_how_much_longer_it_takes() -> None:
    """By the rate; more answers than were needed are waited for no longer."""
    assert still_to_come(100, 220, 3) == "100 of 220 answers of users, about 40 s more"
    assert still_to_come(0, 1200, 1) == "0 of 1200 answers of users, about 20 min more"
    assert still_to_come(300, 220, 3) == "300 of 220 answers of users, about 0 s more"
