"""When a watch may roll back by itself: each doubt is seen saying no, and without one it is a yes."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from pam_rollback.decision.rules.decision import Finding, State
from pam_rollback.environment.standing_consent import StandingConsent
from pam_rollback.report.watched_incident import CriterionSeen, WatchedIncident
from pam_rollback.watch.rules.consent import Going, Use, counted, ways_on, why_not, why_used
from pam_rollback.watch.rules.looks import Look, Streaks

TODAY = date(2026, 11, 28)
AT = datetime(2026, 11, 28, 10, tzinfo=UTC)
ENTRY = StandingConsent(criteria=("IR-2", "IR-5"), strategy="ST-5", until=TODAY)
INCIDENT = WatchedIncident(
    key="pam-e-1",
    environment="e",
    recommendation="ROLL BACK NOW",
    found=(CriterionSeen("IR-2", "down", "all of it", AT),),
    strategy="ST-5",
    strategy_title="All of it",
    rehearsed="",
    command="pytest drills/test_full_system.py",
    opened=AT,
    seen=AT,
    run="r",
)
USE = Use("run-1", "/out/run-1", "pam-e-1", "drills/test_full_system.py", 0.0)


def look(*asking: str, unknown: bool = False, blind: str = "") -> Look:
    """One that finds these criteria, and the others clear."""
    found = [
        Finding(name, State.HOLDS if name in asking else State.CLEAR, "as written") for name in ("IR-2", "IR-5", "CR-5")
    ]
    return Look(0.0, (*found, Finding("IR-4", State.UNKNOWN if unknown else State.CLEAR, "as written")), blind)


def seen(times: int, *asking: str) -> Streaks:
    """So many looks in a row."""
    streaks = Streaks()
    for _ in range(times):
        streaks = streaks.after(look(*asking))
    return streaks


def test_without_a_doubt_it_may() -> None:
    """On the last day, too, and for each criterion that is named."""
    assert why_not(ENTRY, INCIDENT, look("IR-2"), seen(3, "IR-2"), TODAY) == ""
    assert why_not(ENTRY, INCIDENT, look("IR-2", "IR-5"), seen(4, "IR-2", "IR-5"), TODAY) == ""


@pytest.mark.parametrize(
    ("entry", "incident", "now", "streaks", "words"),
    [
        (None, INCIDENT, look("IR-2"), seen(3, "IR-2"), "has no [standing_consent]"),
        (ENTRY.model_copy(update={"until": date(2026, 11, 27)}), INCIDENT, look("IR-2"), seen(3, "IR-2"), "ended on"),
        (ENTRY, INCIDENT, look("IR-2", blind="the red control was good"), seen(3, "IR-2"), "red control was good"),
        (ENTRY, INCIDENT, look("IR-2", unknown=True), seen(3, "IR-2"), "proves nothing: IR-4"),
        (ENTRY, replace(INCIDENT, recommendation="CONSIDER A ROLLBACK"), look("IR-2"), seen(3, "IR-2"), "is CONSIDER"),
        (ENTRY, INCIDENT, look("IR-2"), seen(2, "IR-2"), "not seen in 3 looks"),
        (ENTRY, INCIDENT, look("IR-2"), Streaks(), "not seen in 3 looks"),
        (ENTRY, INCIDENT, look("IR-2", "CR-5"), seen(3, "IR-2", "CR-5"), "does not name CR-5"),
        (ENTRY, INCIDENT, look("IR-2", "IR-5"), seen(3, "IR-2").after(look("IR-2", "IR-5")), "not seen in 3 looks"),
        (
            ENTRY,
            replace(INCIDENT, strategy="ST-1"),
            look("IR-2"),
            seen(3, "IR-2"),
            "names ST-5, and ST-1 is recommended",
        ),
        (ENTRY, replace(INCIDENT, strategy=""), look("IR-2"), seen(3, "IR-2"), "no strategy is recommended"),
        (ENTRY, replace(INCIDENT, command=""), look("IR-2"), seen(3, "IR-2"), "no file of drills/"),
    ],
    ids=[
        "none",
        "ended",
        "blind",
        "unknown",
        "consider",
        "two",
        "no",
        "another",
        "another-too-soon",
        "strategy",
        "nothing",
        "story",
    ],
)
def test_each_doubt_is_a_no(
    entry: StandingConsent | None, incident: WatchedIncident, now: Look, streaks: Streaks, words: str
) -> None:
    """In one line that says which."""
    why = why_not(entry, incident, now, streaks, TODAY)

    assert words in why
    assert "\n" not in why


def test_it_is_used_once_unless_a_person_names_that_use() -> None:
    """What never began was not used; what may have begun was; and naming an older use is not enough."""
    later = replace(USE, run="run-2")

    assert counted([USE], {"run-1": Going.NEVER_BEGAN}) == []
    assert counted([USE], {"run-1": Going.GOES_ON}) == counted([USE], {"run-1": Going.OVER}) == [USE]
    assert why_used([], "") == why_used([USE], "run-1") == why_used([USE, later], "run-2") == ""
    assert "--consent-again run-1" in why_used([USE], "")
    assert "--consent-again run-2" in why_used([USE, later], "run-1")


def test_the_ways_on_are_whole_commands() -> None:
    """To finish it, and to put it back."""
    words = ways_on(USE, "staging", "--confirm staging")

    assert (
        "pytest drills/test_full_system.py --resume /out/run-1 --mode real --env staging --execute --confirm staging"
        in words
    )
    assert "pytest --undo /out/run-1 --env staging --execute --confirm staging" in words


def test_what_one_session_found_holds_nothing_up() -> None:
    """A decision session that stumbled before the outage; what sessions confirmed is somebody's to weigh."""
    stumbled = Look(0.0, (Finding("CR-2", State.HOLDS, "as written"),))
    once = seen(3, "IR-2").after(stumbled)
    confirmed = once.after(stumbled).after(stumbled)

    assert why_not(ENTRY, INCIDENT, look("IR-2"), once, TODAY) == ""
    assert "does not name CR-2" in why_not(ENTRY, INCIDENT, look("IR-2"), confirmed, TODAY)
