"""What came of a journey through the site, in words that a person can act on. Every fact names the browser in which it was found.

In one module: a small fact for each journey, all told in the same way.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, Self

from pam_rollback.core.errors import Caused, MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, listed
from pam_rollback.probe.samples import Sample
from pam_rollback.target.known_before import NOTHING_TOLD, Finding, JudgedFindings, without_numbers


class NotAsDescribed(MeasurementFailed):
    """A page that is well has no such element: the page has changed, or the contract."""


_SHOWN = 5
_LIMITED = re.compile(r"HTTP 429:|console error: .*(?<![\w:/.-])429(?![\w:/.-])", re.DOTALL)
"""Too Many Requests (RFC 6585): as a status, or in what a script says of it. Not a line, a port or something asked for of that number."""
_ANSWERED_SO = re.compile(r"HTTP 429:|console error: WebSocket connection to .*: 429$", re.DOTALL)
"""The answer itself; that of a WebSocket's handshake only the browser's own line tells."""

_ANSWERED, _FAILED, _UNREADABLE = "HTTP 429: ", "failed request: ", " (net::ERR_FAILED)"
_STACK = re.compile(r"(?:\s+(?:at (?:[^\s()@]+ ){0,3}\(?|[\w.$/<*]*@)https?://[^\s()]+:\d+:\d+\)?)+")
"""The lines below an error, as Chromium and as Firefox write them: each ends with line and column, which tells them from an address."""


VOICE = "PAM_VOICE_FEATURES"
_FIGURE = re.compile(r"\d[\d.,]*")
_UNAUTHORIZED = 401


def _same_amount(found: str, entered: str) -> bool:
    """Whether it is the same sum of money, whichever sign a country writes between units and hundredths."""
    try:
        return Decimal(found.rstrip(".,").replace(",", ".")) == Decimal(entered)
    except InvalidOperation:
        return False


class Stopped(Caused):
    """The journey does not go on from here. The message says where, and what was seen."""


class Unreachable(Stopped):
    """The site could not be reached at all: it is down, or this machine is offline."""


class NotLoaded(Stopped):
    """A page was not there within its time, although all that it waits for answers without a browser: nothing is known of the site."""


def came_to(where: str, outcome: str, cause: str = "") -> Measured:
    """Return what a journey came to, as the table has it. ``where``: its name and its browser."""
    return Measured(where, asked="works", value=outcome, n=1, sentence=f"{where}: {outcome}", cause=cause)


@dataclass
class Noticed:
    """What was noticed in all windows of a browser: the pages, and what is wrong behind them."""

    pages: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    refusals_expected: bool = False

    @contextmanager
    def expecting_refusals(self) -> Iterator[None]:
        """The journey has a session that nobody knows: refusals, and a console full of them, are its own doing."""
        self.refusals_expected = True
        try:
            yield
        finally:
            self.refusals_expected = False

    def note(self, what: str) -> None:
        """Note it, once."""
        words = " ".join(what.split())
        if words not in self.complaints:
            self.complaints.append(words)


class Talk(NamedTuple):
    """A question to PAM, and where it was found again."""

    answer: str
    shown_again: bool | None
    """After a reload of the page. None: the site does not list what was said, so that this cannot be told."""
    stored: bool | None
    """By the API. None: the product keeps nothing of it."""


class ServedPage(NamedTuple):
    """What a browser was given: the page's own release, and the sum of each script and style, against the manifest of the release."""

    page_release: str
    files: Mapping[str, str]
    """What the browser got: path and SHA-256."""
    manifest_release: str
    manifest: Mapping[str, str]

    @property
    def releases(self) -> str:
        """Of which release page and manifest are."""
        none = "(none named)"
        return f"the page is of release {self.page_release or none}, its manifest of {self.manifest_release or none}"

    @property
    def differing(self) -> str:
        """Which files are not those of the release; empty where all are."""
        found = [
            f"{path} (expected {self.manifest[path][:12]}…, found {got[:12]}…)"
            if path in self.manifest
            else f"{path} (not a file of this release)"
            for path, got in sorted(self.files.items())
            if self.manifest.get(path) != got
        ]
        which = f"{len(found)} of {len(self.files)} files are not those of {self.manifest_release}"
        return f"{which}: {'; '.join(found[:_SHOWN])}" if found else ""


