"""What a session says beside its criteria: checklists, preflight, which plan items it judged, and what is to be done after a rollback."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pam_rollback.core.figures import duration
from pam_rollback.plan.checklist import CONFIRMED, NOT_CONFIRMED, NOT_DONE
from pam_rollback.plan.plan import Plan
from pam_rollback.report import wording
from pam_rollback.report.earlier_runs import age_s, latest
from pam_rollback.report.record_parts import RemainingWays
from pam_rollback.report.run_record import Result, RunRecord
from pam_rollback.report.verdict import Outcome
from pam_rollback.target.environment import Environment

KIND: Final = "checklist"
_HOW: Final = 'what nobody has confirmed, a person vouches for, for this run only: --ack ITEM="who: evidence"'
_LISTS: Final = (
    ("before the rollback", ("PRE-", "TF-4")),
    ("during the rollback", ("DUR-", "TF-5")),
    ("after the rollback", ("POST-", "TF-6")),
    ("what only people do", ("",)),
)
"""Each with the beginnings of its items' ids; the last takes what is left."""


def is_item(result: Result) -> bool:
    """Whether it is an item of a checklist: told here, and nowhere else. What came to an end that decides is told with the problems."""
    return KIND in result.kind.split() and (result.advisory or result.outcome is Outcome.PASSED)


def checklists(record: RunRecord) -> list[wording.Paragraph]:
    """Heading and entries of each list, for each situation; nothing where no item was selected."""
    items = [result for result in record.results if is_item(result)]
    found: list[wording.Paragraph] = []
    situations = list(dict.fromkeys(result.situation for result in items))
    for situation in situations:
        here = [result for result in items if result.situation == situation]
        where = f" [{situation}]" if len(situations) > 1 else ""
        for name, own in _by_list(here):
            found.append((f"Checklist, {name}{where}", tuple(_entries(own))))
    if any(checklist_state(result) == NOT_CONFIRMED for result in items):
        heading, entries = found[-1]
        found[-1] = (heading, (*entries, _HOW))
    return found


def _by_list(items: Sequence[Result]) -> Iterable[tuple[str, list[Result]]]:
    left = list(items)
    for name, beginnings in _LISTS:
        own = [result for result in left if "".join(result.criteria[:1]).startswith(beginnings)]
        left = [result for result in left if result not in own]
        if own:
            yield name, own


def _entries(items: Sequence[Result]) -> Iterable[str]:
    for result in items:
        if checklist_state(result) == NOT_DONE:
            yield f"[!] {_named(result)}: {NOT_DONE}: {_words(result)}; {result.runbook}"
    for result in items:
        if checklist_state(result) == CONFIRMED:
            yield f"[x] {_named(result)}: {_words(result)}"
    by_reason: dict[str, list[str]] = {}
    for result in items:
        if checklist_state(result) == NOT_CONFIRMED:
            by_reason.setdefault(_words(result), []).append(_named(result))
    for reason, names in by_reason.items():
        yield f"[ ] {'; '.join(names)}: {NOT_CONFIRMED}: {reason}"


def checklist_state(result: Result) -> str:
    """Confirmed, not done or not confirmed. What was not reached, or broke on the way, is confirmed by nobody."""
    return {Outcome.PASSED: CONFIRMED, Outcome.BROKEN_CRITERION: NOT_DONE}.get(result.outcome, NOT_CONFIRMED)


def _named(result: Result) -> str:
    what = result.measured[0].what if result.measured else result.title
    return f"{' '.join(result.criteria)} {what}"


def _words(result: Result) -> str:
    words = result.measured[0].definition if result.measured else result.message
    return words.removeprefix("measured: ") if result.outcome is Outcome.BROKEN_CRITERION else words


COULD_WE: Final = "Could we roll back right now?"
STANDS_ON: Final = "What each way stands on"
WITHOUT: Final = "If one of these is down, these ways remain"
HOLDS_FOR: Final = timedelta(days=1)
"""Tokens expire and deploys are deleted: an older preflight says nothing."""
_SIGNS: Final = {"ready": "[x]", "not ready": "[!]"}


def preflight(record: RunRecord) -> list[tuple[str, tuple[str, ...]]]:
    """A line for each strategy; nothing when this was no preflight."""
    lines = tuple(
        f"{_SIGNS.get(one.state, '[ ]')} {one.name}: {one.state.upper() if one.state != 'ready' else one.state}"
        + (f": {one.words}" if one.words else "")
        for one in record.readiness
    )
    return [*([(COULD_WE, lines)] if lines else []), *_standing(record)]


def _standing(record: RunRecord) -> list[tuple[str, tuple[str, ...]]]:
    found = record.standing
    if found is None:
        return []
    ways = tuple(
        f"{_SIGNS.get(way.state, '[ ]')} {way.name}: {', '.join(way.stands_on)}"
        + (f"; {way.state.upper()}: {way.words}" if way.state != "ready" else "")
        for way in found.ways
    )
    ready = [way.name for way in found.ways if way.state == "ready"]
    without = tuple(
        f"{one.party}: {_remaining(one, ready)}" + (f" ({one.note})" if one.note else "") for one in found.without
    )
    return [(STANDS_ON, ways), (WITHOUT, without)]


