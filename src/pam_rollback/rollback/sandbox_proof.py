"""Is a sandbox as a drill must find it? A drill on a sandbox that is broken already proves nothing, and its undo restores the damage.

==========================================  ==============================================================================
what is not as at the start                 what follows
==========================================  ==============================================================================
a release, a branch, a deploy, a flag       the drill does not begin: only a drill that did not end leaves these behind
something that is owed to the sandbox       the same: an earlier situation of this run could not put it back
a fault, on a session's own sandbox         the same: nobody but this session can have planted it
a fault, on a sandbox that was attached     noted: planting one is how people practise with, say, a host that is down
==========================================  ==============================================================================
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.plan.flags import Flag, FlagName

PLANTED_BEFORE = "planted-before"
"""The event of faults that a person practises with."""
_ON = Flag(enabled=True, rollout_pct=100)


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was when the sandbox started. ``fault`` is the name of the fault where it is one."""

    what: str
    expected: str
    found: str
    fault: str = ""

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class SandboxProof:
    """What a drill found before it planted anything."""

    differences: tuple[Difference, ...]
    planted_before: tuple[str, ...]
    """Faults that whoever attached the sandbox practises with."""

    @property
    def problem(self) -> str:
        """Why no drill can begin here, all reasons at once; empty when one can."""
        return "; ".join(map(str, self.differences))

    @classmethod
    def of(
        cls,
        changes: Iterable[Mapping[str, str]],
        flags: Mapping[FlagName, Flag],
        *,
        features: Iterable[FlagName],
        owed: Sequence[str],
        own: bool,
    ) -> "SandboxProof":
        """``changes`` as the sandbox tells them, ``flags`` as they are now, ``features`` the plan's flags, which a drill switches off.

        ``owed``: what earlier situations of this run still owe here. ``own``: the session started the sandbox itself.
        """
        told = [Difference(one["what"], one["expected"], one["found"], one.get("planted", "")) for one in changes]
        planted = tuple(one.fault for one in told if one.fault and not own)
        found = [one for one in told if own or not one.fault]
        found += [
            Difference(f"flag {name}", str(_ON), str(flags.get(name, "no such flag")))
            for name in features
            if flags.get(name) != _ON
        ]
        if owed:
            found.append(Difference("still owed", "nothing", ", ".join(owed)))
        return cls(tuple(found), planted)
