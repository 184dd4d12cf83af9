"""What speaks for a release, or against it, where no answer names one; each with its strength."""

from dataclasses import dataclass
from enum import Enum

STRONG, WEAK = "strong: seen in an answer to users", "weak: the host's word"


class Says(Enum):
    """For which release something speaks."""

    TARGET = "the target"
    OTHER = "another one"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Evidence:
    """One thing that speaks for the target or for another release, or tells nothing."""

    by: str
    says: Says
    why: str
    strength: str = STRONG

    def __str__(self) -> str:
        return f"{self.by}: {self.why}" + ("" if self.says is Says.NOTHING else f" ({self.strength})")


@dataclass(frozen=True)
class ReleaseProof:
    """All that is known of whether the deploy of a commit is what answers."""

    evidence: tuple[Evidence, ...]

    @property
    def against(self) -> tuple[Evidence, ...]:
        """What contradicts it, however much else agrees."""
        return tuple(one for one in self.evidence if one.says is Says.OTHER)

    @property
    def proven(self) -> bool:
        """Nothing contradicts it, and something that users get shows it."""
        return not self.against and any(one.strength == STRONG for one in self._for)

    @property
    def only_the_hosts_word(self) -> bool:
        """Nothing contradicts it, and the host says so, and nobody else."""
        return not self.against and not self.proven and bool(self._for)

    @property
    def _for(self) -> list[Evidence]:
        return [one for one in self.evidence if one.says is Says.TARGET]

    def __str__(self) -> str:
        """What tells most comes first: contradictions, then what agrees."""
        order = (Says.OTHER, Says.TARGET, Says.NOTHING)
        return "; ".join(map(str, sorted(self.evidence, key=lambda one: order.index(one.says))))
