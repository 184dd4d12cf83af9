"""Who may change an environment: what is locked, what a lock says of its holder, and when it may be taken from another machine.

Locked is where changes go, not what the environment is called: two files with the same addresses have the same targets, whatever their
names. The repository is a target only of actions that push: staging and production often share it, and must not wait for each other.

Alive is whose record moves while we watch, by our own monotonic clock. The times in a record are for people: clocks need not agree.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from pam_rollback.base.addresses import is_loopback, is_named_local
from pam_rollback.base.outside_text import cut
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.hosts import KINDS

_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*)(?::(\d*))?(/.*)?", re.IGNORECASE)
_SCP = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9.-]+)():(?!//)(.+)")
"""``git@host:path``, as git takes it beside addresses."""
_DEFAULT_PORTS = {"", "80", "443", "22"}
_DIGITS = 16


@dataclass(frozen=True, order=True)
class LockTarget:
    """One thing that is changed. ``name`` is its lock's name: the same for everybody who changes it, and it shows no address."""

    name: str
    words: str
    """For people."""


def targets_of(environment: Environment, *, pushes: bool) -> tuple[LockTarget, ...]:
    """Everything that a session may change there, in the order in which locks are taken. ``pushes``: it may move branches."""
    return tuple(sorted(set(_targets(environment, pushes=pushes))))


def _targets(environment: Environment, *, pushes: bool) -> Iterator[LockTarget]:
    # Users are one: whatever is changed, two sessions at once would judge each other's work.
    yield _target("product", environment.urls.api)
    if {"flag_admin", "emergency_endpoint"} & environment.abilities:
        yield _target("flags", environment.url_of("feature_flags"))
    if environment.unleash is not None:
        at = environment.unleash
        yield _target("flags", f"{at.url}/{at.project}/{at.environment}")
    for site, kind in KINDS.items():
        if (host := environment.host_of(site)) is not None:
            yield _target(kind, f"{host.api_url}/{host.id}")
    if pushes and environment.git is not None:
        yield _target("repository", environment.git.remote)


def _target(kind: str, address: str) -> LockTarget:
    place = same_place(address)
    digest = hashlib.sha256(f"{kind} {place}".encode()).hexdigest()[:_DIGITS]
    return LockTarget(f"{kind}-{digest}", f"{kind} {place}")


def same_place(address: str) -> str:
    """Give one spelling for all addresses of one place: without scheme, user, default port and what ends it (``/``, ``.git``).

    Hosts and paths on them are compared without case: two places that differ in nothing else would wait for each other, which does no harm.
    """
    found = _URL.fullmatch(address) or _SCP.fullmatch(address)
    if found is None:
        return address.rstrip("/")  # a folder of this machine
    host, port, path = (part or "" for part in found.groups())
    here = is_loopback(f"http://{host}") or is_named_local(host)
    host = "localhost" if here else host.lower().rstrip(".")
    shown_port = "" if port in _DEFAULT_PORTS else f":{port}"
    return f"{host}{shown_port}/{path.strip('/').removesuffix('.git').lower()}".rstrip("/")


Version = str
"""What a lock's text was at a moment, so that a change can be refused when it is not that any more."""

RENEWED_EVERY_S = 30.0
"""How often a holder gives a sign of life, also within a long step."""
PATIENCE_S = 3 * RENEWED_EVERY_S
"""A lock that does not move for so long while it is watched may be taken: three signs of life did not come."""
_TEXT_MAX = 200


@dataclass(frozen=True)
class TakeOver:
    """A person's word that the session of ``run`` is not working any more: its lock may be taken without watching it."""

    run: str
    who: str
    evidence: str

    @classmethod
    def of(cls, text: str) -> "TakeOver":
        """Read ``RUN=who: evidence``."""
        run, _, statement = text.partition("=")
        who, _, evidence = statement.partition(":")
        return cls(run.strip(), who.strip(), evidence.strip())

    def __str__(self) -> str:
        return f"{self.who}: {self.evidence}"


@dataclass(frozen=True)
class Claim:
    """Who wants to change an environment. ``place`` tells machines (and their lock folders) apart, ``host`` is for people."""

    environment: str
    who: str
    host: str
    run: str
    token: str = ""
    """Of this session alone: two sessions of one run (a resumed one) have two."""
    pid: int = 0
    targets: tuple[str, ...] = ()
    place: str = ""
    """Where we hold the machine's own lock: a holder that had it there is dead. Empty, when that is not certain."""
    take_over: TakeOver | None = None
    undoes: str = ""
    """The run that this session puts back, as it was named; empty where it acts itself."""


