"""What the write ledger writes, where and how often.

The configuration that travels to its processes as one line of JSON.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import Field

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.journeys import Facts, ObserverConfig, SignIn
from pam_rollback.target.contract import Contract, Written
from pam_rollback.target.expectation import Expect


class WriteKind(StrEnum):
    """What is written through the product."""

    EXPENSE = "expense"
    CHAT = "chat"
    SETTING = "setting"
    FORGET = "deletion of the history"
    PROFILE = "profile"
    TICKET = "ticket"

    @property
    def is_register(self) -> bool:
        """Whether a write replaces the one before, instead of standing beside it."""
        return self is WriteKind.SETTING


def weights_of(contract: Contract) -> Mapping[WriteKind, int]:
    """The kinds that are written, and how often each takes its turn. Empty where the product keeps none."""
    without = {kind for kind, _ in _not_written(contract)}
    return {kind: weight for kind, weight in WEIGHTS.items() if kind not in without}


def kinds_in_window(contract: Contract) -> list[WriteKind]:
    """The kinds that are written while a window is open: those, and PAM is asked, too, where nothing of it is kept."""
    asked = {WriteKind.CHAT} if contract.operation("chat").path else set()
    return [kind for kind in WEIGHTS if kind in weights_of(contract) or kind in asked]


def not_written(contract: Contract) -> str:
    """What is not written, and why; empty where all kinds are."""
    return "; ".join(why for _, why in _not_written(contract))


def _not_written(contract: Contract) -> list[tuple[WriteKind, str]]:
    expenses, chat, settings = (contract.operation(name) for name in ("expenses", "chat", "settings"))
    found = []
    if expenses.path is None:
        found.append((WriteKind.EXPENSE, f"expenses: {expenses.no_endpoint}"))
    if chat.path is None or not chat.kept:
        found.append((WriteKind.CHAT, f"messages: {chat.no_endpoint or 'the product keeps nothing of a question'}"))
    if not contract.takes_settings:
        found.append((WriteKind.SETTING, f"settings: {settings.no_endpoint or 'the product takes none of ours'}"))
    return found


LEDGER_SETTING = "rollback_ledger"
"""The setting that the ledger writes over and over."""
WINDOW_SETTING = "rollback_window"
"""The same while a window is open, beside another ledger."""
WEIGHTS = {WriteKind.EXPENSE: 5, WriteKind.CHAT: 2, WriteKind.SETTING: 1}
"""How often each kind takes its turn, where a product keeps all of them."""
_THINKS_S = 30.0


class Place(Facts):
    """Where something is written or read."""

    url: str
    """``{user_id}`` in it is for whoever signs in to fill."""
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    items: str = ""
    """Where the rows stand in the answer, as a JSON Pointer."""
    are_rows: bool = False
    """They are rows of Supabase's REST, which gives no more than it likes in one answer."""
    expect: Expect | None = None
    """What an acknowledgement has, where more is asked than one: PAM's answer to a question."""
    written: Written | None = None
    """How something is written there that is not read back."""


NOWHERE = Place(url="")


