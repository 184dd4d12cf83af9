"""What passes between Allure's listener and its files: secrets out, noise out, interrupted tests named.

Register an instance on ``allure_commons.plugin_manager`` after allure-pytest has registered its own file logger.
"""

import json
import time
import uuid
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import allure_commons
from allure_commons.model2 import StatusDetails

from pam_rollback.report.redaction import Redactor

Status = Literal["passed", "failed", "broken", "skipped"]

NOT_FINISHED: Final = "not finished: "
"""How the message of an interrupted test begins; a category of the report goes by it."""


class AllureHooks:
    """Allure's hooks that change what is about to be written.

    ``results`` is the folder that Allure writes to; ``owns`` tells by its title whether a fixture is ours and belongs
    in the report: all others (of pytest and its plugins) are left out.
    """

    def __init__(self, results: Path, redactor: Redactor, *, owns: Callable[[str], bool]) -> None:
        self._results = results
        self._redactor = redactor
        self._owns = owns
        self._next: list[tuple[Status, str | None, Status | None]] = []

    def say_next(self, status: Status, message: str | None = None, *, instead_of: Status | None = None) -> None:
        """Gives the result that is written next in this process another status, and another message when one is given.

        A process runs one test at a time, so "next" is the test that runs now. ``instead_of``: only where Allure has that one. What is said
        last counts.
        """
        self._next.insert(0, (status, message, instead_of))

    @allure_commons.hookimpl(tryfirst=True)
    def report_result(self, result: Any) -> None:
        """Redacts the result of a test and corrects its status."""
        said, self._next = self._next, []
        for status, message, instead_of in said:
            if instead_of in {None, result.status}:
                result.status = status
                if message is not None:
                    trace = result.statusDetails.trace if result.statusDetails else None
                    result.statusDetails = StatusDetails(message=message, trace=trace)
                break
        self._redactor.value(result)

    @allure_commons.hookimpl(tryfirst=True)
    def report_container(self, container: Any) -> None:
        """Redacts set-ups and tear-downs, and leaves out those that say nothing about the rollback."""
        container.befores = [entry for entry in container.befores if self._owns(entry.name)]
        container.afters = [entry for entry in container.afters if self._owns_teardown(entry.name)]
        for entry in container.afters:
            entry.name = entry.name.rpartition("::")[0]
        self._redactor.value(container)

    def _owns_teardown(self, name: str) -> bool:
        # "title::1" is the rest of a generator fixture; "title::<lambda>" is pytest's own bookkeeping.
        title, _, finalizer = name.rpartition("::")
        return finalizer != "<lambda>" and self._owns(title)

    @allure_commons.hookimpl(tryfirst=True)
    def report_globals(self, globals_item: Any) -> None:
        """Redacts the attachments' names and errors of the whole run."""
        self._redactor.value(globals_item)

    @allure_commons.hookimpl(trylast=True)
    def report_attached_data(self, file_name: str) -> None:
        """Redacts an attachment after it was written."""
        self._redactor.file(self._results / file_name)

    @allure_commons.hookimpl(trylast=True)
    def report_attached_file(self, file_name: str) -> None:
        """Redacts the copy of an attached file; the original is its owner's business."""
        self._redactor.file(self._results / file_name)


class Unfailing:
    """Around Allure's file logger and what changes its files: a full disk costs the report, and nothing else.

    Without it, the error would end the session in the middle of what it does. ``lost`` is told what could not be written.
    """

    def __init__(self, results: Path, lost: Callable[[str], None]) -> None:
        self._results = results
        self._lost = lost

    @allure_commons.hookimpl(wrapper=True, tryfirst=True)
    def _kept(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except (OSError, UnicodeError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            self._lost(f"the report lacks files: {why}")
            # Half a file that nobody has redacted must not stay.
            for part in self._results.glob("*.tmp"):
                with suppress(OSError):
                    part.unlink()
            return None

    report_result = report_container = report_globals = report_attached_data = report_attached_file = _kept


def write_recommendation(results: Path, *, name: str, text: str, status: str) -> Path:
    """Writes what a decision session recommends as a result of its own, since no test says it: it stands beside them in the report."""
    attachment = results / f"{uuid.uuid4()}-attachment.txt"
    results.mkdir(parents=True, exist_ok=True)
    attachment.write_text(text, encoding="utf-8")
    return _write_result(
        results,
        message=name,
        labels=[("epic", "Recommendation"), ("suite", "Recommendation")],
        name=name,
        fullName="recommendation",
        historyId="recommendation",
        status=status,
        attachments=[{"name": "recommendation.txt", "source": attachment.name, "type": "text/plain"}],
    )


def write_died(results: Path, nodeid: str, *, name: str, labels: Iterable[tuple[str, str]], message: str) -> Path:
    """Writes the result of a test whose process died before it wrote one."""
    path, _, function = nodeid.partition("::")
    full_name = f"{path.removesuffix('.py').replace('/', '.')}#{function.rpartition('::')[2].partition('[')[0]}"
    fields = {"name": name, "fullName": full_name, "historyId": nodeid, "status": "broken", "attachments": []}
    return _write_result(results, message=message, labels=labels, **fields)


def _write_result(results: Path, *, message: str, labels: Iterable[tuple[str, str]], **fields: object) -> Path:
    identifier, now_ms = str(uuid.uuid4()), int(time.time() * 1000)
    result = {"uuid": identifier, "stage": "finished", "start": now_ms, "stop": now_ms, **fields}
    result["statusDetails"] = {"message": message}
    result["labels"] = [{"name": label, "value": value} for label, value in labels]
    path = results / f"{identifier}-result.json"
    results.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
