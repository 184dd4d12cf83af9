"""The one place where actions write flags: read, decide by the rules of ``rollback/flag_changes.py``, note it, write.

Another session, or a person at the console, may have changed a flag since the action looked. The host takes no condition ("only if it still
is …"), so between this read and the write there is a moment left that cannot be closed from here; it is one request long.
"""

from collections.abc import Collection, Mapping
from typing import Any

from pam_rollback.core.errors import ActionFailed, LockLost, ProviderError
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagName
from pam_rollback.rollback.flag_changes import (
    Flags,
    PuttingBack,
    Setting,
    exposure_pct,
    exposures_left,
    lowered,
    put_back,
    why_not_raised,
)
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.settling import is_unclear

UNDO_KIND = "set-flags"
SETTING, SET = "flags-setting", "flags-set"
"""The events of a write: before it is sent, and when it was read back."""


def lower_flags(admin: FlagAdmin, journal: Journal, target: Flags) -> dict[FlagName, Flag]:
    """Lower the flags to ``target``, and owe the way back; gives what they shall be now, which is never above what they were.

    Raises ActionFailed when they cannot be read or written.
    """
    found = read_named(admin, target)
    wanted = lowered(found, target)
    begun = unfinished(journal)
    changes = {name: flag for name, flag in wanted.items() if flag != found[name] or begun.get(name) == flag}
    if changes:
        owe_flags(journal, found)
        note_setting(journal, changes)
        try:
            admin.set_flags(changes)
        except ProviderError as error:
            wanted = _lowered_after_all(admin, journal, target, error)
    return wanted


def unfinished(journal: Journal) -> dict[FlagName, Flag]:
    """What a run that was killed may have begun to set: it was not seen to be done, so it is asked for again, whatever is read."""
    found: dict[FlagName, Flag] = {}
    for entry in journal.entries():
        if entry["event"] == SETTING:
            found |= {name: Flag(state["enabled"], state["rollout_pct"]) for name, state in entry["flags"].items()}
        elif entry["event"] == SET:
            found = {name: flag for name, flag in found.items() if name not in entry["flags"]}
    return found


def put_flags_back(admin: FlagAdmin, journal: Journal, recorded: Flags) -> PuttingBack:
    """Set the flags as they were recorded, except those that somebody else changed; gives both. Raises ActionFailed."""
    found = read_named(admin, recorded)
    putting = put_back(found, recorded, _left_at(journal, recorded))
    begun = unfinished(journal)
    note_setting(journal, putting.wanted)
    # What stands there already is not written again: for a variable of a host that would be a deploy.
    changes = {name: flag for name, flag in putting.wanted.items() if flag != found[name] or name in begun}
    if changes:
        _set_or_seen(admin, changes)
    return putting


def raise_flags(admin: FlagAdmin, wanted: Flags, *, expected_pct: Mapping[FlagName, int], ceiling_pct: int) -> None:
    """Let users in. Raises ActionFailed, with nothing written, when that is not what was decided on, see ``why_not_raised``."""
    found = read_named(admin, wanted)
    why = why_not_raised(found, expected_pct, wanted, ceiling_pct=ceiling_pct)
    if why:
        raise ActionFailed(f"nobody was let in: {why}; find out who is acting")
    if found != wanted:
        _set_or_seen(admin, wanted)


def owe_flags(journal: Journal, before: Flags) -> None:
    """Note how the flags were, before they are changed."""
    journal.owe(UNDO_KIND, {"flags": _as_facts(before)}, place=", ".join(sorted(before)))


def note_setting(journal: Journal, flags: Flags, *, done: bool = False) -> None:
    """Note that the flags are being set, or (``done``) that they were seen to be: an undo knows by it what is the run's own doing."""
    if flags:
        journal.append(SET if done else SETTING, flags=_as_facts(flags))


def _lowered_after_all(admin: FlagAdmin, journal: Journal, target: Flags, error: ProviderError) -> dict[FlagName, Flag]:
    """Where the answer leaves open what was done, look, and ask once more for the rest (docs/decisions/strategies.md). Else raises it."""
    now = _seen(admin, target, error)
    wanted = lowered(now, target)
    missing = {name: flag for name, flag in wanted.items() if flag != now[name]}
    if missing:
        note_setting(journal, missing)
        admin.set_flags(missing)
    return wanted


def _set_or_seen(admin: FlagAdmin, wanted: Flags) -> None:
    """Write; an answer that was lost is made up for by a look, and by no second request: meanwhile somebody may have lowered a flag."""
    try:
        admin.set_flags(wanted)
    except ProviderError as error:
        if _seen(admin, wanted, error) != dict(wanted):
            raise


def _seen(admin: FlagAdmin, names: Flags, error: ProviderError) -> dict[FlagName, Flag]:
    if not is_unclear(error):
        raise error
    try:
        return read_named(admin, names)
    except LockLost:
        raise
    except ActionFailed:
        raise error from None


def read_named(admin: FlagAdmin, names: Collection[FlagName]) -> dict[FlagName, Flag]:
    """Read these flags. Raises ActionFailed for one that is not there."""
    flags = admin.read_flags()
    missing = sorted(set(names) - set(flags))
    if missing:
        raise ActionFailed(f"the environment has no flag {', '.join(missing)}; it has {', '.join(sorted(flags))}")
    return {name: flags[name] for name in names}


def _left_at(journal: Journal, recorded: Flags) -> Mapping[FlagName, Any] | None:
    history = [
        Setting(
            {
                name: exposure_pct(Flag(state["enabled"], state["rollout_pct"]))
                for name, state in entry["flags"].items()
            },
            done=entry["event"] == SET,
        )
        for entry in journal.entries()
        if entry["event"] in {SETTING, SET}
    ]
    return exposures_left(recorded, history) if history else None


def _as_facts(flags: Flags) -> dict[FlagName, dict[str, Any]]:
    return {name: {"enabled": flag.enabled, "rollout_pct": flag.rollout_pct} for name, flag in flags.items()}
