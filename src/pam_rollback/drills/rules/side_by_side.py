"""How many drills run at once. Each has a sandbox and a prober of its own, and the probers say whether the machine bears it.

=========================================  ==============================================================
of a drill's probes, left late or never    what follows
=========================================  ==============================================================
at most 1 %                                one more at once, up to one more than there are cores
up to 5 %                                  as before
more                                       one fewer at once
=========================================  ==============================================================

A drill that could not measure beside others is run again in the end, alone. One that measured is not, whatever it found.

Above 5 % a window says that it was not fit to judge (``observation/rules/window.py``): the same budget, so no tolerance is wider here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pam_rollback.base.open_loop import Sending
from pam_rollback.observation.rules.samples import LATE_MS, Sample
from pam_rollback.report.verdict import VERDICT_WORDS, ExitCode, worst

LATE_PCT_MAX = 5.0
"""The prober's budget: with more of its probes late it was not fit to judge."""
_LATE_PCT_EASY = 1.0


@dataclass(frozen=True)
class Drilled:
    """One drill that has ended."""

    story: str
    code: int
    """The exit code of its session."""
    took_s: float
    late_pct: float | None
    """The share of its probes that left late or never; None when nothing was probed."""
    folder: str = ""
    """Of its run; empty when it has none."""
    alone: bool = False
    """Nothing of ours ran beside it."""

    @property
    def word(self) -> str:
        """Its verdict."""
        known = {int(code): word for code, word in VERDICT_WORDS.items()}
        return known.get(self.code, f"ended with {self.code}")

    @property
    def machine_too_busy(self) -> bool:
        """Its own prober left too late to judge."""
        return self.late_pct is not None and self.late_pct > LATE_PCT_MAX

    @property
    def worth_repeating(self) -> bool:
        """What could not be measured beside other drills may be measured without them. What was measured is never measured again."""
        return self.code == ExitCode.INCONCLUSIVE and not self.alone

    @property
    def exit_code(self) -> ExitCode:
        """What it counts as: a session that ended otherwise than by a verdict leaves it unknown."""
        return ExitCode(self.code) if self.code in set(ExitCode) else ExitCode.INCONCLUSIVE


def late_pct(samples: Sequence[Sample]) -> float | None:
    """The share of probes that left more than ``LATE_MS`` late, or never; None without any."""
    return Sending.of((sample.lag_ms for sample in samples if not sample.void), late_ms=LATE_MS).unfit_pct


def at_once_next(at_once: int, ended: Drilled, *, cores: int) -> int:
    """How many drills run at once after this one has ended."""
    if ended.machine_too_busy:
        return max(1, at_once - 1)
    if ended.late_pct is not None and ended.late_pct <= _LATE_PCT_EASY:
        return max(at_once, min(at_once + 1, cores + 1))
    return at_once


def ending(drills: Iterable[Drilled]) -> ExitCode:
    """The worst of the drills; none at all is INCONCLUSIVE."""
    return worst(drill.exit_code for drill in drills)