class Voice(NamedTuple):
    """Whether a page has to offer to speak to PAM."""

    not_due: str
    """Why it must not, in words; empty where it has to."""
    unknown: str = ""
    """Why nobody knows what is wrong with a page that offers none; empty where one has to."""

    def wrong(self, *, offered: bool) -> str:
        """Return what is wrong; empty where nothing is. Raises MeasurementFailed where nobody knows."""
        if self.not_due:
            return f"{self.not_due}, yet the page offers to speak" if offered else ""
        if not offered and self.unknown:
            raise MeasurementFailed(self.unknown)
        return "" if offered else f"{VOICE} is on for this user, yet the page has no button to speak"

    @property
    def as_it_should_be(self) -> str:
        """In which of the two right states it is."""
        return f"{self.not_due}, and the page offers no voice: as it should be" if self.not_due else "works"


def not_as_entered(amount: str, listed: str | None, stored: Sequence[str], *, note: str = "") -> str:
    """Return what is wrong with an expense that was entered; empty when page and API have it, once, with its amount.

    ``listed``: what the page lists of it; ``stored``: the amount of each that the API has; ``note``: what it is known by.
    """
    later = f"; delete it by hand if it turns up, noted {note!r}" if note and not stored else ""
    if listed is None:
        return f"the expense was accepted, and the page does not list it{later}"
    if not stored:
        return f"the page lists the expense, the API does not have it{later}"
    if len(stored) > 1:
        return f"one expense was entered, and the API has it {len(stored)} times"
    if not _same_amount(stored[0], amount):
        return f"an expense of {amount} was entered, and the API has {stored[0]}"
    if not any(_same_amount(found, amount) for found in _FIGURE.findall(listed)):
        return f"an expense of {amount} was entered, and the page lists {listed!r}"
    return ""


def sessions_lost(samples: Iterable[Sample]) -> Measured:
    """Return how often the session of the probes was refused (HTTP 401) although nobody had signed out."""
    answered = [sample for sample in samples if sample.status is not None and not sample.void]
    refused, n = sum(sample.status == _UNAUTHORIZED for sample in answered), len(answered)
    sentence = "the plan allows no session to be lost (RPO-3), and no probe with a session was answered"
    if n:
        told = f"{refused} of {n} probes were told that their session is not known (HTTP 401)"
        sentence = f"{told}; the plan allows no session to be lost"
    return Measured("sessions lost", asked="none", value=refused if n else None, n=n, sentence=sentence)


@dataclass(frozen=True, repr=False, kw_only=True)
class Walk(Fact):
    """One journey. ``problem`` is empty when it came to its end; else it is the sentence that says where it stopped, and what was seen."""

    where: str
    """Its name and its browser."""
    problem: str = ""
    cause: str = ""
    """What stood in its way, and in that of others."""
    told: JudgedFindings = NOTHING_TOLD
    """What of it is known, and why the rest counts."""

    @property
    def measured(self) -> Measured:
        """What came of it, as the table has it."""
        return came_to(self.where, self.outcome)

    @property
    def outcome(self) -> str:
        """What came of it, in a few words."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False, kw_only=True)
class NewSession(Walk):
    """Signing out, and signing in again after the service has forgotten the session."""

    signed_out: bool = False
    asked_to_sign_in: bool = False
    signed_in_again: bool = False
    not_again: str = ""
    """Why not, where a window of its own had to be opened for that."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The page that does not ask to sign in, where everything else was seen."""
        seen = not self.problem and self.signed_out and self.signed_in_again
        silent = Finding("RPO-3", "a page whose session was lost", "does not ask to sign in")
        return (silent,) if seen and not self.asked_to_sign_in else ()

    def without(self, told: JudgedFindings) -> Self:
        """Judged without what is known of the page."""
        return replace(self, asked_to_sign_in=self.asked_to_sign_in or bool(told.known), told=told)

    @property
    def outcome(self) -> str:
        """How far it came."""
        if self.problem:
            return self.problem
        if not self.signed_out:
            return "signing out leaves the person signed in"
        if not self.asked_to_sign_in:
            silent = "with a session that the service does not know any more, the page does not ask to sign in"
            again = f"; nor can one sign in again in a new window: {self.not_again}" if self.not_again else ""
            return self.told.after(silent) + again + self.told.advice
        return "works" if self.signed_in_again else "signing in again does not work"


