"""The write ledger.

What the product acknowledged while it was broken and repaired, and what it still has afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.open_loop import Steady
from pam_rollback.core.outside_text import cut
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.probe.child import Child, LineReader
from pam_rollback.probe.ledger_config import (
    NOWHERE,
    WINDOW_SETTING,
    LedgerConfig,
    Place,
    Write,
    WriteKind,
    Writes,
    kinds_in_window,
    not_written,
    weights_of,
)
from pam_rollback.probe.ledger_verdict import FinalReading
from pam_rollback.probe.probed_journeys import sign_in_of
from pam_rollback.probe.window_writes import SEEN_WITHIN_S
from pam_rollback.target.environment import Environment
from pam_rollback.target.expectation import Expect

ROUNDS = 5
"""So often each kind is written in a window: the last but one falls into its last third."""
_RATE_MAX_HZ = 10.0
_MINUTE_S = 60.0
_WRITTEN_ONCE: Mapping[WriteKind, str] = {
    WriteKind.FORGET: "history",
    WriteKind.PROFILE: "profile",
    WriteKind.TICKET: "tickets",
}


def configured(environment: Environment, rate_hz: float) -> LedgerConfig:
    """The ledger of this environment. Raises MeasurementFailed where its product keeps nothing that could be written."""
    weights = weights_of(environment.contract)
    if not weights:
        raise MeasurementFailed(
            f"the contract of {environment.product} names nothing that is kept and can be written ("
            f"{not_written(environment.contract)}); describe one in products/{environment.product}.toml: "
            "docs/reference/contract.md",
            cause="nothing can be written before anything is done: a write that is lost would not be seen",
        )
    return _config(environment, weights, rate_hz)


def steady_of(config: LedgerConfig) -> list[Steady]:
    """What it writes over and over; what is looked for as users read is read as often."""
    places = {WriteKind.EXPENSE: config.expenses, WriteKind.CHAT: config.chat, WriteKind.SETTING: config.settings}
    places |= config.others
    rate = config.rate_hz * _MINUTE_S * (2 if config.seen_within_s else 1) / sum(config.weights.values())
    return [Steady(places[kind].url, rate * weight, token=True) for kind, weight in config.weights.items()]


def in_window(environment: Environment, *, duration_s: float) -> LedgerConfig:
    """Each kind some times while the window is open: questions to PAM cost money. It is looked for as users read."""
    kinds = kinds_in_window(environment.contract)
    config = _config(environment, dict.fromkeys(kinds, 1), min(ROUNDS * len(kinds) / duration_s, _RATE_MAX_HZ))
    expect = Expect(chat=environment.chat_intent, good=environment.chat_good)
    return config.model_copy(
        update={
            "chat": config.chat.model_copy(update={"expect": expect}),
            "history": config.history if environment.contract.operation("chat").kept else NOWHERE,
            "setting_name": WINDOW_SETTING,
            "seen_within_s": SEEN_WITHIN_S,
        }
    )


def when_it_ends(environment: Environment, config: LedgerConfig, *, shared: bool) -> LedgerConfig:
    """Once more each kind, in a session of its own, and what is written once only.

    ``shared``: somebody else works with the account, whose history and tickets stay as they are.
    """
    # The history first: after it something is asked, so that it is not empty for those who look there.
    written = {kind: environment.contract.operation(name).written for kind, name in _WRITTEN_ONCE.items()}
    others = {
        kind: _place(environment, _WRITTEN_ONCE[kind]).model_copy(update={"written": how})
        for kind, how in written.items()
        if how is not None and not (shared and kind in {WriteKind.FORGET, WriteKind.TICKET})
    }
    run = f"{config.run}end"
    weights = dict.fromkeys([*others, *config.weights], 1)
    return config.model_copy(update={"others": others, "weights": weights, "once": True, "run": run})


def _config(environment: Environment, weights: Mapping[WriteKind, int], rate_hz: float) -> LedgerConfig:
    return LedgerConfig(
        sign_in=sign_in_of(environment),
        expenses=_place(environment, "expenses"),
        chat=_place(environment, "chat"),
        history=_place(environment, "history"),
        settings=_place(environment, "settings"),
        rate_hz=rate_hz,
        weights=dict(weights),
        timeout_s=environment.probing.timeout_s,
    )


def _place(environment: Environment, name: str) -> Place:
    operation = environment.contract.operation(name)
    return Place(
        url=environment.url_of(name),
        headers=environment.headers_of(name),
        items=operation.items,
        are_rows=operation.site == "supabase",
    )


_WRITING = "pam_rollback.probe.ledger_process"
_GRACE_S = 2.0
_START_S = 10.0
_READ_WITHIN_S = 15.0
UNSEEN = "too few writes are acknowledged before anything is done: one that is lost would not be seen"
"""What keeps a drill from beginning, whatever its tests ask."""
_HOW_TO = "docs/how-to/run-a-drill.md#when-it-does-not-begin"
_KINDS = {kind.value: kind for kind in WriteKind}


@dataclass(frozen=True)
class SignInAttempt:
    """One attempt of the ledger to sign in. More than one: the session was lost meanwhile."""

    at_s: float
    worked: bool
    why: str


class LedgerRecord:
    """The ledger's file, read while it grows or long after."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = LineReader(path)
        self._writes = Writes()
        self._sign_ins: list[SignInAttempt] = []

    @property
    def writes(self) -> Writes:
        """Every write so far, in the order in which they were sent.

        Raises MeasurementFailed when the file is damaged.
        """
        self._refresh()
        return self._writes

    @property
    def acknowledged(self) -> int:
        """How many writes were acknowledged so far."""
        return self.writes.acknowledged

    @property
    def sign_ins(self) -> tuple[SignInAttempt, ...]:
        """Every attempt to sign in so far."""
        self._refresh()
        return tuple(self._sign_ins)

    def _refresh(self) -> None:
        for record in self._reader.records():
            self._take(record)

    def _take(self, record: dict[str, Any]) -> None:
        match record:
            case {
                "sent": {
                    "seq": int(seq),
                    "kind": str(kind),
                    "marker": str(marker),
                    "value": str(value),
                    "at_s": float(at_s),
                }
            } if kind in _KINDS:
                self._writes.announce(Write(seq, _KINDS[kind], marker, value, at_s))
            case {"acked": {"seq": int(seq), "at_s": float(at_s), "row_id": str() | None}}:
                self._acknowledge(seq, at_s)
            case {"unacked": {"seq": int(seq), "why": str(why)}} if 0 <= seq < len(self._writes):
                self._writes.leave_open(seq, why)
            case {"seen": {"seq": int(seq), "at_s": float(at_s)}} if 0 <= seq < len(self._writes):
                self._writes.look(seq, at_s)
            case {"unseen": {"seq": int(seq), "why": str(why)}} if 0 <= seq < len(self._writes):
                self._writes.look(seq, None, why)
            case {"sign_in": {"at_s": float(at_s), "worked": bool(worked), "why": str(why)}}:
                self._sign_ins.append(SignInAttempt(at_s, worked, why))
            case {"anchor": _} | {"end": _}:
                pass
            case _:
                raise MeasurementFailed(
                    f"{self.path}: a line is not of the kind expected here: {cut(str(record), 120)}"
                )

    def _acknowledge(self, seq: int, at_s: float) -> None:
        if not 0 <= seq < len(self._writes):
            raise MeasurementFailed(
                f"{self.path}: a line is not of the kind expected here: write {seq} was acknowledged, but never sent"
            )
        self._writes.acknowledge(seq, at_s)


