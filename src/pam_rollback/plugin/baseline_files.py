"""What a baseline has beside its index: rows, who may reach them, flags and settings, each in a file of its own.

Every run writes them into the folder of its situation. Only those that ``baseline.json`` lists are a baseline: ``--baseline FILE`` reads
them from beside that file, and refuses what is missing, changed or of another run.
"""

import json
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.files import write_whole
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.target.known_before import Finding, unanswered_on

if TYPE_CHECKING:
    from pydantic import BaseModel

    from pam_rollback.report.baseline_record import Baseline


Model = TypeVar("Model", bound="BaseModel")


BASELINE_FILE = "baseline.json"


@dataclass(frozen=True)
class Recorded:
    """What one part of a baseline has."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    """Of the index (``Baseline``)."""
    files: Mapping[str, int] = field(default_factory=dict)
    """Files beside the index, which were written into the folder ``evidence``, each with how many observations it is made of."""
    found: Sequence[Finding] = ()
    """What was open or wrong, however well the service was: known later, as far as a waiver answers for it."""


@dataclass(frozen=True)
class BaselinePart:
    """What a topic records of how it was before (``pytest_pam_baseline_parts``)."""

    what: str
    fixture: str
    """Records it: gives a ``Recorded``, or raises MeasurementFailed."""
    needs: str
    """What lets it be recorded where it could not be."""
    abilities: Collection[str] = ()
    elements: Sequence[str] = ()
    """The elements of pages that it works with."""
    quick: bool = False
    """A drill, which people wait for, records it too."""
    file: str = ""
    """The file that checks compare with, which are left out without it: ``@needs(baseline=…)``."""
    happened: str = "were recorded"
    """With it, as a sentence says it: "no rows were counted"."""
    problem: str = ""
    """Why nothing is known of this part."""
    begins: Sequence[str] = ()
    """Fixtures that are asked before any part is recorded: what they wait for comes in meanwhile."""


def has(runbook: Runbook, name: str) -> bool:
    """Whether ``--baseline FILE`` lists a part of that name."""
    return runbook.stored is not None and name in runbook.stored.parts


def stored(runbook: Runbook, name: str) -> Path | None:
    """The part of that name that ``--baseline FILE`` lists; None when it lists none.

    Raises MeasurementFailed when the baseline is too old or of an ill service, or the part is not the one that is listed.
    """
    if runbook.stored is None or runbook.options.baseline is None or not has(runbook, name):
        return None
    stored_baseline(runbook)
    path = runbook.options.baseline.with_name(name)
    from pam_rollback.report.baseline_record import refuse_other_part  # noqa: PLC0415 - for sessions that have one

    refuse_other_part(path, runbook.stored.parts)
    return path


def stored_model(runbook: Runbook, name: str, model: type[Model]) -> Model | None:
    """What that part has. Raises as ``stored``, and MeasurementFailed when it is damaged."""
    path = stored(runbook, name)
    if path is None:
        return None
    try:
        return model.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # what is no text, no JSON or no such part is a ValueError
        raise damaged(path, error) from None


def before(runbook: Runbook, situation: str, name: str, model: type[Model], read: Callable[[], Model]) -> Model | None:
    """How it was: as ``--baseline FILE`` has it; else read now and kept with the evidence, as before a drill's incident.

    None in a real rollback without a baseline, which is not delayed by reading. Raises MeasurementFailed when it cannot be read or kept.
    """
    known = stored_model(runbook, name, model)
    if known is not None or not runbook.records_before:
        return known
    found = read()
    (runbook.evidence(situation) / name).write_text(
        f"{found.model_dump_json(exclude_defaults=True)}\n", encoding="utf-8"
    )
    return found


def stored_baseline(runbook: Runbook) -> "Baseline | None":
    """What ``--baseline FILE`` says; None when it was not given. Raises MeasurementFailed when it is too old, or of an ill service."""
    if runbook.stored is not None:
        runbook.stored.refuse_ill(unanswered_on(datetime.now(UTC).date(), runbook.environment.waivers))
        runbook.stored.refuse_stale(runbook.plan.baseline.age_max_d, datetime.now(UTC))
    return runbook.stored


def staleness(runbook: Runbook) -> str:
    """Why nothing is compared with ``--baseline FILE``; empty when it is young enough and of a healthy service, or was not given."""
    try:
        stored_baseline(runbook)
    except MeasurementFailed as stale:
        return str(stale)
    return ""


def write_data(path: Path, data: Any) -> None:
    """Write JSON, in one piece or not at all."""
    write_whole(path, json.dumps(data, indent=2) + "\n")


def read_data(path: Path) -> Any:
    """Read JSON. Raises MeasurementFailed when it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> MeasurementFailed:
    """What to say of a file that is not what it should be."""
    what = "; ".join(str(error).splitlines())
    return MeasurementFailed(
        f"{path}: expected a part of a baseline, found something else: {what}; take a new baseline"
    )


NEWEST = Path("newest")


_INDEX = Path("baseline", "baseline.json")


def found_baseline(named: Path | None, out: Path, environment: str, env: str = "") -> Path | None:
    """Give its file; None when none is named. Raises pytest.UsageError when ``newest`` is asked for and none is recorded here.

    ``env``: how the command line names the environment, which may be by a file.
    """
    if named is None or named.is_file():
        return named
    if named != NEWEST:
        of_run = out / named / _INDEX
        return of_run if of_run.is_file() else named  # what is not there is told by whoever opens it
    # The name of a run begins with the time.
    for index in sorted(out.glob(f"*/{_INDEX}"), reverse=True):
        if _environment(index) == environment:
            return index
    raise pytest.UsageError(
        f"--baseline {NEWEST}: no baseline of {environment} is recorded here; record one while all is well: "
        f"pytest -m baseline --env {shlex.quote(env or environment)}"
    )


def _environment(index: Path) -> str:
    try:
        return str(json.loads(index.read_text(encoding="utf-8"))["origin"]["environment"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def stored_baseline_of(file: Path | None, plan: Plan) -> "Baseline | None":
    """What the file says; None without one. Raises pytest.UsageError when it is no baseline, or has too few answers."""
    if file is None:
        return None
    from pam_rollback.report.baseline_record import load_baseline  # noqa: PLC0415 - for sessions that have one

    try:
        stored = load_baseline(file)
        stored.refuse_too_few(plan.baseline.answers_min)
    except MeasurementFailed as error:
        raise pytest.UsageError(f"--baseline {error}") from None
    return stored
