"""Which runs may be removed. Removed is only what is old and needed by nobody; what cannot be read is not taken for unneeded.

=======================================  ==========================================================================
a run                                    is kept because
=======================================  ==========================================================================
changed less than ``older_than`` ago     it is young; a run in progress writes all the time
owes an undo                             its journal is the only way to put that back
has a journal that cannot be read        it may owe an undo
is named by a ramp that is under way     the ramp goes by its gate's verdict
has its environment's newest baseline    later runs are compared with it
=======================================  ==========================================================================

A lock needs no line of its own: a living session's run is young, and a dead one's lock runs out within minutes.
"""

import json
import re
from argparse import ArgumentTypeError
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pam_rollback.core.run_files import RAMP_FINISHED, RAMP_ROLLED_BACK

LEAST = timedelta(hours=1)
"""No run is removed sooner: whatever is in progress has written something by then."""
_AGE = re.compile(r"(\d+)([hdw])", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True)
class KeptRun:
    """What is known of one folder. ``age``: since anything in it was written to."""

    name: str
    age: timedelta
    size_bytes: int
    environment: str = ""
    owes: tuple[str, ...] = ()
    """The kinds of changes that were not put back."""
    journal_problem: str = ""
    baseline: bool = False


@dataclass(frozen=True)
class Fate:
    """What becomes of it. ``kept_because`` is empty when it may be removed."""

    run: KeptRun
    kept_because: str = ""
    young: bool = False


def age_of(text: str) -> timedelta:
    """The time that somebody wrote as ``30d``, ``12h`` or ``8w``. Raises ArgumentTypeError with what is expected."""
    found = _AGE.fullmatch(text)
    if found is None:
        raise ArgumentTypeError(f"expected an age such as 30d, 12h or 8w, found {text!r}")
    try:
        age = int(found[1]) * _UNITS[found[2]]
    except OverflowError:
        raise ArgumentTypeError(f"{text}: longer than anybody keeps anything") from None
    if age < LEAST:
        raise ArgumentTypeError(f"{text}: expected 1h or more; a younger run may be in progress")
    return age


def fates(runs: Iterable[KeptRun], *, older_than: timedelta, ramps: Mapping[str, str]) -> tuple[Fate, ...]:
    """What becomes of each, in the order of their names. ``ramps``: journals by where they are. Raises ValueError for one without sense."""
    runs = sorted(runs, key=lambda run: run.name)
    referred_to = {run for where, journal in ramps.items() for run in _named_by(journal, where)}
    newest: dict[str, KeptRun] = {}
    for run in runs:
        known = newest.get(run.environment)
        if run.baseline and (known is None or run.age < known.age):
            newest[run.environment] = run
    return tuple(_fate(run, older_than, referred_to, newest.get(run.environment)) for run in runs)


def _named_by(journal: str, where: str) -> list[str]:
    """The runs that a ramp goes by, which is neither finished nor taken back."""
    named: list[str] = []
    try:
        for line in journal.split("\n")[:-1]:
            event = json.loads(line)
            if event["event"] in {RAMP_FINISHED, RAMP_ROLLED_BACK}:
                named = []
            elif "run" in event:
                named.append(str(event["run"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{where} cannot be read ({error!r}), and says which runs a ramp goes by") from None
    return named


def _fate(run: KeptRun, older_than: timedelta, referred_to: Collection[str], newest: KeptRun | None) -> Fate:
    if run.age < older_than:
        return Fate(run, "it is younger", young=True)
    if run.journal_problem:
        return Fate(run, f"its journal cannot be read, so it may owe an undo: {run.journal_problem}")
    if run.owes:
        kinds = ", ".join(dict.fromkeys(run.owes))
        return Fate(run, f"it owes {len(run.owes)} undo{'s' if len(run.owes) > 1 else ''} ({kinds}): --undo {run.name}")
    if run.name in referred_to:
        return Fate(run, "a ramp that is under way goes by it")
    if newest is run:
        return Fate(run, f"it has the newest baseline of {run.environment}")
    return Fate(run)