class Ledger:
    """A running ledger and its record. Also a context manager that stops it."""

    def __init__(self, child: Child, config: LedgerConfig, path: Path) -> None:
        self._child = child
        self._config = config
        self.record = LedgerRecord(path)

    @property
    def pid(self) -> int:
        """The writing process's id."""
        return self._child.pid

    @property
    def config(self) -> LedgerConfig:
        """What it writes, and how."""
        return self._config

    @property
    def marker_prefix(self) -> str:
        """What every marker of this ledger begins with."""
        return self._config.marker_prefix

    def check(self) -> None:
        """Raise MeasurementFailed, with its last words, when it does not write any more.

        From then on losses go unseen.
        """
        self._child.check()

    def wait_for_acknowledged(self, n: int, within_s: float, waiter: Waiter | None = None) -> None:
        """Wait until ``n`` writes in all are acknowledged.

        Raises MeasurementFailed when the ledger died or has fewer after ``within_s`` seconds, StopRequested as every
        wait.
        """
        try:
            (waiter or Waiter()).until(
                self._living_count,
                holds=lambda found: found >= n,
                within_s=within_s,
                what=f"{n} acknowledged writes",
                every_s=0.02,
            )
        except NotReached:
            reasons = sorted({write.why for write in self.record.writes if write.why})
            failed = [attempt.why for attempt in self.record.sign_ins if not attempt.worked]
            raise MeasurementFailed(
                f"{self._living_count()} of {n} writes acknowledged after {within_s:g} s; answers instead: "
                f"{', '.join([*reasons, *failed]) or 'none'}; {_HOW_TO}",
                cause=UNSEEN,
            ) from None

    def _living_count(self) -> int:
        self.check()
        return self.record.acknowledged if self.record.path.exists() else 0

    def stop(self) -> None:
        """End the writing; the writes in flight are still recorded. May be called again."""
        self._child.stop(within_s=self._config.longest_write_s + _GRACE_S)

    def wait_until_once(self) -> None:
        """Wait until each kind was written, as ``once`` asks. Raises MeasurementFailed when that does not come to an end."""
        if not self._child.wait(within_s=_START_S + len(self._config.weights) * self._config.longest_write_s):
            self.stop()
            raise MeasurementFailed(f"the last writes did not end: {self._child.last_words()}")

    def read_back(self, *, within_s: float = _READ_WITHIN_S) -> FinalReading:
        """Stop writing, then read back through the product what can be read, trying for ``within_s`` seconds."""
        self.stop()
        return self._read(within_s)[0]

    def refuse_nothing(self, reading: FinalReading) -> None:
        """Raise MeasurementFailed when nothing at all could be read."""
        written = {write.kind for write in self.record.writes}
        if written and written <= set(reading.unread):
            why = "; ".join(f"{kind}: {problem}" for kind, problem in reading.unread.items())
            raise MeasurementFailed(f"nothing of the ledger could be read back: {why}")

    def clean_up(self) -> int:
        """Stop writing and delete the expenses that the ledger made; gives how many are gone.

        Messages and settings stay.
        """
        self.stop()
        return self._read(_READ_WITHIN_S, delete=True)[1]

    def _read(self, within_s: float, *, delete: bool = False) -> tuple[FinalReading, int]:
        from pam_rollback.probe.ledger_reading import read_back  # noqa: PLC0415 - loads aiohttp, for who has written

        return read_back(self._config, within_s=within_s, delete=delete)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_ledger(config: LedgerConfig, path: Path) -> Ledger:
    """Start a ledger that records to ``path``, a file that must not exist yet (its log goes beside it).

    Raises MeasurementFailed when the file exists or the process cannot be started.
    """
    if path.exists():
        raise MeasurementFailed(f"{path} exists already: a record belongs to one ledger, choose another run folder")
    return Ledger(Child(_WRITING, config.model_dump_json(), path), config, path)
