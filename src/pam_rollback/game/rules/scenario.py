"""The file of games as data: what breaks, what helps, and what a score is made of."""

import random
import tomllib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pam_rollback.base.configuration import ConfigurationError, Problem, suggestion
from pam_rollback.base.late_dataclass import dataclass

SOURCE = "games.toml"
_Seconds = Annotated[float, Field(ge=0)]
_Points = Annotated[int, Field(ge=0)]


class _Table(BaseModel):
    """Nothing unknown, nothing changed later."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Planted(_Table):
    """A fault of the sandbox's catalogue."""

    fault: str
    settings: Mapping[str, float | str] = {}
    lasts_s: float | None = Field(default=None, gt=0)
    """It passes by itself after so long; None: it stays."""


class Best(_Table):
    """The best times that are known."""

    detect_s: _Seconds
    decide_s: _Seconds
    recover_s: _Seconds


class Scenario(_Table):
    """One way in which the sandbox breaks."""

    title: str
    """What was wrong, told when the game is over."""
    lesson: str
    faults: Annotated[tuple[Planted, ...], Field(min_length=1)]
    paths: tuple[tuple[str, ...], ...]
    """Sets of stories that make users well, the best known first. None: nothing is to be rolled back."""
    fails: tuple[str, ...] = ()
    """Stories that may be tried once without loss, although they do not help."""
    best: Best


class Points(_Table):
    """What each part of a score is worth."""

    detect: _Points
    decide: _Points
    recover: _Points
    choices: _Points


class Scoring(_Table):
    """How a game runs and is scored; ``games.toml`` says what each means."""

    points: Points
    patience: float = Field(gt=1)
    unneeded: _Points
    detour: _Points
    not_cured: _Points
    quiet_s: tuple[_Seconds, _Seconds]
    stay_well_s: _Seconds
    verify_s: _Seconds
    passed_s: _Seconds
    seen_within_s: _Seconds


class Games(_Table):
    """The whole file."""

    scoring: Scoring
    games: Annotated[Mapping[str, Scenario], Field(min_length=1)]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """In the order of the file."""
        return tuple(self.games)


@dataclass(frozen=True)
class Drawn:
    """The game that is played: the same for the same seed."""

    name: str
    scenario: Scenario
    quiet_s: float
    seed: int


def read_games(text: str) -> Games:
    """Raises ConfigurationError with every problem of the file."""
    try:
        return Games.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(SOURCE, [Problem("not valid TOML", str(error))]) from None
    except ValidationError as error:
        found = [Problem(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors(include_input=False)]
        raise ConfigurationError(SOURCE, found) from None


def drawn(games: Games, *, seed: int, wanted: str = "") -> Drawn:
    """The game of this seed, or the one that is wanted with this seed's quiet time. Raises ConfigurationError for an unknown name."""
    if wanted and wanted not in games.games:
        raise ConfigurationError(
            SOURCE, [Problem("SCENARIO", f"no game {wanted!r}, {suggestion(wanted, games.names)}")]
        )
    chance = random.Random(seed)  # noqa: S311 - the same seed is the same game
    name = chance.choice(games.names)
    return Drawn(wanted or name, games.games[wanted or name], chance.uniform(*games.scoring.quiet_s), seed)