@dataclass(frozen=True, repr=False, kw_only=True)
class BehindThePages(Walk):
    """What a browser noticed that a person does not see: errors of scripts, requests that failed, answers that are errors."""

    pages: tuple[str, ...] = ()
    """The pages that were opened, with those of the journeys before."""
    complaints: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each kind of error. How often it was seen depends on what was done before, so that it does not count.

        A limit that this session met is none: no baseline knows it, and nobody answers for it.
        """
        return tuple(dict.fromkeys(map(_behind, self._not_by_a_limit)))

    @property
    def _not_by_a_limit(self) -> tuple[str, ...]:
        """What is no limit that this session met: an answer 429 has to be among the complaints, and each other one to speak of it."""
        if not any(map(_ANSWERED_SO.match, self.complaints)):
            return self.complaints
        limited = {one.removeprefix(_ANSWERED) for one in self.complaints if one.startswith(_ANSWERED)}
        return tuple(
            one
            for one in self.complaints
            if not _LIMITED.match(one)
            # Such an answer often has no CORS headers, and the page may not read it.
            and not (one.endswith(_UNREADABLE) and one.removeprefix(_FAILED).removesuffix(_UNREADABLE) in limited)
        )

    def without(self, told: JudgedFindings) -> Self:
        """Judged without the errors that are known."""
        left = tuple(one for one in self.complaints if not told.knows(_behind(one).text))
        return replace(self, complaints=left, told=told)

    @property
    def errors(self) -> tuple[str, ...]:
        """All that was noticed and is not known.

        Raises MeasurementFailed where all that was noticed is that this session met a limit: a product counts its visits, too, and users
        who meet none are well.
        """
        if self.complaints and not self._not_by_a_limit:
            raise MeasurementFailed(
                f"{self.where}: all that failed is HTTP 429, {self.outcome}. The product limits how often one address "
                "or account may ask, and the session's own visits count: wait for a minute, lower [probing] rate_hz, and verify again"
            )
        return self.complaints

    @property
    def measured(self) -> Measured:
        """What was noticed, on how many pages."""
        asked, n = "no errors, no failed requests", len(self.pages)
        return replace(super().measured, asked=asked, n=n, definition="n: pages opened")

    @property
    def outcome(self) -> str:
        """The first complaints; all are attached."""
        if self.problem:
            return self.problem
        if not self.pages:
            return "no page was opened, so nothing is known"
        if not self.complaints:
            return f"none on {len(self.pages)} pages"
        new = [one for one in self.complaints if not self.told.is_old(_behind(one).text)]
        # What a baseline tells from the rest is named one by one.
        shown = len(new) if self.told.compared else _SHOWN
        found = f"{len(new)} on {len(self.pages)} pages: {listed(new, shown)}" if new else ""
        return self.told.after(found) + self.told.advice


def _behind(complaint: str) -> Finding:
    # By which way a script came to its error differs between two visits.
    return Finding("SC-5", "behind the pages", without_numbers(_STACK.sub("", complaint)))
