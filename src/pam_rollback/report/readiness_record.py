"""What a preflight found, as data: a part of the run record."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from pydantic import ConfigDict, TypeAdapter

_STRICT: Final = ConfigDict(extra="ignore", use_attribute_docstrings=True)
PREFLIGHT_FILE: Final = "preflight.json"
"""In the run's folder."""
WAYS_FILE: Final = "ways.json"
"""The same."""


@dataclass(frozen=True)
class WayFound:
    """One way of rolling back, on whom it stands, and whether it could be taken."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    """The file of ``drills/`` without ``test_``."""
    stands_on: tuple[str, ...]
    """Everybody that it needs; nobody else keeps it from being done."""
    state: str
    """``ready``, ``not ready`` or ``not checked``."""
    words: str
    """What stands in the way; empty when nothing does."""


@dataclass(frozen=True)
class RemainingWays:
    """What could still be done if somebody were down."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    party: str
    """Who."""
    remaining: tuple[str, ...]
    """The ways that are ready and do not stand on it."""
    note: str = ""
    """What else there is to know."""


@dataclass(frozen=True)
class StandingAlone:
    """What each way stands on, and what remains without it."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    ways: tuple[WayFound, ...]
    """Every way of the plan."""
    without: tuple[RemainingWays, ...]
    """One entry for each on whom a way stands."""


@dataclass(frozen=True)
class StrategyReadiness:
    """Whether a strategy could be started when it was asked."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    """The strategy; or what several stand on: ``by-git``, ``verification``, ``message``."""
    state: str
    """``ready``, ``not ready`` or ``not checked``."""
    words: str
    """What was found, or what stands in the way."""


def read_preflight(folder: Path) -> tuple[StrategyReadiness, ...]:
    """What the preflight of this run left in its folder; nothing when it was none."""
    file = folder / PREFLIGHT_FILE
    if not file.is_file():
        return ()
    return TypeAdapter(tuple[StrategyReadiness, ...]).validate_json(file.read_bytes())


def read_ways(folder: Path) -> StandingAlone | None:
    """What it found of the ways; None when it was no preflight."""
    file = folder / WAYS_FILE
    return TypeAdapter(StandingAlone).validate_json(file.read_bytes()) if file.is_file() else None