class LedgerConfig(ObserverConfig):
    """A whole ledger. It acts as the test account only."""

    sign_in: SignIn
    expenses: Place = NOWHERE
    chat: Place = NOWHERE
    history: Place = NOWHERE
    settings: Place = NOWHERE
    rate_hz: float = Field(gt=0, le=50)
    weights: dict[WriteKind, int] = Field(default=WEIGHTS, min_length=1)
    """How often each kind takes its turn; a kind that is left out is not written."""
    timeout_s: float = Field(default=5.0, gt=0, le=30)
    """For the whole answer to one write; later it counts as unacknowledged."""
    outstanding_max: int = Field(default=64, ge=1)
    read_rows_max: int = Field(default=5000, ge=1)
    """How many rows the final reading asks the API for; as many rows as that mean that there may be more."""
    setting_name: str = LEDGER_SETTING
    others: dict[WriteKind, Place] = Field(default_factory=dict)
    """Where the kinds are written that the contract describes (``written``)."""
    seen_within_s: float = Field(default=0.0, ge=0)
    """Within so many seconds users are shown what was acknowledged; 0: nobody looks before the final reading. What fails is tried again."""
    once: bool = False
    """Write each kind once, one after the other, and end."""
    run: str = Field(default_factory=lambda: secrets.token_hex(4), pattern=r"^[a-z0-9]{4,32}$")
    """Part of every marker, so that each ledger finds only its own rows."""

    @property
    def reading_deadline_s(self) -> float:
        """How long one answer of the final reading may take; it is larger than that to a write."""
        return max(self.timeout_s, 5.0)

    @property
    def longest_s(self) -> float:
        """How long a write may be on its way, with a second try, and until it is seen."""
        longest_s = max(self.timeout_s, self.timeout_of(self.chat) if WriteKind.CHAT in self.weights else 0.0)
        return longest_s + (longest_s + self.seen_within_s if self.seen_within_s else 0.0)

    def timeout_of(self, place: Place) -> float:
        """How long the answer of a place may take. PAM thinks before it answers; that it is slow, others tell."""
        return self.timeout_s if place.expect is None else max(self.timeout_s, _THINKS_S)

    @property
    def marker_prefix(self) -> str:
        """What every marker of this ledger begins with."""
        return f"ledger-{self.run}-"


@dataclass(frozen=True, slots=True)
class Write:
    """One write of the ledger. Moments are monotonic seconds."""

    seq: int
    """Its place in the ledger, from 0."""
    kind: WriteKind
    marker: str
    value: str
    """What the product has to give back under this marker."""
    sent_s: float
    acked_s: float | None = None
    why: str = ""
    """Why there was no acknowledgement, as far as is known."""
    seen_s: float | None = None
    """When it was first shown where users read, as far as somebody looked."""
    unseen: str = ""
    """What was shown instead, for as long as it may take."""


class Writes:
    """The writes of one ledger in the order in which they were sent."""

    def __init__(self, writes: Iterable[Write] = ()) -> None:
        """Take these writes; their numbers have to be their places. Raises MeasurementFailed as ``announce`` does."""
        self._writes: list[Write] = []
        self._markers: set[tuple[WriteKind, str]] = set()
        for write in writes:
            self.announce(write)

    def announce(self, write: Write) -> None:
        """Enter a write that is being sent.

        Raises MeasurementFailed when its number is not the next one or its marker stood for another write already: then the
        ledger is not complete, and who is lost could not be said.
        """
        if write.seq != len(self):
            raise MeasurementFailed(
                f"write {write.seq} follows upon {len(self) - 1}: the ledger's record is not complete"
            )
        if (write.kind, write.marker) in self._markers:
            raise MeasurementFailed(f"the marker {write.marker} stands for two writes: the record is damaged")
        self._markers.add((write.kind, write.marker))
        self._writes.append(write)

    def acknowledge(self, seq: int, at_s: float) -> None:
        """Enter the product's acknowledgement. IndexError for a write that was never announced."""
        self._writes[seq] = replace(self._writes[seq], acked_s=at_s)

    def leave_open(self, seq: int, why: str) -> None:
        """Enter why a write was not acknowledged. IndexError for a write that was never announced."""
        self._writes[seq] = replace(self._writes[seq], why=why)

    def look(self, seq: int, seen_s: float | None, unseen: str = "") -> None:
        """Enter what users were shown of a write. IndexError for a write that was never announced."""
        self._writes[seq] = replace(self._writes[seq], seen_s=seen_s, unseen=unseen)

    def __len__(self) -> int:
        return len(self._writes)

    def __iter__(self) -> Iterator[Write]:
        return iter(self._writes)

    @property
    def acknowledged(self) -> int:
        """How many of them were acknowledged."""
        return sum(write.acked_s is not None for write in self._writes)
