"""What one health endpoint told us: judged by the contract of the product, on the whole answer and never on one part of it alone.

Source: the plan's health checks HC-1 to HC-5, and the audit of the plan's script (a 200 from the single-page fallback, a 200 that says
unhealthy, and a 503 that says healthy all pass there).
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pam_rollback.base.answer import Answer
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.environment.known_before import NOTHING_TOLD, Finding, JudgedFindings
from pam_rollback.product.conditions import Captured
from pam_rollback.product.contract import ANY_STATUS, Component
from pam_rollback.product.health_body import commit_named
from pam_rollback.product.health_words import HEALTHY
from pam_rollback.product.judging import NO_WORD, Judgement, contradiction, judge, release_of, unreadable, word_of
from pam_rollback.product.pointer import has_value

_OK = 200
_SHOWN_COMMIT = 12


@dataclass(frozen=True, repr=False)
class HealthReport(Sentence):
    """One health answer, in words that a person can act on."""

    name: str
    component: Component
    captured: Captured
    judgement: Judgement
    known: bool = False
    """It is as ill as it was before, and somebody answers for that."""
    told: JudgedFindings = NOTHING_TOLD
    """Whether its illness is known, and why it counts if not."""

    @classmethod
    def of(cls, component: Component, answer: Answer, *, now: datetime | None = None) -> "HealthReport":
        """Read the answer; nothing that a service can say raises. ``now`` is when it was captured."""
        captured = Captured(answer, now or datetime.now(UTC))
        return cls(component.title, component, captured, judge(component, captured))

    @property
    def answer(self) -> Answer:
        """As it was captured."""
        return self.captured.answer

    @property
    def http_status(self) -> int | None:
        """None when nothing was answered."""
        return self.answer.http_status

    @property
    def status(self) -> str:
        """The body's own word ("healthy", "degraded", …), or what was found instead: no such word, or a body that contradicts it."""
        if self.judgement.healthy and unreadable(self.answer):
            return HEALTHY
        word = word_of(self.answer)
        against = contradiction(self.component, self.answer)
        only_at_the_top = against and not self._unmet
        return f"{word} at its top only: {against}" if only_at_the_top else word

    @property
    def release(self) -> str:
        """The release that the answer names; empty when it names none."""
        return release_of(self.component, self.answer)

    @property
    def commit(self) -> str:
        """The commit that the answer names beside its release; empty when it names none."""
        body = self.answer.json if self.component.names_release else None
        return commit_named(body) if isinstance(body, dict) else ""

    @property
    def build(self) -> str:
        """Its release, with the commit where one is named."""
        return f"{self.release or 'unknown'}{f' of commit {self.commit[:_SHOWN_COMMIT]}' if self.commit else ''}"

    @property
    def not_known(self) -> str:
        """Why a good answer tells nothing of now (a cache gave it); empty when it does tell."""
        return self.judgement.not_known

    @property
    def healthy(self) -> bool:
        """The answer is what the contract asks for, or it is known not to be."""
        return self.judgement.healthy or self.known

    @property
    def cause(self) -> str:
        """What stood in the way of its word, and in that of others; empty where it has said itself how it is."""
        body = self.answer.json
        subjects = (one.condition.pointer for one in self.judgement.results)
        spoke = any(pointer is not None and has_value(body, pointer) for pointer in subjects)
        return "" if spoke or self.judgement.healthy else self.answer.cause

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with it; nothing when it is healthy."""
        return () if is_healthy(self) else (Finding(self.component.item, self.name, self.symptom),)

    def without(self, told: JudgedFindings) -> "HealthReport":
        """Judged without what is known of it."""
        return replace(self, known=bool(told.known), told=told)

    @property
    def reachable(self) -> bool:
        """Something answered, whatever it said."""
        return self.answer.http_status is not None

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        http = f"HTTP {self.http_status or 'none'}"
        word = HEALTHY if self.healthy and self.status == NO_WORD else self.status
        # The table cuts what is long: what tells it from a healthy answer comes first.
        measured = f"{http}, not healthy" if word == NO_WORD else f"{word}, {http}"
        again = f"asked once more: {self.answer.earlier} the first time" if self.answer.earlier else ""
        return Figures(what=self.name, asked=self.component.asked, measured=measured, n=1, definition=again)

    @property
    def symptom(self) -> str:
        """What is wrong, without what differs between two looks: the body's word, the HTTP status, the conditions that are not met."""
        unmet = [
            f"{one.condition.subject} is not {one.condition.asked}"
            for one in self.judgement.results
            if not one.met and one.condition.pointer != "/status"
        ]
        return ", ".join([f"{self.status}, HTTP {self.http_status or 'none'}", *unmet])

    @property
    def _unmet(self) -> list[str]:
        return [str(result) for result in self.judgement.results if not result.met]

    @property
    def _wanted(self) -> str:
        """What is missing, where the answer's own word does not say it."""
        if self.healthy or unreadable(self.answer):
            return ""
        usual = [
            str(one)
            for one in self.judgement.results
            if one.condition.pointer == "/status" and one.condition.equals == HEALTHY
        ]
        told = [unmet for unmet in self._unmet if unmet not in usual]
        if self.component.http_status not in {_OK, ANY_STATUS, self.http_status}:
            told.append(f"expected HTTP {self.component.http_status}")
        return "".join(f", {one}" for one in told)

    @property
    def _ill_parts(self) -> str:
        """Which parts say why, where the answer's own word is that it is not well: the first thing that a person wants to know."""
        found = contradiction(self.component, self.answer) if self._unmet else ""
        return f" ({found})" if found else ""

    def __str__(self) -> str:
        release = f", release {self.release}" if self.release else ""
        kept = f", but nothing is known of now: {self.not_known}" if self.not_known else ""
        said = "gives no whole answer" if self.answer.problem else f"says {self.status}"
        if self.status == NO_WORD and self.component.http_status not in {ANY_STATUS, self.http_status}:
            said = f"answers HTTP {self.http_status}, {NO_WORD}"
        told = self.told.after(f"{self.name} {said}{self._ill_parts}{release}{self._wanted}{kept}")
        return f"{told} ({self.answer}){self.told.advice}"