@dataclass(frozen=True)
class LockRecord:
    """What a lock says of its holder."""

    who: str
    host: str
    run: str
    since: datetime
    renewed: datetime
    last_step: str = ""
    place: str = ""
    token: str = ""
    pid: int = 0
    targets: tuple[str, ...] = ()
    beat: int = 0
    """Grows with each sign of life, so that the record moves whatever the clock says."""

    @classmethod
    def by(cls, claim: Claim, now: datetime) -> "LockRecord":
        """A lock that is taken now."""
        return cls(
            claim.who[:_TEXT_MAX],
            claim.host,
            claim.run,
            since=now,
            renewed=now,
            place=claim.place,
            token=claim.token,
            pid=claim.pid,
            targets=claim.targets,
        )

    def renewed_at(self, now: datetime, last_step: str) -> "LockRecord":
        """The same lock with a sign of life."""
        return replace(self, renewed=now, last_step=last_step[:_TEXT_MAX], beat=self.beat + 1)

    def is_of(self, other: "LockRecord") -> bool:
        """Whether both are of one session."""
        return self.token == other.token

    def text(self) -> str:
        """As it is written down."""
        facts = {**vars(self), "since": self.since.isoformat(), "renewed": self.renewed.isoformat()}
        return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"

    def described(self, now: datetime) -> str:
        """For messages: who, where, since when and at which step. Ages are by its clock and ours."""
        by = f" of {self.who}" if self.who else ""
        step = f", last step {self.last_step!r}" if self.last_step else ""
        process = f" (process {self.pid})" if self.pid else ""
        return (
            f"run {self.run}{by} on {self.host}{process}, since {self.since:%Y-%m-%d %H:%M:%S} UTC "
            f"({_age(self.since, now)} ago), last sign of life {_age(self.renewed, now)} ago{step}"
        )


def read_lock_record(text: str) -> LockRecord | None:
    """What is written down; None when it is not ours to understand. What a later edition adds is passed over."""
    try:
        return _held(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


@dataclass(frozen=True)
class Taking:
    """Whether a lock may be taken: refused with a reason, watched for some more seconds, or taken, with what must be said loudly."""

    refused: str = ""
    wait_s: float = 0.0
    warning: str = ""


def may_take(claim: Claim, text: str, *, watched_s: float, moved: bool, now: datetime) -> Taking:
    """What a lock that is there means for whoever wants it.

    ``watched_s`` is for how long it has been watched by our own monotonic clock, ``moved`` whether it was written meanwhile.
    """
    held = read_lock_record(text)
    if held is None:
        return Taking(
            warning=f"the lock of {claim.environment} could not be read ({cut(text, 80)!r}), so it was taken over"
        )
    if held.token and held.token == claim.token:
        return Taking()  # written by us, and the answer was lost
    why = _why_it_may(claim, held)
    if not why and moved:
        return Taking(refused=refusal(claim, held, now, f"it lives: its lock moved within {watched_s:.0f} s"))
    if not why and watched_s < PATIENCE_S:
        return Taking(wait_s=PATIENCE_S - watched_s)
    why = why or f", which gave no sign of life for {watched_s:.0f} s; make sure that it is not working"
    return Taking(warning=f"the lock of {claim.environment} was taken over from {held.described(now)}{why}")


def _why_it_may(claim: Claim, held: LockRecord) -> str:
    """Why it need not be watched; empty when it has to be."""
    if held.place and held.place == claim.place:
        # The machine's own lock is ours, and a process that dies gives that one up.
        return ": that session has died"
    if claim.take_over is not None and claim.take_over.run == held.run:
        return f", without watching it, on the word of {claim.take_over}"
    return ""


def refusal(claim: Claim, held: LockRecord, now: datetime, proof: str) -> str:
    """Why a session must not act, for people: who has the lock, how we know, and what to do."""
    return (
        f"another session is changing {claim.environment} right now: {held.described(now)}; {proof}; wait for it, or stop it, before "
        f'{claim.run} acts; if it is known to be dead or hung: --take-over {held.run}="who: how you know"'
    )


def stopped(claim: Claim, what: str, lost: str) -> str:
    """Why a session that lost its lock goes no further, for people, and what becomes of the rest."""
    rest = (
        f"the rest is put back with --undo {claim.undoes}"
        if claim.undoes
        else f"what is left to do is finished with --resume {claim.run}, or put back with --undo {claim.run}"
    )
    return f"stopped before {what}, which was not sent: {lost}. Find out who is acting; {rest}, once they are done"


class SharedLocks(Protocol):
    """Where machines see each other's locks. Each call raises ActionFailed (a ProviderError) when it is out of reach."""

    def read(self, names: Sequence[str]) -> Mapping[str, tuple[Version, str]]:
        """Version and text of each lock that there is."""

    def write(self, names: Sequence[str], text: str, *, seen: Mapping[str, Version]) -> Version | None:
        """Write all of them, only if each still is what was seen (not in ``seen``: is not there).

        None, and nothing written, when somebody else was faster.
        """

    def remove(self, seen: Mapping[str, Version]) -> bool:
        """Take all of them away, only if each still is what was seen; gives whether they were."""


def _held(facts: Mapping[str, Any]) -> LockRecord:
    since, renewed = (datetime.fromisoformat(facts[name]).astimezone(UTC) for name in ("since", "renewed"))
    return LockRecord(
        who=str(facts["who"]),
        host=str(facts["host"]),
        run=str(facts["run"]),
        last_step=str(facts.get("last_step", "")),
        place=str(facts.get("place", "")),
        token=str(facts.get("token", "")),
        pid=int(facts.get("pid", 0)),
        beat=int(facts.get("beat", 0)),
        since=since,
        renewed=renewed,
        targets=tuple(str(name) for name in facts.get("targets", ())),
    )


def _age(then: datetime, now: datetime) -> str:
    seconds = max(0.0, (now - then).total_seconds())  # none is in the future, whatever the other machine's clock says
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - as people say it
