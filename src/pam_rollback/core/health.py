"""What one health endpoint told us: judged on body, status, content type and running release, never on one of them alone.

Source: the plan's health checks HC-1 to HC-5, and the audit of the plan's script (a 200 from the single-page fallback, a 200 that says
unhealthy, and a 503 that says healthy all pass there).
"""

from dataclasses import dataclass

from pam_rollback.core.answer import Answer
from pam_rollback.core.figures import Figures

_OK = 200


@dataclass(frozen=True, repr=False)
class HealthReport:
    """One health answer, in words that a person can act on.

    ``status`` is the body's own word ("healthy", "degraded", …), or, when there is no such word, what was found instead.
    """

    name: str
    status: str
    http_status: int | None
    release: str
    answer: Answer

    @classmethod
    def of(cls, name: str, answer: Answer) -> "HealthReport":
        """Read the answer; nothing that a service can say raises."""
        body = answer.json
        release = body.get("release", body.get("version", "")) if isinstance(body, dict) else ""
        return cls(
            name=name,
            status=_status(answer),
            http_status=answer.http_status,
            release=release if isinstance(release, str) else "",
            answer=answer,
        )

    @property
    def reachable(self) -> bool:
        """Something answered, whatever it said."""
        return self.answer.http_status is not None

    def runs(self, release: str) -> bool:
        """The answer names this release; with no release to expect, that it names one at all."""
        return self.release == release if release else bool(self.release)

    def release_problem(self, release: str) -> str:
        """The sentence for an answer of another release: healthy, but not what was rolled back to."""
        runs = self.release or "a release that it does not name"
        return f"{self.name} runs {runs}, expected {release or 'it to name one'} ({self.answer})"

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what=self.name, asked="healthy, HTTP 200", measured=f"{self.status}, HTTP {self.http_status or 'none'}", n=1
        )

    def __str__(self) -> str:
        """The sentence that a failure shows."""
        release = f", release {self.release}" if self.release else ""
        return f"{self.name} says {self.status}{release} ({self.answer})"

    # pytest shows the repr of what an assertion gives as its message: the sentence, not the fields.
    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class HealthAround:
    """What all health endpoints said before something was recorded, and after it. What is recorded while one is ill is not normal."""

    before: tuple[HealthReport, ...]
    after: tuple[HealthReport, ...]

    @property
    def well(self) -> bool:
        """Every endpoint was healthy both times, of the same release, and there were some."""
        return bool(self.before) and bool(self.after) and not self._ill

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="health, before and after",
            asked="healthy, HTTP 200",
            measured=f"{len(self._ill)} not healthy",
            n=len(self.before) + len(self.after),
        )

    @property
    def _ill(self) -> list[str]:
        return [
            f"{when}: {report}"
            for when, reports in (("before", self.before), ("after", self.after))
            for report in reports
            if not is_healthy(report)
        ] + [
            f"{now.name} ran release {was.release or 'unknown'} before and {now.release or 'unknown'} after"
            for was, now in zip(self.before, self.after, strict=False)
            if was.release != now.release
        ]

    def __str__(self) -> str:
        """The sentence that a failure shows."""
        return "; ".join(self._ill) or f"all {len(self.before)} health endpoints were healthy before and after"

    __repr__ = __str__


def is_healthy(report: HealthReport) -> bool:
    """The body's own word and the status agree."""
    return report.status == "healthy" and report.http_status == _OK


def _status(answer: Answer) -> str:
    if answer.problem:
        return answer.problem
    if not answer.is_json_type:
        page = " (the single-page fallback answers 200 for any path)" if answer.http_status == _OK else ""
        return f"not JSON but {answer.content_type or 'no content type'}{page}"
    body = answer.json
    if body is None:
        return "not JSON although its content type says so"
    if not isinstance(body, dict) or not isinstance(body.get("status"), str):
        return "JSON without a status"
    return str(body["status"])
