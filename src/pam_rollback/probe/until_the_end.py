"""What must hold until a window over the success criteria ends, beside answers and memory: the release, health, and what people write.

Users must not get another release again, however well it answers.

The back end says it in its health, the front end in its page. A probe is judged by when it was due: the answer to an earlier one may
still be the old release's, however late it comes. A good health answer that names none is one of another release, too; a page need not
name any. Where nobody said which release is right, each site must stay with one.

A version can be given twice, so a commit that is named beside it is held to the same. Of a good answer without one among others that name
one it is not known whose it is. Where none names one nothing is compared, and that is said.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.probe.journeys import HEALTH_JOURNEY, PAGES
from pam_rollback.probe.ledger_config import Write, WriteKind
from pam_rollback.probe.measure import Reach, Told, WindowResult, WindowState, held
from pam_rollback.probe.samples import Sample
from pam_rollback.target.front_page import FrontPage
from pam_rollback.target.health import HealthReport
from pam_rollback.target.known_before import NOTHING_TOLD, Finding, JudgedFindings
from pam_rollback.target.served_release import BACK_END, FRONT_END, ExpectedReleases, same_commit

NAMING = (*PAGES, HEALTH_JOURNEY)
"""The journeys whose answers can name a release."""
_SHOWN = 12
"""Characters of a commit."""


@dataclass(frozen=True, kw_only=True)
class ReleasesSpec:
    """What is asked: from ``start_s`` on, in monotonic seconds, each site serves what is expected of it."""

    expected: ExpectedReleases
    start_s: float
    duration_s: float
    gap_max_s: float
    """The longest time without an answer by which the back end is known."""
    commits: ExpectedReleases = field(default_factory=ExpectedReleases)
    """The commit that each site was brought to; empty where nobody said."""


@dataclass(frozen=True, repr=False)
class HeldReleases(WindowResult):
    """How it stands. ``others`` of the ``n`` answers that tell are of another release; ``reason`` says which, when, and whose."""

    spec: ReleasesSpec
    state: WindowState
    reason: str
    others: int
    n: int
    observed_s: float
    by_version: bool
    """No health answer names a commit: of two builds of one version nothing is known."""

    @property
    def unproven(self) -> str:
        """A condition of the verdict: without a word, the bad release that answers all the time is as good as any."""
        said = self.spec.expected.frontend or self.spec.expected.backend
        return "" if said else "that the release which answers is the one that should: nobody said which (--to)"

    @property
    def number(self) -> float:
        """How many answers are of another release. Raises MeasurementFailed where that is not known."""
        return self.decided(self.others)

    @property
    def measured(self) -> Measured:
        """How many answers are of another release."""
        told = self.reason or f"none of {self.n} answers"
        return Measured(
            what="answers of another release",
            asked=f"0 for {self.spec.duration_s:g} s",
            value=self.others,
            n=self.n,
            definition=f"observed {self.observed_s:.0f} s{self._compared}",
            proviso=self.proviso,
            sentence=f"answers of another release {self.state}: {told}; observed {self.observed_s:.0f} s{self._compared}",
        )

    @property
    def _compared(self) -> str:
        return ", by the version alone: no health answer names a commit" if self.by_version else ""


def judge_releases(samples: Iterable[Sample], spec: ReleasesSpec, *, settled_s: float) -> HeldReleases:
    """Judge all answers from the start on as they are known now, those after the window too, where somebody asks later.

    ``settled_s``: every probe due before this moment has been recorded.
    """
    reach = Reach.of(spec.start_s, spec.duration_s, settled_s)
    inside = [sample for sample in samples if sample.due_s >= spec.start_s and not sample.void]
    inside.sort(key=lambda sample: sample.due_s)
    pages = [sample for sample in inside if sample.journey in PAGES and sample.release]
    health = [sample for sample in inside if sample.journey == HEALTH_JOURNEY and (sample.release or sample.ok)]
    expected, commits = spec.expected, spec.commits
    front, front_lacks = _judged_site(FRONT_END, pages, said=expected.frontend, commit=commits.frontend)
    back, back_lacks = _judged_site(BACK_END, health, said=expected.backend, commit=commits.backend)
    others = [*front, *back]
    named = [sample.due_s for sample in health if sample.release]
    what = "health answer that names a release"
    told = Told(
        reach=reach,
        known=named,
        lost="; ".join(one.told(spec.start_s) for one in others),
        unfit="" if named or not reach.complete else f"no {what}",
        lacking="; ".join(filter(None, (front_lacks, back_lacks))) if reach.complete else "",
        what=what,
        hides="another release",
    )
    found = held(told, gap_max_s=spec.gap_max_s)
    n_others = sum(len(one.answers) for one in others)
    observed_s, by_version = max(0.0, settled_s - spec.start_s), bool(named) and not any(one.commit for one in health)
    return HeldReleases(spec, found.state, found.reason, n_others, len(pages) + len(health), observed_s, by_version)


@dataclass(frozen=True)
class _Others:
    """Answers of one site, of ``n``, that name what they should not. ``right`` is what was said, else what most of them name."""

    site: str
    named: str
    said: str
    right: str
    answers: Sequence[Sample]
    n: int

    def told(self, start_s: float) -> str:
        """What is named, in how many answers, when, and whose."""
        instead = (
            f" instead of {self.right}" if self.said else f", the others {self.right}, and no one said which is right"
        )
        journeys = Counter(sample.journey for sample in self.answers).most_common()
        return (
            f"{len(self.answers)} of {self.n} answers of {self.site} name {self.named}{instead}, "
            f"from +{self.answers[0].due_s - start_s:.1f} s to +{self.answers[-1].due_s - start_s:.1f} s of the watch "
            f"({', '.join(f'{journey} {count}' for journey, count in journeys)})"
        )


def _judged_site(name: str, answers: Sequence[Sample], *, said: str, commit: str) -> tuple[list[_Others], str]:
    """Give the answers of another release, and of another commit; and why it is not known whether all are of one."""
    right, n = said or _most(sample.release or "" for sample in answers), len(answers)
    of_others = [sample for sample in answers if right and sample.release != right]
    same = [sample for sample in answers if sample.release == right]
    usual = _most(sample.commit for sample in same)
    right_commit = (commit or usual) if usual else ""
    of_commits = [sample for sample in same if sample.commit and not same_commit(sample.commit, right_commit)]
    without = sum(sample.ok and not sample.commit for sample in same) if usual else 0
    releases = " and ".join(sorted({f"release {one.release}" if one.release else "none" for one in of_others}))
    commits = " and ".join(sorted({f"commit {one.commit[:_SHOWN]}" for one in of_commits}))
    found = (
        _Others(name, releases, said, right, of_others, n),
        _Others(name, f"{commits} of release {right}", commit, right_commit[:_SHOWN], of_commits, n),
    )
    lacks = (
        f"{without} of {n} answers of {name} name release {right} without its commit, others name {right_commit[:_SHOWN]}: whether all "
        "are of one build is not known"
    )
    return [one for one in found if one.answers], lacks if without else ""


def _most(names: Iterable[str]) -> str:
    return "".join(name for name, _ in Counter(filter(None, names)).most_common(1))


@dataclass(frozen=True, repr=False)
class HeldHealth(Fact):
    """All of them, asked once."""

    reports: tuple[HealthReport, ...]
    front_page: FrontPage
    told: JudgedFindings = NOTHING_TOLD
    """What of it somebody answers for."""

    @property
    def ill(self) -> list[str]:
        """What is not well and not known to be so, each as a sentence."""
        counting = (one for one in self.reports if not all(self.told.knows(found.text) for found in one.findings))
        reports = [str(one) for one in counting]
        return reports if self.front_page.is_the_site else [*reports, str(self.front_page)]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """As a baseline has them."""
        return tuple(finding for report in self.reports for finding in report.findings)

    def without(self, told: JudgedFindings) -> "HeldHealth":
        """Judged without what somebody answers for."""
        return replace(self, told=told)

    @property
    def measured(self) -> Measured:
        """How many are not healthy."""
        ill = self.ill
        return Measured(
            "health when the window is over",
            "healthy",
            f"{len(ill)} not healthy",
            n=1 + len(self.reports),
            sentence=f"when the window was over: {'; '.join(ill) or 'all are healthy'}{self.told.advice if ill else ''}",
        )


SEEN_WITHIN_S = 30.0
"""So late users may be shown what was acknowledged. Ours: the plan names no time, and who adds an expense looks for it at once."""
_OURS = ("HTTP 429", "this machine could not send")
"""What a failure says that tells of us, and not of the service."""
_LAST_PART = 1 / 3


@dataclass(frozen=True, repr=False)
class WindowWrites(Fact):
    """Whether PAM could be asked and written to until a window ended, and what was written came back where users read it.

    ``writes`` are of one kind after the other, each in the order in which they were sent.
    """

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
    """Judge those that were sent from ``start_s`` on. ``sign_in``: why the account could not sign in the last time.

    Nothing here is sampled in hundreds: each kind is written some times in a window, and once more when it is over. So a failure is tried
    again at once, and only two in a row count; what is acknowledged and not shown in time was looked for over and over, and counts alone.
    *Unknown*: a kind without a good write in the last third, or one that was refused because we asked too often.
    """
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