@dataclass(frozen=True, repr=False)
class HealthAround(Sentence):
    """What all health endpoints said before something was recorded, and after it. What is recorded while one is ill is not normal."""

    before: tuple[HealthReport, ...]
    after: tuple[HealthReport, ...]
    told: JudgedFindings = NOTHING_TOLD
    """What of it somebody answers for."""

    @property
    def well(self) -> bool:
        """Every endpoint was healthy both times, or somebody answers for it; of the same release, and there were some."""
        return bool(self.before) and bool(self.after) and not self._counting

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a baseline has of it as red."""
        return tuple(finding for report in self.red for finding in report.findings)

    def without(self, told: JudgedFindings) -> "HealthAround":
        """Judged without what somebody answers for."""
        return replace(self, told=told)

    @property
    def one_release(self) -> bool:
        """No part changed its release meanwhile: what was recorded is of one."""
        return not self._changed

    @property
    def releases(self) -> tuple[str, ...]:
        """What runs now, by those that are meant to name it: a constant is no release's name."""
        return tuple(report.release for report in self.after if report.component.names_release)

    @property
    def red(self) -> tuple[HealthReport, ...]:
        """What was not healthy, before or after; each symptom of an endpoint once."""
        ill = (report for report in (*self.before, *self.after) if not is_healthy(report))
        return tuple({(report.name, report.symptom): report for report in ill}.values())

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="health, before and after",
            asked="healthy, HTTP 200",
            measured=f"{len(self._counting)} not healthy",
            n=len(self.before) + len(self.after),
        )

    @property
    def _counting(self) -> list[str]:
        return [
            f"{when}: {report}"
            for when, reports in (("before", self.before), ("after", self.after))
            for report in reports
            if not all(self.told.knows(finding.text) for finding in report.findings)
        ] + self._changed

    @property
    def _changed(self) -> list[str]:
        return [
            f"{now.name} ran release {was.build} before and {now.build} after"
            for was, now in zip(self.before, self.after, strict=False)
            if (was.release, was.commit) != (now.release, now.commit)
        ]

    def __str__(self) -> str:
        if self._counting:
            return "; ".join(self._counting) + self.told.advice
        known = f", or known: {self.told}" if self.told.known else ""
        return f"all {len(self.before)} health endpoints were healthy before and after{known}"


def is_healthy(report: HealthReport) -> bool:
    """The whole body and the status agree, and they are of now."""
    return report.healthy and not report.not_known
