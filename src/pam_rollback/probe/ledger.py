"""The write ledger.

What the product acknowledged while it was broken and repaired, and what it still has afterwards.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.open_loop import Steady
from pam_rollback.core.wait import Waiter
from pam_rollback.database.database_link import DatabaseLink
from pam_rollback.database.relations import Statements
from pam_rollback.database.row_counting import Unavailable, account_id
from pam_rollback.http.postgres import Snapshot
from pam_rollback.probe.child import Record
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
from pam_rollback.probe.ledger_verdict import FinalReading, Found, LedgerVerdict, judge
from pam_rollback.probe.observer import Observer
from pam_rollback.probe.parts import sign_in_of
from pam_rollback.probe.until_the_end import SEEN_WITHIN_S
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


_START_S = 10.0
_READ_WITHIN_S = 15.0
UNSEEN = "too few writes are acknowledged before anything is done: one that is lost would not be seen"
"""What keeps a drill from beginning, whatever its tests ask."""
_HOW_TO = "docs/how-to/run-a-drill.md#when-it-does-not-begin"


@dataclass(frozen=True)
class SignInAttempt:
    """One attempt of the ledger to sign in. More than one: the session was lost meanwhile."""

    at_s: float
    worked: bool
    why: str


class LedgerRecord(Record):
    """The ledger's file, read while it grows or long after."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
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

    def _take(self, record: dict[str, Any]) -> None:
        writes, known = self._writes, range(len(self._writes))
        match record:
            case {
                "sent": {
                    "seq": int(seq),
                    "kind": str(kind),
                    "marker": str(marker),
                    "value": str(value),
                    "at_s": float(at_s),
                }
            }:
                writes.announce(Write(seq, WriteKind(kind), marker, value, at_s))
            case {"acked": {"seq": int(seq), "at_s": float(at_s), "row_id": str() | None}}:
                if seq not in known:
                    raise ValueError(f"write {seq} was acknowledged, but never sent")
                writes.acknowledge(seq, at_s)
            case {"unacked": {"seq": int(seq), "why": str(why)}} if seq in known:
                writes.leave_open(seq, why)
            case {"seen": {"seq": int(seq), "at_s": float(at_s)}} if seq in known:
                writes.look(seq, at_s)
            case {"unseen": {"seq": int(seq), "why": str(why)}} if seq in known:
                writes.look(seq, None, why)
            case {"sign_in": {"at_s": float(at_s), "worked": bool(worked), "why": str(why)}}:
                self._sign_ins.append(SignInAttempt(at_s, worked, why))
            case {"anchor": _} | {"end": _}:
                pass
            case _:
                raise ValueError("none that a ledger writes")


class Ledger(Observer[LedgerConfig]):
    """A running ledger and its record."""

    called, sends = "ledger", "writes"

    def __init__(self, config: LedgerConfig, path: Path) -> None:
        """Start it. Raises as every observer does."""
        super().__init__(config, path)
        self.record = LedgerRecord(path)

    @property
    def marker_prefix(self) -> str:
        """What every marker of this ledger begins with."""
        return self.config.marker_prefix

    def wait_for_acknowledged(self, n: int, within_s: float, waiter: Waiter | None = None) -> None:
        """Wait until ``n`` writes in all are acknowledged. Raises MeasurementFailed with the answers that came instead."""
        found = self._wait_for(n, "acknowledged writes", lambda: self.record.acknowledged, within_s, waiter)
        if found < n:
            begun = self.path.exists()
            reasons = sorted({write.why for write in self.record.writes if write.why}) if begun else []
            failed = [attempt.why for attempt in self.record.sign_ins if not attempt.worked] if begun else []
            raise MeasurementFailed(
                f"{found} of {n} writes acknowledged after {within_s:g} s; answers instead: "
                f"{', '.join([*reasons, *failed]) or 'none'}; {_HOW_TO}",
                cause=UNSEEN,
            )

    def wait_until_once(self) -> None:
        """Wait until each kind was written, as ``once`` asks. Raises MeasurementFailed when that does not come to an end."""
        if not self._child.wait(within_s=_START_S + len(self.config.weights) * self.config.longest_s):
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
        from pam_rollback.probe.ledger_process import read_back  # noqa: PLC0415 - loads aiohttp, for who has written

        return read_back(self.config, within_s=within_s, delete=delete)


@dataclass(frozen=True)
class _Kind:
    """Where the writes of a kind stand. ``marker`` and ``value`` are the same that the product's answer is turned into."""

    table: str
    marker: str
    value: str
    where: str
    is_anothers: str
    tables: tuple[str, ...]


# See probe/ledger_process.py for what the product's answer is turned into.
_WHERE = {
    WriteKind.EXPENSE: _Kind(
        table="expenses",
        marker="row.description",
        value="round(row.amount::numeric, 2) || ' ' || row.category",
        where="starts_with(row.description, %(prefix)s)",
        is_anothers="row.user_id IS DISTINCT FROM %(owner)s::uuid",
        tables=("expenses",),
    ),
    WriteKind.CHAT: _Kind(
        table="pam_messages",
        marker="split_part(row.content, ':', 1)",
        value="row.content",
        where="row.role = 'user' AND starts_with(row.content, %(prefix)s)",
        is_anothers="NOT EXISTS (SELECT 1 FROM pam_conversations AS own "
        "WHERE own.id = row.conversation_id AND own.user_id = %(owner)s::uuid)",
        tables=("pam_messages", "pam_conversations"),
    ),
}


