"""What became of the configuration: flags, and the settings of the test account, as they were before and as they are now (RPO-2).

Only what was changed within some minutes before the incident may be lost. Whatever is of unknown age counts as older: nobody can say that
it was allowed to go. Flags that the strategy itself switches are left out, and so is what is written all the time.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.core.figures import Measured, listed

FLAG = "flag "
SETTING = "setting "
LINK_SETTING = "pam_rollback_probe"
"""Written through the API to see whether the database is the one behind it; it stays."""
_WIDE = "_preferences"


class RecordedSettings(BaseModel):
    """Flags and settings of a moment, by name, each value as it is compared. Kept in a file beside a baseline."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    taken_at: Annotated[datetime, Field(strict=False)]
    values: dict[str, str]
    young: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Those that are known to have been changed a moment ago."""


def settings_in(body: object) -> dict[str, Any] | None:
    """The settings that an answer of the API holds, by name; None when it holds none.

    Either under ``settings``, or as the row of a wide table: one column of preferences for each.
    """
    if not isinstance(body, dict):
        return None
    listed = body.get("settings")
    if isinstance(listed, dict):
        return listed
    return {name: value for name, value in body.items() if str(name).endswith(_WIDE)} or None


def compare(
    before: RecordedSettings, after: Mapping[str, str], *, left_out: Collection[str], loss_s_max: float
) -> Measured:
    """Count what is lost of what was older than ``loss_s_max``, of what is there now. What is new is no loss.

    Where nothing was there to compare the number is not known.
    """
    names = sorted(name for name in before.values if name not in left_out)
    older = [name for name in names if name not in before.young]

    def gone(among: Collection[str]) -> list[str]:
        return [_fate(name, before.values[name], after) for name in among if after.get(name) != before.values[name]]

    lost, younger = gone(older), [name for name in names if name in before.young]
    compared = f"{len(older)} compared with {before.taken_at:%Y-%m-%d %H:%M:%S} UTC"
    if not older:
        sentence = "no flag and no setting of before is known: whether configuration is lost cannot be said"
    elif lost:
        sentence = f"{len(lost)} flags or settings older than {loss_s_max:g} s are lost ({compared}): {listed(lost)}"
    else:
        sentence = f"no configuration older than {loss_s_max:g} s is lost ({compared})"
    return Measured(
        what="flags and settings lost that were older",
        asked=f"0 older than {loss_s_max:g} s",
        value=len(lost) if older else None,
        n=len(older),
        definition=(
            f"unknown age counts as older; {len(gone(younger))} of {len(younger)} younger lost, "
            f"{sum(name in left_out for name in before.values)} that the rollback or the suite changes left out"
        ),
        sentence=sentence,
    )


def _fate(name: str, was: str, after: Mapping[str, str]) -> str:
    """Values of flags are shown, those of settings are a person's own."""
    if name not in after:
        return f"{name} is gone"
    return f"{name} is {after[name]}, was {was}" if name.startswith(FLAG) else f"{name} has another value"
