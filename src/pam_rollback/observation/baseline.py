"""How the service behaved before: error rates and latencies by journey, kept in a versioned file."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.percentiles import DEFINITION, percentile
from pam_rollback.core.samples import LATE_MS, Sample

SCHEMA_VERSION = 1


class Figures(BaseModel):
    """Error rate and latency of some samples. Latencies are those of good answers; None when there was none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None

    @property
    def error_rate_pct(self) -> float:
        """Share of the measured probes without the expected answer."""
        return 100 * self.errors / self.n

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Self:
        """Give the figures of measured samples, of which there must be at least one."""
        samples = tuple(samples)
        latencies = [sample.latency_ms for sample in samples if sample.ok]
        p50_ms, p95_ms, p99_ms = (percentile(latencies, pct).value if latencies else None for pct in (50, 95, 99))
        return cls(n=len(samples), errors=len(samples) - len(latencies), p50_ms=p50_ms, p95_ms=p95_ms, p99_ms=p99_ms)


class Baseline(BaseModel):
    """What later measurements are compared with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    taken_at: AwareDatetime
    """Wall time in UTC."""
    release: str
    duration_s: float
    """From the first to the last sample."""
    unmeasured: int
    """Probes that never left or left late; in no other figure."""
    percentile_definition: Literal["nearest rank"] = DEFINITION  # type: ignore[assignment]
    overall: Figures
    journeys: dict[str, Figures]

    @classmethod
    def of(cls, samples: Iterable[Sample], *, taken_at: datetime, release: str, late_ms: float = LATE_MS) -> Self:
        """Give the baseline that these samples give. Raises MeasurementFailed when none of them was measured."""
        samples = tuple(samples)
        measured = [sample for sample in samples if sample.measured(late_ms)]
        if not measured:
            raise MeasurementFailed(f"no baseline: none of {len(samples)} samples is usable")
        names = Counter(sample.journey for sample in measured)
        return cls(
            taken_at=taken_at,
            release=release,
            duration_s=max(sample.due_s for sample in measured) - min(sample.due_s for sample in measured),
            unmeasured=len(samples) - len(measured),
            overall=Figures.of(measured),
            journeys={name: Figures.of(sample for sample in measured if sample.journey == name) for name in names},
        )

    def save(self, path: Path) -> None:
        """Write it to ``path``, in one piece or not at all."""
        draft = path.with_suffix(path.suffix + ".draft")
        draft.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(path)


def load_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises MeasurementFailed when there is none, it is damaged, or it was written by another version of this format.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MeasurementFailed(f"{path}: there is no baseline; take one with 'pytest -m baseline'") from None
    except ValueError as error:
        raise MeasurementFailed(f"{path}: expected a baseline as JSON: {error}; take a new one") from error
    version = record.get("schema_version") if isinstance(record, dict) else None
    if version != SCHEMA_VERSION:
        raise MeasurementFailed(
            f"{path}: expected schema_version {SCHEMA_VERSION}, found {version!r}; take a new baseline"
        )
    try:
        return Baseline.model_validate(record)
    except ValidationError as error:
        raise MeasurementFailed(f"{path}: the baseline is damaged: {error}; take a new one") from error
