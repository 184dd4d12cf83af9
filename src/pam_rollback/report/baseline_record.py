"""How the service behaved before: one versioned file with error rates and response times by journey, and a list of what lies beside it.

The file is the index of a baseline: it names its parts (such as rows) with their checksums, so that parts of
two runs are never mixed and a missing one is never taken for "there was nothing".
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from pam_rollback.core import run_files
from pam_rollback.core.answer import read_json
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.files import write_whole
from pam_rollback.stats.percentiles import Distribution
from pam_rollback.target.known_before import Finding, waiver_for

SCHEMA_VERSION = 2
ANSWERS = "answers"
"""The part that stands in the index itself; as ``not_recorded`` names it."""
_DAY_S = 86400


class _Record(BaseModel):
    # What a later version adds is left alone.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Figures(_Record):
    """Error rate and latency of some samples. Latencies are those of good answers; None when there was none."""

    n: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    latencies: Distribution | None = None
    """All of them, in ms, counted in buckets: what a later sample is compared with."""

    @property
    def error_rate_pct(self) -> float:
        """Share of the measured probes without the expected answer."""
        return 100 * self.errors / self.n


class Origin(_Record):
    """Where, when and by which run it was recorded."""

    environment: str
    host: str
    """Host and port of the API."""
    release: str
    """As the API named it; empty when it named none."""
    run: str
    taken_at: AwareDatetime
    """Wall time in UTC."""

    def age_d(self, now: datetime) -> float:
        """How many days old it is."""
        return (now - self.taken_at).total_seconds() / _DAY_S

    def __str__(self) -> str:
        return (
            f"baseline of {self.taken_at:%Y-%m-%d %H:%M} UTC, {self.environment} {self.host}, "
            f"release {self.release or 'unknown'}"
        )


class MemoryHeld(_Record):
    """What the product's process held; MB of 10^6 bytes."""

    n: int
    median_mb: float
    highest_mb: float
    span_s: float


class TicketRate(_Record):
    """Support tickets of the latest time, and those of the history, which say what is usual."""

    n: int
    """How many tickets the history has."""
    count: int
    over_s: float
    usual: float
    """The mean number in so much time."""


class Part(_Record):
    """A file beside this one."""

    sha256: str
    n: int
    """Of how many observations it is made."""

    @classmethod
    def of(cls, path: Path, *, n: int) -> Self:
        """Give the entry for a file that is complete."""
        return cls(sha256=_sha256(path), n=n)


