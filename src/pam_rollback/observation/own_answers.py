"""Whether users are shown their own: a shared cache may hand the answer of one account to another one (IR-1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.observation.samples import Sample


@dataclass(frozen=True, repr=False)
class OwnAnswers(Sentence):
    """How many answers of ``n`` belonged to another account than the one that asked, by journey."""

    ENOUGH: ClassVar[int] = 10

    n: int
    foreign: tuple[str, ...]

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> "OwnAnswers":
        """Count the good answers, and those of others."""
        told = [one for one in samples if one.ok or one.foreign]
        return cls(len(told), tuple(one.journey for one in told if one.foreign))

    @property
    def all_own(self) -> bool:
        """No answer was another account's. Raises MeasurementFailed where too few say whose they are."""
        if self.foreign:
            return False
        if self.n < self.ENOUGH:
            raise MeasurementFailed(f"whose the answers are is not known: {self.n} say it, {self.ENOUGH} are needed")
        return True

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(what="answers of another account", asked="0", measured=len(self.foreign), n=self.n)

    def __str__(self) -> str:
        where = ", ".join(dict.fromkeys(self.foreign))
        return f"{len(self.foreign)} of {self.n} answers belong to another account{where and ': '}{where}"
