"""Standing consent: may the watch roll back by itself now? Any doubt is a no, in one line.

It takes three yeses: a person started this watch with the whole consent of a real rollback, the environment's entry names what was found
and what is recommended, and whoever may sign has signed that entry. The journal says whether it was used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

from pam_rollback.environment.standing_consent import StandingConsent
from pam_rollback.report.decision_record import Recommendation
from pam_rollback.report.watched_incident import WatchedIncident
from pam_rollback.watch.rules.looks import BESIDE, IN_A_ROW, Look, Streak, Streaks


class Going(Enum):
    """What became of a rollback that a watch prepared."""

    NEVER_BEGAN = "never began"
    """The watch was killed before it had started anything: nothing was used."""
    GOES_ON = "goes on"
    OVER = "over"


@dataclass(frozen=True)
class Use:
    """One rollback that a watch prepared, by the journal."""

    run: str
    folder: str
    """The run's folder, for its evidence."""
    incident: str
    story: str
    """The file of ``drills/``. Empty, as the incident is, of one that the journal had lost."""
    at_s: float
    ended: str = ""
    """Its verdict in words, when that was told."""


def counted(uses: Sequence[Use], going: Mapping[str, Going]) -> list[Use]:
    """Those that began, or may have."""
    return [use for use in uses if use.ended or going[use.run] is not Going.NEVER_BEGAN]


def why_used(counted_uses: Sequence[Use], again: str) -> str:
    """Why it may not be used once more; empty when it may. ``again`` is the run that a person named."""
    if not counted_uses or counted_uses[-1].run == again:
        return ""
    use = counted_uses[-1]
    return f"it was used by run {use.run}; a second rollback takes a person: --consent-again {use.run}"


def why_not(entry: StandingConsent | None, incident: WatchedIncident, look: Look, streaks: Streaks, today: date) -> str:
    """Why an incident is left to people; empty when the entry covers it."""
    if entry is None:
        return "the environment's file has no [standing_consent]"
    return next(_doubts(entry, incident, look, streaks, today), "")


def _doubts(
    entry: StandingConsent, incident: WatchedIncident, look: Look, streaks: Streaks, today: date
) -> Iterator[str]:
    if today > entry.until:
        yield f"[standing_consent] ended on {entry.until}"
    if look.blind or look.unknown:
        yield f"this look proves nothing: {look.unknown_about}"
    if incident.recommendation != Recommendation.NOW:
        yield f"the recommendation is {incident.recommendation}"
    # What one decision session found is asked again first, and does not hold up what the looks have confirmed.
    suspected = {name for name in BESIDE if 0 < streaks.of.get(name, Streak()).asks < IN_A_ROW}
    asking = {name for name, streak in streaks.of.items() if streak.asks} - suspected
    if not asking or any(streaks.of[name].asks < IN_A_ROW for name in asking):
        yield f"what asks for a rollback was not seen in {IN_A_ROW} looks of this turn in a row"
    if others := sorted(asking - {*entry.criteria}):
        yield f"[standing_consent] does not name {', '.join(others)}"
    if incident.strategy != entry.strategy:
        yield f"[standing_consent] names {entry.strategy}, and {incident.strategy or 'no strategy'} is recommended"
    if not incident.command:
        yield f"there is no file of drills/ for {incident.strategy}"


def ways_on(use: Use, environment: str, options: str) -> str:
    """How a person finishes it, and how they put it back."""
    consent = f'--env {environment} --execute {options} --reason "…" --initiated-by "…"'
    undo = f"put it back: pytest --undo {use.folder} {consent}"
    if not use.story:
        return undo
    return f"finish it: pytest {use.story} --resume {use.folder} --mode real {consent}; {undo}"