class Baseline(_Record):
    """What later measurements are compared with. Each part is recorded by itself; ``not_recorded`` says which are missing, and why."""

    schema_version: Literal[2] = 2
    suite: str = ""
    """The version of the suite that wrote it; empty in records of the first one."""
    origin: Origin
    duration_s: float = 0
    """From the first to the last sample."""
    unmeasured: int = 0
    """Probes that never left or left late; in no other figure."""
    overall: Figures | None = None
    """Of all answers; None when none could be recorded."""
    journeys: dict[str, Figures] = {}
    red: tuple[Finding, ...] = ()
    """What of the service was ill when it was recorded."""
    found: tuple[Finding, ...] = ()
    """Open doors and errors that a healthy service had."""
    routes: dict[str, bool | None] | None = None
    """Of each route that the API described, whether it answered without a token; null: not seen. None: nobody looked."""
    memory: MemoryHeld | None = None
    tickets: TicketRate | None = None
    parts: dict[str, Part] = {}
    """Files beside this one, by their names."""
    not_recorded: dict[str, str] = {}
    """What a baseline may have and this one does not, and why."""

    @property
    def answers(self) -> Figures:
        """Those of all journeys. Raises MeasurementFailed, with the reason, when none were recorded."""
        if self.overall is None:
            raise MeasurementFailed(
                f"{self.origin} has no answers ({self.not_recorded.get(ANSWERS, 'no reason was recorded')}), "
                "so nothing is compared with them; take a new one with 'pytest -m baseline'"
            )
        return self.overall

    @property
    def answered(self) -> tuple[str, ...]:
        """The journeys that had a good answer."""
        return tuple(name for name, figures in self.journeys.items() if figures.n > figures.errors)

    def refuse_too_few(self, answers_min: int) -> None:
        """Raise MeasurementFailed when it has fewer answers than a baseline must have. One without any says so where they are wanted."""
        if self.overall is not None and self.overall.n < answers_min:
            raise MeasurementFailed(
                f"{self.origin}: {self.overall.n} answers, at least {answers_min} are needed (plan.toml [baseline] answers_min): "
                "too few to compare with; take a new baseline"
            )

    def refuse_stale(self, age_max_d: float, now: datetime) -> None:
        """Raise MeasurementFailed when it is too old to be compared with, or from the future."""
        age_d = self.origin.age_d(now)
        if age_d > age_max_d:
            raise MeasurementFailed(
                f"{self.origin} is stale: {age_d:.0f} days old, at most {age_max_d:g} (plan.toml [baseline] age_max_d), "
                "so nothing is compared with it; take a new one with 'pytest -m baseline'"
            )
        if age_d < -1 / 24:
            raise MeasurementFailed(
                f"{self.origin} is from the future, by {-age_d * 24:.1f} h: one of two clocks is wrong, so its age is not known"
            )

    def refuse_ill(self, unanswered: Callable[[Iterable[Finding]], tuple[Finding, ...]]) -> None:
        """Raise MeasurementFailed when something was ill while it was recorded, unless somebody answers for it: it may be the incident."""
        ill = self.ill(unanswered)
        if ill:
            items = {
                item: [one.text for one in ill if one.item == item] for item in dict.fromkeys(one.item for one in ill)
            }
            waivers = "; ".join(waiver_for(item, texts, len(texts)) for item, texts in items.items())
            raise MeasurementFailed(
                f"{self.origin} was recorded while something was red ({'; '.join(f'{one.item}: {one.text}' for one in ill)}), so nothing "
                "is compared with it and nothing is known by it; take a new one when all is well, with 'pytest -m baseline', or have "
                f"somebody answer for it until a day: {waivers}"
            )

    def ill(self, unanswered: Callable[[Iterable[Finding]], tuple[Finding, ...]]) -> tuple[Finding, ...]:
        """What was ill while it was recorded, and nobody answers for."""
        return unanswered(self.red)

    def save(self, path: Path) -> None:
        """Write it to ``path``, in one piece or not at all."""
        write_whole(path, self.model_dump_json(indent=2) + "\n")

    def __str__(self) -> str:
        overall = self.overall
        if overall is None:
            return f"{self.origin}: without answers"
        p95 = "no good answer" if overall.p95_ms is None else f"p95 {overall.p95_ms:.3g} ms"
        return f"{self.origin}: errors {overall.error_rate_pct:.2g} %, {p95} (n={overall.n})"


def refuse_other_part(path: Path, parts: Mapping[str, Part]) -> None:
    """Raise MeasurementFailed when the file is not the one that the index lists."""
    try:
        found = _sha256(path)
    except OSError as error:
        raise MeasurementFailed(
            f"{path}: a part of the baseline is missing ({error.strerror}); keep its folder together, or take a new baseline"
        ) from None
    if found != parts[path.name].sha256:
        raise MeasurementFailed(
            f"{path}: expected the part that the baseline lists, found another or a changed file (sha256 {found[:12]}…); "
            "parts of two baselines are never mixed: take a new one"
        )


def load_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises MeasurementFailed when there is none, it is damaged, or it was written by another version of this format.
    """
    try:
        record = read_json(path.read_bytes())
    except FileNotFoundError:
        raise MeasurementFailed(f"{path}: there is no baseline; take one with 'pytest -m baseline'") from None
    except OSError as error:
        raise MeasurementFailed(
            f"{path}: expected the file baseline.json of a baseline, found what cannot be read ({error.strerror})"
        ) from None
    except ValueError as error:
        raise MeasurementFailed(f"{path}: expected a baseline as JSON: {error}; take a new one") from error
    if isinstance(record, dict) and (problem := run_files.too_new(record, SCHEMA_VERSION)):
        raise MeasurementFailed(f"{path}: {problem}")
    version = record.get("schema_version") if isinstance(record, dict) else None
    if version != SCHEMA_VERSION:
        raise MeasurementFailed(
            f"{path}: expected schema_version {SCHEMA_VERSION}, found {version!r}; take a new baseline"
        )
    try:
        return Baseline.model_validate(record)
    except ValidationError as error:
        raise MeasurementFailed(f"{path}: the baseline is damaged: {error}; take a new one") from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
