"""Being blocked is not an outage: which answers say something about whoever asks, and nothing about the service.

A host that takes a client for a scanner answers 403 or 429 to everything, for an hour. Seen from here that is the same as a service that
refuses everybody, so it is neither an outage nor good: it is not known, until somebody who asks from elsewhere can tell.

A **block** is a time in which every answer of one host was 403 or 429 and nothing else: no other status, no refused connection, no silence
between them. At least two different paths were asked, and at least one of them needs no account. So these keep their meaning:

* one path that is forbidden while others answer (a broken ``/health``, a wrong token, CSRF on a POST);
* 5xx, a refused connection or silence, also beside a 429: the service is down;
* a host that refuses again and again and answers in between: a service that turns a share of its users away.

A block that begins in the middle of a window leaves what was seen before it as it was. What others are answered decides what a block means:
refused too, it is what it looks like (an outage); served, only we are blocked.

Two more answers say nothing about the service: a sign-in that is rate limited, and 404 at a configured path that never answered anything
else, which the product does not have. A path that once answered and is gone was lost by a release: that is an error.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from pam_rollback.core.answer import SIGN_IN_LIMITED
from pam_rollback.core.outside_text import cut

if TYPE_CHECKING:
    from pam_rollback.probe.samples import Sample

REFUSALS = frozenset({403, 429})
"""What a client that is blocked or rate limited is answered (RFC 9110, section 15.5.4; RFC 6585, section 4)."""
ABOUT_THE_SERVICE = ("IR-2", "IR-5")
"""What a person says of these criteria is said of what users get."""
PATHS_MIN = 2
BLOCKS_MAX = 3
"""A ban begins once and ends once. A host that refuses everything more often, and answers in between, refuses a share of its users."""
ANSWERS_MIN_IN_A_ROW = 4
"""In a record of many answers; fewer in a row may be chance."""
_TOO_MANY, _NOT_FOUND = 429, 404
_SHOWN_CHARACTERS = 60
_ADVICE = (
    "we are blocked, or everybody is: look from another address (docs/how-to/verify-after-a-rollback.md#when-we-are-blocked); "
    'if users get it too, say so: --observed IR-2="…"'
)


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """One answer of one host, as far as a block can be told from it."""

    host: str
    path: str
    http_status: int | None
    """None: no answer came."""
    at_s: float = 0.0
    needs_account: bool = False
    """Such an answer may be 403 for its own reasons."""
    retry_after: str = ""


@dataclass(frozen=True)
class Block:
    """A time in which one host refused everything."""

    host: str
    since_s: float
    until_s: float
    """The last refusal; a block that is not over goes on after it."""
    http_statuses: tuple[int, ...]
    paths: int
    n: int
    retry_after: str = ""
    """As the host said it last: seconds, or a date."""

    @property
    def what(self) -> str:
        """What was seen, without what it means."""
        statuses = " and ".join(f"HTTP {status}" for status in self.http_statuses)
        wait = f"; Retry-After: {cut(self.retry_after, _SHOWN_CHARACTERS)}" if self.retry_after else ""
        return f"{self.host} answers {statuses} on every path that was asked ({self.paths} paths, n={self.n}{wait})"

    def __str__(self) -> str:
        return f"{self.what}: {_ADVICE}"


class Others(StrEnum):
    """What somebody else gets who asks the same host."""

    SERVED = "served"
    REFUSED = "refused"
    """Or served errors: users are not well."""
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Look:
    """What one witness from elsewhere says: a second address, or a person."""

    others: Others
    words: str


def find_blocks(told: Iterable[HostAnswer], *, in_a_row_min: int = 1) -> tuple[Block, ...]:
    """Give the blocks, by host and in order of time, each of at least ``in_a_row_min`` answers."""
    by_host: dict[str, list[HostAnswer]] = defaultdict(list)
    for one in sorted(told, key=lambda one: one.at_s):
        by_host[one.host].append(one)
    found: list[Block] = []
    for answers in by_host.values():
        runs = [run for run in _runs(answers) if _is_block(run, in_a_row_min)]
        if len(runs) <= BLOCKS_MAX:
            found += map(_block, runs)
    return tuple(found)


def open_end(told: Iterable[HostAnswer], host: str) -> tuple[HostAnswer, ...]:
    """Give the newest answers of the host from the last one on that was no refusal: what may be the beginning of a block."""
    answers = sorted((one for one in told if one.host == host), key=lambda one: one.at_s)
    runs = _runs(answers)
    return tuple(runs[-1]) if runs and answers and answers[-1].http_status in REFUSALS else ()


def meaning(block: Block, looks: Iterable[Look]) -> tuple[Others, str]:
    """What others are answered, by all who looked, and the sentence that says it. Users who are refused outweigh users who are served."""
    looks = tuple(looks)
    for others in (Others.REFUSED, Others.SERVED):
        words = [look.words for look in looks if look.others is others]
        if words:
            who = "users get it too" if others is Others.REFUSED else "only we are blocked"
            return others, f"{block.what}: {who}: {'; '.join(words)}"
    return Others.UNKNOWN, "; ".join([str(block), *(look.words for look in looks if look.words)])


# ---------------------------------------------------------------- the prober's samples


@dataclass(frozen=True, slots=True)
class Place:
    """Where a journey asks."""

    host: str
    path: str
    needs_account: bool = False
    signs_in: bool = False
    is_page: bool = False
    """The site itself: a page that is not there is an outage, never a path that the product does not have."""


def sort_out(
    samples: "Sequence[Sample]",
    places: Mapping[str, Place],
    *,
    everything: "Sequence[Sample] | None" = None,
    controls: Iterable[HostAnswer] = (),
    looks: Callable[[str], Iterable[Look]] = lambda _: (),
    answered_before: Collection[str] = (),
) -> "tuple[Sample, ...]":
    """Give the same samples; those that say nothing about the service say why.

    ``everything``: the samples of every journey from the beginning, by which that is told; None: these. ``controls``: answers of further
    paths. ``looks``: what others get of a host. ``answered_before``: journeys that are known to have been answered at another time, as a
    baseline knows them.
    """
    answers = [one for one in everything or samples if one.lag_ms is not None and one.journey in places]
    blocks: list[tuple[Block, str]] = []
    for block in find_blocks([*told_by(answers, places), *controls], in_a_row_min=ANSWERS_MIN_IN_A_ROW):
        others, words = meaning(block, looks(block.host))
        if others is not Others.REFUSED:
            blocks.append((block, words))
    missing = _missing(answers, places, answered_before)

    def sorted_out(sample: "Sample") -> "Sample":
        place = places.get(sample.journey)
        if place is None or sample.lag_ms is None:
            return sample
        if sample.status in REFUSALS:
            for block, words in blocks:
                if block.host == place.host and block.since_s <= sample.due_s <= block.until_s:
                    return replace(sample, void=words, blocked=True)
        if sample.journey in missing:
            return replace(sample, void=missing[sample.journey])
        if place.signs_in and sample.status == _TOO_MANY:
            limited = f"{SIGN_IN_LIMITED} (HTTP {_TOO_MANY} at {place.path})"
            return replace(sample, void=f"{limited}: no error of the service; sign in more rarely")
        return sample

    return tuple(map(sorted_out, samples))


def told_by(samples: "Iterable[Sample]", places: Mapping[str, Place]) -> tuple[HostAnswer, ...]:
    """The samples as answers of hosts."""
    return tuple(
        HostAnswer(place.host, place.path, one.status, one.due_s, place.needs_account)
        for one in samples
        if (place := places.get(one.journey)) is not None
    )


def why_void(samples: "Iterable[Sample]") -> str:
    """Why these samples allow no good verdict, since some of them say nothing of the service; empty when they do.

    One blocked answer is enough: nobody knows what users got then. Of a sign-in that is limited now and then, the other answers are; a
    journey of which most answers are void was not measured.
    """
    samples = tuple(samples)
    void = [one for one in samples if one.void]
    if not void:
        return ""
    known = Counter(one.journey for one in samples if one.measured())
    lost = Counter(one.journey for one in void)
    return next((one.void for one in void if one.blocked), "") or next(
        (one.void for one in void if lost[one.journey] > known[one.journey]), ""
    )


def no_such_path(path: str) -> str:
    """The sentence for a configured path that answers 404."""
    return f"this product has no such path: {path} answers HTTP 404; see [paths] in the environment's file"


# ---------------------------------------------------------------- inside


def _runs(answers: Sequence[HostAnswer]) -> list[list[HostAnswer]]:
    return [[*run] for refused, run in groupby(answers, lambda one: one.http_status in REFUSALS) if refused]


def _is_block(run: Sequence[HostAnswer], in_a_row_min: int) -> bool:
    paths = {one.path for one in run}
    return len(run) >= in_a_row_min and len(paths) >= PATHS_MIN and any(not one.needs_account for one in run)


def _block(run: Sequence[HostAnswer]) -> Block:
    return Block(
        host=run[0].host,
        since_s=run[0].at_s,
        until_s=run[-1].at_s,
        http_statuses=tuple(sorted({one.http_status for one in run if one.http_status is not None})),
        paths=len({one.path for one in run}),
        n=len(run),
        retry_after=next((one.retry_after for one in reversed(run) if one.retry_after), ""),
    )


def _missing(
    answers: "Sequence[Sample]", places: Mapping[str, Place], answered_before: Collection[str]
) -> dict[str, str]:
    """The paths that answered 404 and never anything else."""
    statuses: dict[str, set[int | None]] = defaultdict(set)
    for one in answers:
        statuses[one.journey].add(one.status)
    return {
        name: no_such_path(places[name].path)
        for name, seen in statuses.items()
        if seen == {_NOT_FOUND} and not places[name].is_page and name not in answered_before
    }
