"""Which release answers while the success criteria are held: users must not get another one again, however well it answers.

The back end says it in its health, the front end in its page. A probe is judged by when it was due: the answer to an earlier one may
still be the old release's, however late it comes. A good health answer that names none is one of another release, too; a page need not
name any. Where nobody said which release is right, each site must stay with one.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from pam_rollback.base.figures import Figures
from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.observation.rules.journeys import HEALTH_JOURNEY, PAGES
from pam_rollback.observation.rules.samples import Sample
from pam_rollback.observation.rules.window import gap
from pam_rollback.observation.rules.window_state import WindowResult, WindowState, standing
from pam_rollback.product.rules.expected_releases import BACK_END, FRONT_END, ExpectedReleases

NAMING = (*PAGES, HEALTH_JOURNEY)
"""The journeys whose answers can name a release."""


@dataclass(frozen=True, kw_only=True)
class ReleasesSpec:
    """What is asked: from ``start_s`` on, in monotonic seconds, each site serves what is expected of it."""

    expected: ExpectedReleases
    start_s: float
    duration_s: float
    gap_max_s: float
    """The longest time without an answer by which the back end is known."""


@dataclass(frozen=True, repr=False)
class HeldReleases(WindowResult):
    """How it stands. ``others`` of the ``n`` answers that tell are of another release; ``reason`` says which, when, and whose."""

    spec: ReleasesSpec
    state: WindowState
    reason: str
    others: int
    n: int
    observed_s: float

    @property
    def unproven(self) -> str:
        """A condition of the verdict: without a word, the bad release that answers all the time is as good as any."""
        said = self.spec.expected.frontend or self.spec.expected.backend
        return "" if said else "that the release which answers is the one that should: nobody said which (--to)"

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="answers of another release",
            asked=f"0 for {self.spec.duration_s:g} s",
            measured=self.others,
            n=self.n,
            definition=f"observed {self.observed_s:.0f} s",
            proviso=self.proviso,
        )

    def __str__(self) -> str:
        told = self.reason or f"none of {self.n} answers"
        return f"answers of another release {self.state}: {told}; observed {self.observed_s:.0f} s"


def judge_releases(samples: Iterable[Sample], spec: ReleasesSpec, *, settled_s: float) -> HeldReleases:
    """Judge all answers from the start on as they are known now, those after the window too, where somebody asks later.

    ``settled_s``: every probe due before this moment has been recorded.
    """
    end_s = spec.start_s + spec.duration_s
    reach_s, complete = max(spec.start_s, min(settled_s, end_s)), settled_s >= end_s
    inside = [sample for sample in samples if sample.due_s >= spec.start_s and not sample.void]
    inside.sort(key=lambda sample: sample.due_s)
    pages = [sample for sample in inside if sample.journey in PAGES and sample.release]
    health = [sample for sample in inside if sample.journey == HEALTH_JOURNEY and (sample.release or sample.ok)]
    sites = [
        _Site.of(FRONT_END, pages, said=spec.expected.frontend),
        _Site.of(BACK_END, health, said=spec.expected.backend),
    ]
    named = [sample.due_s for sample in health if sample.release]
    what = "health answer that names a release"
    unknown = gap(named, spec.gap_max_s, spec.start_s, reach_s, what=what, hides="another release")
    if complete and not named:
        unknown = f"no {what}"
    broken = "; ".join(site.told(spec.start_s) for site in sites if site.others)
    state, reason = standing(broken, unknown, complete=complete)
    others = sum(len(site.others) for site in sites)
    return HeldReleases(spec, state, reason, others, len(pages) + len(health), max(0.0, settled_s - spec.start_s))


@dataclass(frozen=True)
class _Site:
    """What one site answered. ``right`` is the release that was said, else the one that most answers name."""

    name: str
    said: str
    right: str
    others: tuple[Sample, ...]
    n: int

    @classmethod
    def of(cls, name: str, answers: Sequence[Sample], *, said: str) -> "_Site":
        usual = Counter(sample.release for sample in answers if sample.release).most_common(1)
        right = said or "".join(str(release) for release, _ in usual)
        others = tuple(sample for sample in answers if right and sample.release != right)
        return cls(name, said, right, others, len(answers))

    def told(self, start_s: float) -> str:
        """Which other releases, how many answers, when, and whose."""
        releases = " and ".join(sorted({f"release {one.release}" if one.release else "none" for one in self.others}))
        right = f"instead of {self.right}" if self.said else f"the others {self.right}, and no one said which is right"
        journeys = Counter(sample.journey for sample in self.others).most_common()
        return (
            f"{len(self.others)} of {self.n} answers of {self.name} name {releases}{'' if self.said else ','} {right}, "
            f"from +{self.others[0].due_s - start_s:.1f} s to +{self.others[-1].due_s - start_s:.1f} s of the watch "
            f"({', '.join(f'{journey} {count}' for journey, count in journeys)})"
        )
