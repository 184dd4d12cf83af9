"""From looks to an incident: three in a row open it, three calm ones in a row close it, and a look that proves nothing counts for nothing.

A criterion *asks* for a rollback where it holds or where the gaps of the plan say "consider". "Watch" (above its limit, not for long
enough yet, or not any more) neither asks nor is calm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pam_rollback.decision.rules.decision import Finding, State

IN_A_ROW = 3
"""One look may be the watch's own trouble; Upptime tries as often before it says "down"."""
_ASKS = frozenset({State.HOLDS, State.CONSIDER})


@dataclass(frozen=True)
class Look:
    """What was found at one moment, in seconds since 1970."""

    at_s: float
    findings: tuple[Finding, ...] = ()
    blind: str = ""
    """Why it proves nothing, such as a red control that was good. Its findings do not count then."""
    early: bool = False
    """The prober has not seen as much as the plan looks back on: what is not known yet is neither good nor the watch's fault."""

    @property
    def unknown(self) -> str:
        """Why this look is not good, although nothing is known to be bad; empty when all is known."""
        if self.blind:
            return self.blind
        if not self.findings:
            return "nothing was looked at"
        return "; ".join(f"{one.criterion}: {one.words}" for one in self.findings if one.state is State.UNKNOWN)

    @property
    def unknown_about(self) -> str:
        """The same without figures, which move from look to look."""
        return self.blind or " ".join(one.criterion for one in self.findings if one.state is State.UNKNOWN)


@dataclass(frozen=True)
class Streak:
    """Looks in a row that ask, or that are calm."""

    asks: int = 0
    calm: int = 0
    since_s: float = 0.0
    """The first of those that ask."""
    latest: Finding | None = None
    """The latest that asked."""


@dataclass(frozen=True)
class Streaks:
    """What is known of each criterion by the looks so far."""

    of: Mapping[str, Streak] = field(default_factory=dict)

    def after(self, look: Look) -> "Streaks":
        """With one more look. What is not known goes on with neither streak, and ends none."""
        if look.blind:
            return self
        found = dict(self.of)
        for finding in look.findings:
            before = found.get(finding.criterion, Streak())
            if finding.state in _ASKS:
                since_s = before.since_s if before.asks else look.at_s
                found[finding.criterion] = Streak(before.asks + 1, 0, since_s, finding)
            elif finding.state is State.CLEAR:
                found[finding.criterion] = Streak(0, before.calm + 1, before.since_s, before.latest)
            elif finding.state is State.WATCH:
                found[finding.criterion] = Streak(0, 0, before.since_s, before.latest)
        return Streaks(found)

    def confirmed(self, held: Sequence[str]) -> tuple[str, ...]:
        """The criteria of an incident: those that asked for three looks, and of those before (``held``) all that are not calm again."""
        asking = [name for name, streak in self.of.items() if streak.asks >= IN_A_ROW]
        kept = [name for name in held if self.of.get(name, Streak()).calm < IN_A_ROW]
        return tuple(sorted({*asking, *kept}))

    @property
    def suspected(self) -> tuple[str, ...]:
        """What asks, and not for three looks yet."""
        return tuple(name for name, streak in self.of.items() if 0 < streak.asks < IN_A_ROW)
