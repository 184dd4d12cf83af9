"""What is frozen of a case, and when an answer is as frozen."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FIRST_LINES = 10
"""Of the screen, below the verdict: what is broken, or what to do and why."""
_VERDICT = re.compile(
    r"^(?:REHEARSAL )?(?:GO|NO-GO|INCONCLUSIVE|ROLL BACK NOW|CONSIDER|NO ROLLBACK|NOT KNOWN|WATCH|PLANNED|REFUSED|ACTION|UNDO)\b"
)


@dataclass(frozen=True)
class Case:
    """One planted defect, or the healthy twin of some."""

    name: str
    group: str
    ask: str
    """What pytest is called with, besides the environment and the folder of the run."""
    code: int
    """The exit code."""
    first: str = ""
    """A regular expression that the first lines below the verdict have; empty where nothing is red."""
    plant: tuple[Mapping[str, Any], ...] = ()
    """Faults of the sandbox: ``fault``, its parameters, and ``begins_s`` after the window's begin (0: before the session)."""
    product: str = "pam-plan"
    baseline: bool = False
    named: bool = False

    @property
    def expected(self) -> str:
        """The frozen answer in words."""
        return f"exit code {self.code}" + (f", first {self.first!r}" if self.first else "")


@dataclass(frozen=True)
class Judged:
    """A case with what the suite said."""

    case: Case
    code: int
    said: str
    took_s: float

    @property
    def screen(self) -> list[str]:
        """The lines from the verdict on; all where there is none."""
        lines = self.said.splitlines()
        begins = next((i for i, line in enumerate(lines) if _VERDICT.match(line)), 0)
        return lines[begins:]

    @property
    def right(self) -> bool:
        """Whether exit code and first named part are as frozen."""
        shown = " ".join(" ".join(self.screen[:_FIRST_LINES]).split())
        return self.code == self.case.code and re.search(self.case.first, shown) is not None


def cases() -> Iterator[Case]:
    """Give every frozen case, in the order of the file."""
    text = Path(__file__).with_name("cases.toml").read_text(encoding="utf-8")
    for group, listed in tomllib.loads(text).items():
        for one in listed:
            yield Case(group=group, **{**one, "plant": tuple(one.get("plant", ()))})