def read_database(
    reading: FinalReading,
    snapshot: Snapshot,
    marker_prefix: str,
    *,
    email: str,
    names: Mapping[str, str] | None = None,
) -> tuple[FinalReading, Mapping[WriteKind, Collection[str]]]:
    """Give the reading with the kinds that the product did not give whole, and the markers that stand under another user.

    ``snapshot`` has to be opened after the last write; ``email`` is the account that wrote, ``names`` are those of
    ``[sql.names]``. Raises MeasurementFailed as ``ledger_rows`` does: what nobody could read is not taken for kept.
    """
    asked = [kind for kind in reading.unread if kind in _WHERE]
    rows = [row for row in reading.rows if row.kind not in asked]
    rows += [row for kind in asked for row in ledger_rows(snapshot, kind, marker_prefix, names=names)]
    unread = {kind: why for kind, why in reading.unread.items() if kind not in asked}
    moved = moved_rows(snapshot, marker_prefix, email=email, names=names)
    return replace(reading, rows=tuple(rows), unread=unread), moved


def ledger_rows(
    snapshot: Snapshot, kind: WriteKind, marker_prefix: str, *, names: Mapping[str, str] | None = None
) -> Iterator[Found]:
    """Give every row of this kind whose marker begins so.

    Raises MeasurementFailed when the table is missing, when the role does not see all of its rows, for a kind that is
    not read this way (settings are one row: ask the product), and when the database breaks off.
    """
    if kind not in _WHERE:
        raise MeasurementFailed(f"the ledger's writes of kind {kind} are not read out of the database")
    found = _WHERE[kind]
    query = _query(snapshot, found, f"{found.marker} AS marker, {found.value} AS value", found.where, names)
    yield from (Found(kind, marker, value) for marker, value in snapshot.rows(query, {"prefix": marker_prefix}))


def moved_rows(
    snapshot: Snapshot, marker_prefix: str, *, email: str, names: Mapping[str, str] | None = None
) -> dict[WriteKind, Collection[str]]:
    """The markers of the ledger's rows that stand under another user than the account of this address.

    Raises MeasurementFailed as ``ledger_rows`` does, and when nobody has the address: then everybody is somebody else.
    """
    owner = account_id(snapshot, email, names or {})
    if not isinstance(owner, str):
        why = owner.why if isinstance(owner, Unavailable) else "nobody has the test account's address"
        raise MeasurementFailed(f"whose the ledger's rows are cannot be told at {snapshot.where}: {why}")
    given = {"prefix": marker_prefix, "owner": owner}
    moved: dict[WriteKind, Collection[str]] = {}
    for kind, found in _WHERE.items():
        condition = f"{found.where} AND {found.is_anothers}"
        query = _query(snapshot, found, f"{found.marker} AS marker", condition, names)
        moved[kind] = [marker for (marker,) in snapshot.rows(query, given)]
    return moved


def _query(snapshot: Snapshot, kind: _Kind, what: str, where: str, names: Mapping[str, str] | None) -> str:
    try:
        statements = Statements.of(snapshot, kind.tables, names or {})
    except MeasurementFailed as error:
        raise MeasurementFailed(f"the ledger's rows cannot be read: {error}") from error
    snapshot.refuse_blindness(statements.relations.values())
    return statements.text(f"SELECT {what} FROM {kind.table} AS row WHERE {where}")  # noqa: S608 - constants


def judge_ledger(
    ledger: Ledger, environment: Environment, link: Callable[[], DatabaseLink], *, moments_s: Sequence[float]
) -> LedgerVerdict:
    """Stop the ledger, read everything back and judge it.

    The database is asked for what the product did not give whole, and for what is lost: that may stand under another user, which is damage
    of another kind, and worse. ``link`` says whether the declared one is behind the API. What neither can tell stays unknown, with both
    reasons. Raises MeasurementFailed when nothing at all could be read.
    """
    ledger.check()
    reading = ledger.read_back()
    writes, moved = ledger.record.writes, dict[WriteKind, Collection[str]]()
    if "database" in environment.abilities and (reading.unread or judge(writes, reading).lost):
        try:
            with _snapshot(environment, link()) as snapshot:
                email, names = environment.secret("test_user_email"), environment.table_names
                reading, found = read_database(reading, snapshot, ledger.marker_prefix, email=email, names=names)
                moved |= found
        except MeasurementFailed as blind:  # lost it is all the same
            reasons = {kind: f"{why}; nor does the database tell: {blind}" for kind, why in reading.unread.items()}
            reading = replace(reading, unread=reasons)
    ledger.refuse_nothing(reading)
    return judge(writes, reading, moments_s=moments_s, moved=moved)


def _snapshot(environment: Environment, link: DatabaseLink) -> "AbstractContextManager[Snapshot]":
    """The database behind the API. Raises MeasurementFailed when that is not known of it."""
    # The driver is loaded only where it is used: it takes a quarter of a second.
    from pam_rollback.http.postgres import Patience, open_snapshot  # noqa: PLC0415 - as above

    link.confirm_good("the ledger's rows")
    patience = Patience(environment.sql.statement_timeout_s, environment.sql.lock_timeout_s)
    return open_snapshot(environment.secret("database_dsn"), patience)