def preflight_in_short(record: RunRecord) -> list[tuple[str, tuple[str, ...]]]:
    """For one screen: what is ready by its name alone, and what a ready way stands on by who else would be missed."""
    ready = [one.name for one in record.readiness if one.state == "ready"]
    short = f"{_SIGNS['ready']} ready: {', '.join(ready)}"
    found = []
    for heading, lines in preflight(record):
        left = tuple(one for one in lines if heading == WITHOUT or not one.startswith(_SIGNS["ready"]))
        told = (short, *left) if heading == COULD_WE and ready else left
        found += [(heading, told)] if told else []
    return found


def _remaining(one: RemainingWays, ready: Sequence[str]) -> str:
    if not one.remaining:
        return "NONE"
    gone = [name for name in ready if name not in one.remaining]
    if not gone:
        return "all"
    return f"all but {', '.join(gone)}" if len(gone) < len(one.remaining) else ", ".join(one.remaining)


def last_known(out: Path, *, environment: str) -> dict[str, str]:
    """By strategy: what the newest preflight of the environment said, and how long ago. Nothing when there is none of the last day."""
    record = latest(out, environment=environment, holds=lambda one: bool(one.readiness), within=HOLDS_FOR)
    if record is None:
        return {}
    when = f"by the preflight of {duration(age_s(record))} ago ({record.run_id})"
    return {
        one.name: f"{one.state.upper() if one.state != 'ready' else 'yes'}, {when}"
        + (f": {one.words}" if one.state != "ready" else "")
        for one in record.readiness
    }


PLAN_ITEMS: Final = "Plan items"
_UNDECLARED: Final = re.compile(r"(?P<where>\S+) declares no (?P<what>[\w, ]+)$")
_UNDESCRIBED: Final = re.compile(r"the contract of (?P<where>\S+) describes no (?P<what>[\w, ]+) \(\[elements\]\)$")
_OTHER_BROWSER: Final = " among its browsers"
"""The end of the reason why a test was left out that is about a browser that nobody asks for: another one shows the same."""


def coverage(record: RunRecord) -> list[str]:
    """Judged, judged in part, not measured, and left out by reason; nothing where nothing was left out, or it is not known of what."""
    left_out = [one for one in record.deselected if one.criteria and not one.reason.endswith(_OTHER_BROWSER)]
    if not left_out or record.verdict == "PLANNED":
        return []
    asked = [result for result in record.results if not is_item(result)]
    judged = _items(result.criteria for result in asked if result.outcome not in wording.BLIND)
    blind = _items(result.criteria for result in asked if result.outcome is Outcome.UNKNOWN)
    lacking = {*_items(one.criteria for one in left_out), *blind}
    of_kind = {
        "judged": [one for one in judged if one not in lacking],
        "judged in part": [one for one in judged if one in lacking],
        "could not be measured": [one for one in blind if one not in judged],
    }
    found = [f"{kind}: {' '.join(items)}" for kind, items in of_kind.items() if items]
    known = {*judged, *blind}
    missing = [(one.reason, item) for one in left_out for item in one.criteria if item not in known]
    found += [
        f"not judged: {' '.join(dict.fromkeys(items))}: {reason}{remedy(reason)}"
        for reason, items in wording.by_reason(missing).items()
    ]
    return found


def coverage_in_short(record: RunRecord) -> str:
    """The same as counts; empty where there is nothing to say."""
    told = coverage(record)
    counts = {
        kind: len({item for line in told if line.startswith(f"{kind}: ") for item in line.split(": ")[1].split()})
        for kind in ("judged", "judged in part", "could not be measured", "not judged")
    }
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def remedy(reason: str) -> str:
    """What would let it be judged, where the reason does not say it itself."""
    if undeclared := _UNDECLARED.match(reason):
        return f" (add it to abilities of {undeclared['where']}, when it is there)"
    if undescribed := _UNDESCRIBED.match(reason):
        return f" (describe it in products/{undescribed['where']}.toml, when it is there)"
    return ""


def _items(of_tests: Iterable[tuple[str, ...]]) -> list[str]:
    return list(dict.fromkeys(item for items in of_tests for item in items))


_HOUR_S = 3600.0

ToDo = tuple[str, str, str]
"""Of one stage of the way back: what, its steps, and until when."""


def to_dos(plan: Plan, ended: datetime | None) -> Iterator[ToDo]:
    """The stages of the plan's way back. ``ended`` is when the rollback was done; None when that is not known."""
    for stage in plan.recovery.values():
        yield f"{stage.id}: {stage.title}", "; ".join(stage.steps), _due(stage.min_s, stage.max_s, ended)


def _due(min_s: float | None, max_s: float | None, ended: datetime | None) -> str:
    if max_s is None:
        return ""
    planned = f"{(min_s or 0) / _HOUR_S:g} to {max_s / _HOUR_S:g} h after the rollback"
    if ended is None:
        return planned
    until = (ended + timedelta(seconds=max_s)).astimezone(UTC)
    return f"{until:%Y-%m-%d %H:%M} ({planned})"


def at_hand(plan: Plan, environment: Environment) -> str:
    """The plan's addresses, each with this environment's own where that is another one."""
    own = {
        "QR-1": environment.url_of("emergency_rollback") if "emergency_endpoint" in environment.abilities else "",
        "QR-2": environment.health_url("comprehensive"),
        "QR-3": environment.urls.status_page,
    }
    found = []
    for item in plan.quick_reference.values():
        here = own.get(item.id, "") or item.url
        found.append(f"{item.title}: {item.url}" + (f" (set here: {here})" if here.rstrip("/") != item.url else ""))
    return f"at hand, by the plan: {'; '.join(found)}"
