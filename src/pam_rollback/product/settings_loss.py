"""What became of the configuration: flags, and the settings of the test account, as they were before and as they are now (RPO-2).

Only what was changed within some minutes before the incident may be lost. Whatever is of unknown age counts as older: nobody can say that
it was allowed to go. Flags that the strategy itself switches are left out, and so is what is written all the time.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence

FLAG = "flag "
SETTING = "setting "
LINK_SETTING = "pam_rollback_probe"
"""Written through the API to see whether the database is the one behind it; it stays."""
_SHOWN = 5
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


@dataclass(frozen=True, repr=False)
class SettingsLoss(Sentence):
    """The comparison, held against the objective."""

    n: int
    """How many older ones were compared."""
    lost: tuple[str, ...]
    """Older ones that are gone or have another value, each with what became of it."""
    younger: int
    younger_lost: tuple[str, ...]
    left_out: tuple[str, ...]
    loss_s_max: float
    taken_at: datetime
    unproven: str = ""
    """What nobody wrote, so that its loss would not be noticed: a condition of the verdict."""

    @property
    def within(self) -> bool:
        """Nothing older is lost. Raises MeasurementFailed when there was nothing to compare: unknown is neither."""
        if self.n == 0:
            raise MeasurementFailed(
                "no flag and no setting of before is known: whether configuration is lost cannot be said"
            )
        return not self.lost

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="flags and settings lost that were older",
            asked=f"0 older than {self.loss_s_max:g} s",
            measured=len(self.lost),
            n=self.n,
            definition=(
                f"unknown age counts as older; {len(self.younger_lost)} of {self.younger} younger lost, "
                f"{len(self.left_out)} that the rollback or the suite changes left out"
            ),
        )

    def __str__(self) -> str:
        compared = f"{self.n} compared with {self.taken_at:%Y-%m-%d %H:%M:%S} UTC"
        if not self.lost:
            return f"no configuration older than {self.loss_s_max:g} s is lost ({compared})"
        more = f" and {len(self.lost) - _SHOWN} more" if len(self.lost) > _SHOWN else ""
        return (
            f"{len(self.lost)} flags or settings older than {self.loss_s_max:g} s are lost ({compared}): "
            f"{'; '.join(self.lost[:_SHOWN])}{more}"
        )


def compare(
    before: RecordedSettings, after: Mapping[str, str], *, left_out: Collection[str], loss_s_max: float
) -> SettingsLoss:
    """Hold what is there now against what was there before. What is new is no loss."""
    names = sorted(name for name in before.values if name not in left_out)
    older = [name for name in names if name not in before.young]
    younger = [name for name in names if name in before.young]

    def gone(among: list[str]) -> tuple[str, ...]:
        return tuple(
            _fate(name, before.values[name], after) for name in among if after.get(name) != before.values[name]
        )

    return SettingsLoss(
        n=len(older),
        lost=gone(older),
        younger=len(younger),
        younger_lost=gone(younger),
        left_out=tuple(sorted(name for name in before.values if name in left_out)),
        loss_s_max=loss_s_max,
        taken_at=before.taken_at,
    )


def _fate(name: str, was: str, after: Mapping[str, str]) -> str:
    """Values of flags are shown, those of settings are a person's own."""
    if name not in after:
        return f"{name} is gone"
    return f"{name} is {after[name]}, was {was}" if name.startswith(FLAG) else f"{name} has another value"
