"""What a preflight found, as data: a part of the run record."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from pydantic import ConfigDict, TypeAdapter

_STRICT: Final = ConfigDict(extra="ignore", use_attribute_docstrings=True)
PREFLIGHT_FILE: Final = "preflight.json"
"""In the run's folder."""


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
