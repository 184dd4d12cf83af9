"""Whether PAM could be asked and written to until a window ended, and what was written came back where users read it.

Nothing here is sampled in hundreds: each kind is written some times in a window, and once more when it is over. So a failure is tried
again at once, and only two in a row count; what is acknowledged and not shown in time was looked for over and over, and counts alone.
*Unknown*: a kind without a good write in the last third, or one that was refused because we asked too often.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.probe.ledger_config import Write, WriteKind

SEEN_WITHIN_S = 30.0
"""So late users may be shown what was acknowledged. Ours: the plan names no time, and who adds an expense looks for it at once."""
_OURS = ("HTTP 429", "this machine could not send")
"""What a failure says that tells of us, and not of the service."""
_LAST_PART = 1 / 3


@dataclass(frozen=True, repr=False)
class WindowWrites(Fact):
    """What became of all of them. ``writes`` are of one kind after the other, each in the order in which they were sent."""

    writes: tuple[Write, ...]
    broken: tuple[str, ...]
    """The kinds that did not work, each as a sentence."""
    unknown: tuple[str, ...]
    """The kinds of which nothing is known, each with the reason."""

    @property
    def work(self) -> bool:
        """Every kind worked until the end. Raises MeasurementFailed when that is not known."""
        if not self.broken and self.unknown:
            raise MeasurementFailed(str(self))
        return not self.broken

    @property
    def measured(self) -> Measured:
        """How many kinds do not work."""
        said = "; ".join((*self.broken, *(f"not known of {why}" for why in self.unknown)))
        good = (
            f"{len(self.writes)} writes and questions worked until the end, and were shown within {SEEN_WITHIN_S:g} s"
        )
        return Measured(
            what="writes and questions until the end",
            asked=f"all kinds work, and are shown within {SEEN_WITHIN_S:g} s",
            value=f"{len(self.broken)} kinds do not",
            n=len(self.writes),
            definition="; ".join(f"{kind} n={n}" for kind, n in Counter(one.kind for one in self.writes).items()),
            proviso="" if self.broken or not self.unknown else f"{len(self.unknown)} kinds are not known",
            sentence=f"as the test account, until the window was over: {said}" if said else good,
        )


def judge_until_the_end(
    writes: Iterable[Write], kinds: Iterable[WriteKind], *, start_s: float, end_s: float, sign_in: str = ""
) -> WindowWrites:
    """Judge those that were sent from ``start_s`` on. ``sign_in``: why the account could not sign in the last time."""
    found = sorted(writes, key=lambda write: (write.kind, write.sent_s))
    broken, unknown = list[str](), list[str]()
    for kind in kinds:
        own = [write for write in found if write.kind is kind]
        bad = [write for write in _bad(own) if not _is_ours(write)]
        good = [write for write in own if write.acked_s is not None and not write.unseen]
        if bad:
            first, last = bad[0], bad[-1]
            working = f", good at {_at(good[-1], start_s)} the last time" if good else ", and never good"
            broken.append(
                f"{kind} failed {len(bad)} of {len(own)} times, from {_at(first, start_s)} to {_at(last, start_s)}{working}: "
                f"{_why(last)}"
            )
        elif not good or good[-1].sent_s < end_s - (end_s - start_s) * _LAST_PART:
            why = next((_why(write) for write in reversed(own) if _why(write)), "it was not written")
            unknown.append(f"{kind}: no good one in the last third of the window ({why})")
    if sign_in and not any(ours in sign_in for ours in _OURS):
        broken.insert(0, f"the test account cannot sign in when it is over: {sign_in}")
    elif sign_in:
        return WindowWrites(tuple(found), (), (f"anything at the end: the account cannot sign in: {sign_in}", *unknown))
    return WindowWrites(tuple(found), tuple(broken), tuple(unknown))


def _bad(writes: Sequence[Write]) -> Iterator[Write]:
    """What was not shown in time, and what failed together with its second try."""
    failed = [bool(write.why) for write in writes]
    alone = {
        at
        for at, both in enumerate(pairwise([*failed, False]))
        if both == (True, False) and (at == 0 or not failed[at - 1])
    }
    return (write for at, write in enumerate(writes) if write.unseen or (failed[at] and at not in alone))


def _why(write: Write) -> str:
    return write.why or (f"acknowledged, and for {SEEN_WITHIN_S:g} s {write.unseen}" if write.unseen else "")


def _is_ours(write: Write) -> bool:
    return any(ours in _why(write) for ours in _OURS)


def _at(write: Write, start_s: float) -> str:
    return f"+{write.sent_s - start_s:.0f} s"
