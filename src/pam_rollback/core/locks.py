"""Who may change an environment: the lock that sessions on several machines share, and when one may be taken from its holder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

Version = str
"""What a lock's text was at a moment, so that a change can be refused when it is not that any more."""

TTL_S = 300.0
"""So long after its last sign of life a lock may be taken. Far more than clocks differ, far less than an incident may last."""
RENEWED_EVERY_S = 30.0
"""How often a holder gives a sign of life, also within a long step."""
SILENT_S = 3 * RENEWED_EVERY_S
"""After so long without one, whoever resumes the very run need not wait for the rest of the time."""


@dataclass(frozen=True)
class Claim:
    """Who wants to change an environment. ``place`` tells machines (and their lock files) apart, ``host`` is for people."""

    environment: str
    who: str
    host: str
    run: str
    place: str = ""
    resumes: str = ""
    """The run that is being finished or undone: its lock may be taken over sooner."""


@dataclass(frozen=True)
class Held:
    """What a lock says of its holder."""

    who: str
    host: str
    run: str
    since: datetime
    renewed: datetime
    ttl_s: float
    last_step: str = ""
    place: str = ""

    @classmethod
    def by(cls, claim: Claim, now: datetime, ttl_s: float = TTL_S) -> "Held":
        """A lock that is taken now."""
        return cls(claim.who, claim.host, claim.run, since=now, renewed=now, ttl_s=ttl_s, place=claim.place)

    def renewed_at(self, now: datetime, last_step: str) -> "Held":
        """The same lock with a sign of life."""
        return replace(self, renewed=now, last_step=last_step)

    def silent_s(self, now: datetime) -> float:
        """How long ago the last sign of life was; none is in the future, whatever the other machine's clock says."""
        return max(0.0, (now - self.renewed).total_seconds())

    def text(self) -> str:
        """As it is written down."""
        facts = {**vars(self), "since": self.since.isoformat(), "renewed": self.renewed.isoformat()}
        return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"

    def described(self, now: datetime) -> str:
        """For messages: who, where, since when, and whether they are still there."""
        step = f", last step {self.last_step!r}" if self.last_step else ""
        return (
            f"run {self.run} of {self.who} on {self.host}, since {self.since:%Y-%m-%d %H:%M:%S} UTC "
            f"({_age(max(0.0, (now - self.since).total_seconds()))} ago), last sign of life {_age(self.silent_s(now))} ago{step}"
        )


def read_held(text: str) -> Held | None:
    """What is written down; None when it is not ours to understand."""
    try:
        facts = json.loads(text)
        return _held(facts)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


@dataclass(frozen=True)
class Taking:
    """Whether a lock may be taken: refused with a reason, or with what must be said loudly (empty: nothing)."""

    refused: str = ""
    warning: str = ""


def may_take(claim: Claim, text: str, now: datetime) -> Taking:
    """What a lock that is there means for whoever wants it."""
    held = read_held(text)
    if held is None:
        return Taking(
            warning=f"the lock of {claim.environment} could not be read ({text[:80]!r}), so it was taken over"
        )
    described = held.described(now)
    if claim.place and held.place == claim.place:
        # The machine's own lock is ours, and a process that dies gives that one up.
        return Taking(warning=f"the lock of {claim.environment} was taken over from {described}: that session has died")
    silent_s = held.silent_s(now)
    patience_s = min(SILENT_S, held.ttl_s) if claim.resumes == held.run else held.ttl_s
    if silent_s >= patience_s:
        why = "the run that is resumed" if claim.resumes == held.run else f"a lock lasts {held.ttl_s:.0f} s"
        return Taking(
            warning=f"the lock of {claim.environment} was taken over from {described} ({why}); make sure that it is not working"
        )
    return Taking(
        refused=f"another session is changing {claim.environment}: {described}; wait for it, or stop it, before {claim.run} acts; "
        f"if it is dead, this works in {patience_s - silent_s:.0f} s"
    )


class SharedLocks(Protocol):
    """Where machines see each other's locks. Each call raises ActionFailed (a ProviderError) when it is out of reach."""

    def read(self, environment: str) -> tuple[Version, str] | None:
        """The lock's version and text; None when there is none."""

    def write(self, environment: str, text: str, *, seen: Version | None) -> Version | None:
        """Write it, only if it still is what was seen (None: only if there is none); None when somebody else was faster."""

    def remove(self, environment: str, *, seen: Version) -> bool:
        """Take it away, only if it still is what was seen; gives whether it was."""


def _held(facts: Mapping[str, Any]) -> Held:
    texts = {name: str(facts[name]) for name in ("who", "host", "run")}
    rest = {name: str(facts.get(name, "")) for name in ("last_step", "place")}
    since, renewed = (datetime.fromisoformat(facts[name]).astimezone(UTC) for name in ("since", "renewed"))
    return Held(**texts, **rest, since=since, renewed=renewed, ttl_s=float(facts["ttl_s"]))


def _age(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - as people say it
