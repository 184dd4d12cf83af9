"""What a load test leaves in the report of the run: one page, tables, pictures, and the engine's own files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import allure

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.load_record import STABLE, LoadRecord
from pam_rollback.core.load_verdict import judge
from pam_rollback.core.plan import LoadGate
from pam_rollback.core.release_comparison import ReleaseComparison
from pam_rollback.plugin.servers_counts import CountsOfServers
from pam_rollback.reporting.load_report import write_load_report


def attach_load(record: LoadRecord, servers: CountsOfServers, limits: LoadGate, *, host: str, folder: Path) -> None:
    """Write it beside the record, and attach it."""
    files = write_load_report(record, limits, tuple(_facts(record, servers, limits)), host=host, folder=folder)
    for file in (*files, *record.files):
        allure.attach.file(str(file), name=file.name, extension=file.suffix.removeprefix("."))


def _facts(record: LoadRecord, servers: CountsOfServers, limits: LoadGate) -> Iterator[tuple[str, str]]:
    """Each item with its sentence."""
    verdict = judge(record, limits)
    facts = (verdict.p95, verdict.p99, verdict.errors, verdict.outage, verdict.steps, verdict.reached)
    for number, fact in enumerate(facts, start=1):
        yield f"LG-{number}", str(fact)
    if any(one.target == STABLE for one in record.requests):
        yield "LG-7", _sentence(lambda: ReleaseComparison(record, limits).speed)
        yield "LG-8", _sentence(lambda: ReleaseComparison(record, limits).errors)
    yield "LG-9", _sentence(lambda: servers.beside(verdict))
    for doubt in verdict.doubts.all:
        yield "Not known", doubt


def _sentence(fact: Callable[[], object]) -> str:
    try:
        return str(fact())
    except MeasurementFailed as unknown:
        return f"not known: {unknown}"
