"""What one health endpoint told us: judged on body, status, content type and running release, never on one of them alone.

Source: the plan's health checks HC-1 to HC-5, and the audit of the plan's script (a 200 from the single-page fallback, a 200 that says
unhealthy, and a 503 that says healthy all pass there).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from pam_rollback.core.answer import Answer
from pam_rollback.core.figures import Figures
from pam_rollback.core.health_body import contradicted, release_named
from pam_rollback.core.health_words import HEALTHY

_OK = 200
_AGE_MAX_S = 60.0
"""An answer that a cache has kept for longer says nothing of now."""
_TIMESTAMP_AGE_MAX = timedelta(days=1)
"""More than any time zone that was left out, and than any clock that is merely wrong."""
_EPOCH_FROM_S, _EPOCH_FROM_MS = 1e8, 1e11
"""Smaller numbers are no moments: an uptime, say."""
_STALE_WARNINGS = ("110", "111", "112")


@dataclass(frozen=True)
class Healthy:
    """The answer that counts as healthy. For the plan's own endpoints the plan says so (HC-1 to HC-5)."""

    status: str = HEALTHY
    http_status: int = _OK

    def __str__(self) -> str:
        """For tables and messages."""
        return f"{self.status}, HTTP {self.http_status}"


WELL = Healthy()


@dataclass(frozen=True, repr=False)
class HealthReport:
    """One health answer, in words that a person can act on.

    ``status`` is the body's own word ("healthy", "degraded", …), or, when there is no such word or the rest of the body contradicts it,
    what was found instead. ``not_known`` says why a good answer tells nothing of now (a cache gave it); empty when it does tell.
    """

    name: str
    status: str
    http_status: int | None
    release: str
    answer: Answer
    not_known: str = ""
    asked: Healthy = WELL

    @classmethod
    def of(
        cls,
        name: str,
        answer: Answer,
        *,
        asked: Healthy = WELL,
        optional: Sequence[str] = (),
        files: bool = False,
        now: datetime | None = None,
    ) -> "HealthReport":
        """Read the answer; nothing that a service can say raises.

        ``optional`` names the parts that may be down while the product is well (``[health.optional]``). ``files`` says that a host of
        files answers: its caches keep an answer for as long as nothing else is published, and that is right.
        """
        body = answer.json
        status = _status(answer, optional)
        well = status == asked.status and answer.http_status == asked.http_status
        return cls(
            name=name,
            status=status,
            http_status=answer.http_status,
            release=release_named(body) if isinstance(body, dict) else "",
            answer=answer,
            # An answer that is bad is bad, whoever kept it.
            not_known=_kept(answer, body, now) if well and not files else "",
            asked=asked,
        )

    @property
    def healthy(self) -> bool:
        """The whole body and the status are as asked."""
        return self.status == self.asked.status and self.http_status == self.asked.http_status

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
            what=self.name, asked=str(self.asked), measured=f"{self.status}, HTTP {self.http_status or 'none'}", n=1
        )

    def __str__(self) -> str:
        """The sentence that a failure shows."""
        release = f", release {self.release}" if self.release else ""
        kept = f", but nothing is known of now: {self.not_known}" if self.not_known else ""
        wanted = "" if self.healthy or self.asked == WELL else f", expected {self.asked}"
        return f"{self.name} says {self.status}{release}{wanted}{kept} ({self.answer})"

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
    """The whole body and the status agree, and they are of now."""
    return report.healthy and not report.not_known


def _status(answer: Answer, optional: Sequence[str]) -> str:
    if answer.problem:
        return answer.problem
    if answer.redirected_to:
        return f"a redirect to {answer.redirected_to}"
    if not answer.is_json_type:
        page = " (the single-page fallback answers 200 for any path)" if answer.http_status == _OK else ""
        return f"not JSON but {answer.content_type or 'no content type'}{page}"
    if answer.json_problem:
        return f"not JSON although its content type says so ({answer.json_problem})"
    body = answer.json
    if not isinstance(body, dict) or not isinstance(body.get("status"), str):
        return "JSON without a status"
    return contradicted(body, optional) or str(body["status"])


def _kept(answer: Answer, body: Any, now: datetime | None) -> str:
    """Why the answer is not of now: whoever kept it says so, or it names a moment long ago."""
    age = answer.headers.get("age", "")
    if age.isdecimal() and float(age[:9]) > _AGE_MAX_S:
        return f"a cache answered, with what it has kept for {age[:9]} s (Age), although it was asked not to"
    warning = answer.headers.get("warning", "")
    if warning.startswith(_STALE_WARNINGS):
        return f"a cache answered, and says that it may be stale (Warning: {warning[:40]})"
    told, made = _moment(body.get("timestamp")), _date(answer) or now
    if told is not None and made is not None and made - told > _TIMESTAMP_AGE_MAX:
        return (
            f"its timestamp {body['timestamp']!r} is {(made - told).days} days old: a recorded answer, or a wrong clock"
        )
    return ""


def _date(answer: Answer) -> datetime | None:
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(told: object) -> datetime | None:
    """A moment as text, or as seconds or milliseconds since 1970; None where it is none."""
    try:
        if isinstance(told, str):
            moment = datetime.fromisoformat(told)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(told, (int, float)) and not isinstance(told, bool) and told > _EPOCH_FROM_S:
            return datetime.fromtimestamp(told / 1000 if told > _EPOCH_FROM_MS else told, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
