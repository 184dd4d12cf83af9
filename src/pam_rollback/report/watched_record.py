"""What the run record keeps of how users fared around a rollback: the prober's record in bins, the incident's moments, who was told."""

from dataclasses import dataclass
from typing import ClassVar, Final

from pydantic import ConfigDict

_STRICT: Final = ConfigDict(extra="ignore", use_attribute_docstrings=True)


@dataclass(frozen=True)
class TimelineBin:
    """A short time as the prober saw it."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    at_s: float
    """When it begins, seconds after the start of the session."""
    n: int
    """Probes that say something of the service."""
    bad: int
    """Of these, how many got a wrong answer or none."""
    p95_ms: float | None = None
    """95th percentile of the response times, nearest rank; null where there are too few."""


@dataclass(frozen=True)
class ActionMoment:
    """One of the six moments of an incident: onset, detection, decision, first step, mitigated, confirmed."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    """Which."""
    at_s: float
    """Seconds after the start of the session."""
    uncertain_s: float
    """What it can be wrong by, seconds."""
    definition: str
    """What happened then."""


@dataclass(frozen=True)
class FeatureShare:
    """For how many users a feature was on from a moment on, as the flag service said when it was read back."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    at_s: float
    """Seconds after the start of the session."""
    feature: str
    """The flag's name."""
    share_pct: float
    """Per cent of the users."""


@dataclass(frozen=True)
class NoticeSent:
    """A message to people, by the escalation matrix or at a turn of the rollback."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    at_s: float
    """When it was accepted, seconds after the start of the session."""
    occasion: str
    """A level of the escalation (``EM-1``), or a turn of the rollback (``done``, ``over``)."""
    means: str
    """How: ``slack``, ``pagerduty``, ``smtp``…"""
    by_hand: bool = False
    """A person has to send it: the suite only showed the text."""


@dataclass(frozen=True)
class Watched:
    """How the service was before, during and after a rollback, and who was told."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    situation: str
    """The situation that the rollback brought about."""
    moments: tuple[ActionMoment, ...] = ()
    """What is known of the incident's six moments, in their order."""
    bin_s: float = 1
    """Length of a bin, seconds."""
    bins: tuple[TimelineBin, ...] = ()
    """The prober's record, in order; a bin without a usable probe is not there."""
    error_rate_pct_max: float | None = None
    """What SC-1 asks for in this run."""
    p95_ms_max: float | None = None
    """What SC-2 asks for in this run."""
    shares: tuple[FeatureShare, ...] = ()
    """Users per feature, in order of time."""
    notices: tuple[NoticeSent, ...] = ()
    """Who was told, in order."""
