"""Does one user see what belongs to another? Source: the plan's IR-1 ("data exposure").

Two accounts of our own: each owns things that can be recognised, and the other one looks for them. Of what that was shown, only the
names of the owner's things are kept; whatever else was in it may be anybody's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import compress
from typing import Self

from pam_rollback.access.access import ITEM
from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, listed
from pam_rollback.target.known_before import NOTHING_TOLD, Finding, JudgedFindings

_SHOWN = 4
_SUCCESS = range(200, 300)
_NOT_FOR_YOU = frozenset({400, 401, 403, 404, 405, 422})
"""How a product says that there is nothing to be had in this way."""
_ID = re.compile(r"(?<=[/=.])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+)(?=[/?&]|$)")


@dataclass(frozen=True)
class Belonging:
    """Something of one account: ``mark`` stands nowhere else, ``name`` is what evidence calls it."""

    name: str
    mark: str


@dataclass(frozen=True)
class Look:
    """One request of the other account. ``by_id``: it asks for what is the owner's, which may be refused; else for its own."""

    path: str
    by_id: bool
    http_status: int | None
    seen: tuple[str, ...]
    problem: str

    @classmethod
    def of(cls, path: str, answer: Answer, belongings: tuple[Belonging, ...], *, by_id: bool) -> "Look":
        """Look for the marks in the answer, whatever its form."""
        text = answer.body.decode("utf-8", "replace")
        # An error that says which path was asked for shows nothing but the question.
        asked = "" if answer.http_status in _SUCCESS else answer.url
        seen = tuple(own.name for own in belongings if own.mark in text and own.mark not in asked)
        read = answer.http_status in _SUCCESS and answer.json is not None
        refused = by_id and answer.http_status in _NOT_FOR_YOU
        found = "" if read or refused else f"HTTP {answer.http_status} {answer.content_type or 'without content type'}"
        return cls(path, by_id, answer.http_status, seen, answer.problem or found)

    def finding(self, kind: str) -> Finding:
        """That it showed the first one's things: without ids and numbers, which differ between two looks at the same."""
        place, asked = _ID.sub("N", self.path), " by the first one's id" if self.by_id else ""
        return Finding(
            ITEM, place, f"shows others' {kind}{asked}", pattern=f"{place.partition('?')[0]}*: shows others' {kind}*"
        )


@dataclass(frozen=True)
class Belongings:
    """One kind of thing: what its owner has of it, whether they see that themselves (``problem`` is empty), and the other one's looks."""

    kind: str
    owned: tuple[Belonging, ...]
    problem: str = ""
    looks: tuple[Look, ...] = ()

    def unknown(self) -> Iterator[str]:
        """Why it is not known that these are kept apart; nothing when it is."""
        if self.problem:
            yield f"{self.kind}: {self.problem}"
        elif not self.owned or not self.looks:
            yield f"{self.kind}: nothing was looked for"
        yield from (f"{look.path} as the other account: {look.problem}" for look in self.looks if look.problem)


@dataclass(frozen=True, repr=False)
class Separation(Fact):
    """All kinds that were tried, and those that could not be."""

    kinds: tuple[Belongings, ...]
    not_tried: tuple[str, ...] = ()
    left: str = ""
    """What could not be cleared away, for a person to do."""
    told: JudgedFindings = NOTHING_TOLD
    """What of it is known, and why the rest counts."""

    @property
    def _shown(self) -> tuple[tuple[Finding, Look], ...]:
        """Each look that showed something, but for what is known."""
        looks = [(look.finding(kind.kind), look) for kind in self.kinds for look in kind.looks if look.seen]
        return tuple((finding, look) for finding, look in looks if not self.told.knows(finding.text))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each way in which the second account was shown something."""
        return tuple(dict.fromkeys(finding for finding, _ in self._shown))

    def without(self, told: JudgedFindings) -> Self:
        """Judged without the ways that are known to be open."""
        return replace(self, told=told)

    @property
    def exposed(self) -> tuple[str, ...]:
        """What the other account saw, and where."""
        return tuple(f"{', '.join(look.seen)} by {look.path}" for _, look in self._shown)

    @property
    def looks(self) -> int:
        """How many times one looked for what is the other's."""
        return sum(len(kind.looks) for kind in self.kinds)

    @property
    def exposures(self) -> int:
        """How many looks showed another user's things. Raises MeasurementFailed when none did, and one kind is not known."""
        unknown = [why for kind in self.kinds for why in kind.unknown()] or (
            [] if self.kinds else ["nothing was tried"]
        )
        if unknown and not self.exposed:
            raise MeasurementFailed(f"whether users see what belongs to others is not known: {listed(unknown, _SHOWN)}")
        return len(self.exposed)

    @property
    def measured(self) -> Measured:
        """How many looks showed something."""
        kinds = ", ".join(dict.fromkeys(kind.kind for kind in self.kinds))
        said = (f"two accounts of our own: {kinds}", *(f"not tried: {why}" for why in self.not_tried), self.left)
        return Measured(
            what="looks that showed another user's things",
            asked="0",
            value=len(self.exposed),
            n=self.looks,
            definition="; ".join(filter(None, said)),
            sentence=self._sentence,
        )

    @property
    def _sentence(self) -> str:
        if self.exposed:
            is_new = [not self.told.is_old(finding.text) for finding, _ in self._shown]
            new = listed(tuple(compress(self.exposed, is_new)), _SHOWN)
            return (
                f"one of two accounts was shown what belongs to the other in {len(self.exposed)} of {self.looks} looks, expected none: "
                f"{self.told.after(new)}{self.told.advice}"
            )
        return f"of two accounts neither saw anything of the other in {self.looks} looks"
