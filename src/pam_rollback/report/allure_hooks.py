"""What passes between Allure's listener and its files: secrets out, noise out, interrupted tests named.

Register an instance on ``allure_commons.plugin_manager`` after allure-pytest has registered its own file logger.
"""

import json
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import allure_commons
from allure_commons.model2 import StatusDetails

from pam_rollback.base.outside_text import visible
from pam_rollback.report.redaction import Redactor

Status = Literal["passed", "failed", "broken", "skipped"]

NOT_FINISHED: Final = "not finished: "
"""How the message of an interrupted test begins; a category of the report goes by it."""


@dataclass(frozen=True)
class _Override:
    status: Status
    message: str | None


class AllureHooks:
    """Allure's hooks that change what is about to be written.

    ``results`` is the folder that Allure writes to; ``owns`` tells by its title whether a fixture is ours and belongs
    in the report: all others (of pytest and its plugins) are left out.
    """

    def __init__(self, results: Path, redactor: Redactor, *, owns: Callable[[str], bool]) -> None:
        self._results = results
        self._redactor = redactor
        self._owns = owns
        self._override: _Override | None = None
        self._skipped_because = ""
        self._failed_after = ""

    def override_next(self, status: Status, message: str | None = None) -> None:
        """Gives the result that is written next in this process another status, and another message when one is given.

        A process runs one test at a time, so "next" is the test that runs now.
        """
        self._override = _Override(status, message)

    def not_finished(self, why: str) -> None:
        """The test that runs now was interrupted: it is neither passed nor failed, whatever its last phase said."""
        self.override_next("broken", NOT_FINISHED + why)

    def skipped_because(self, why: str) -> None:
        """Why the test that runs now is skipped. Allure knows exceptions only: it would show no reason, or one with a module's name."""
        self._skipped_because = why

    def failed_after(self, why: str) -> None:
        """The teardown of the test that runs now failed: what was skipped before that is so no more, though Allure leaves it."""
        self._failed_after = why

    @allure_commons.hookimpl(tryfirst=True)
    def report_result(self, result: Any) -> None:
        """Redacts the result of a test and corrects its status."""
        override, self._override = self._override, None
        if override is not None:
            result.status = override.status
            if override.message is not None:
                trace = result.statusDetails.trace if result.statusDetails else None
                result.statusDetails = StatusDetails(message=override.message, trace=trace)
        failed, self._failed_after = self._failed_after, ""
        if failed and result.status == "skipped":
            result.status, result.statusDetails = "broken", StatusDetails(message=failed)
        why, self._skipped_because = self._skipped_because, ""
        if why and result.status == "skipped":
            trace = result.statusDetails.trace if result.statusDetails else None
            result.statusDetails = StatusDetails(message=why, trace=trace)
        self._redactor.in_place(result)

    @allure_commons.hookimpl(tryfirst=True)
    def report_container(self, container: Any) -> None:
        """Redacts set-ups and tear-downs, and leaves out those that say nothing about the rollback."""
        container.befores = [entry for entry in container.befores if self._owns(entry.name)]
        container.afters = [entry for entry in container.afters if self._owns_teardown(entry.name)]
        for entry in container.afters:
            entry.name = entry.name.rpartition("::")[0]
        self._redactor.in_place(container)

    def _owns_teardown(self, name: str) -> bool:
        # "title::1" is the rest of a generator fixture; "title::<lambda>" is pytest's own bookkeeping.
        title, _, finalizer = name.rpartition("::")
        return finalizer != "<lambda>" and self._owns(title)

    @allure_commons.hookimpl(tryfirst=True)
    def report_globals(self, globals_item: Any) -> None:
        """Redacts the attachments' names and errors of the whole run."""
        self._redactor.in_place(globals_item)

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
    def report_result(self) -> Generator[None, object, object]:
        """The result of a test."""
        return (yield from self._kept())

    @allure_commons.hookimpl(wrapper=True, tryfirst=True)
    def report_container(self) -> Generator[None, object, object]:
        """Set-ups and tear-downs."""
        return (yield from self._kept())

    @allure_commons.hookimpl(wrapper=True, tryfirst=True)
    def report_globals(self) -> Generator[None, object, object]:
        """What concerns the whole run."""
        return (yield from self._kept())

    @allure_commons.hookimpl(wrapper=True, tryfirst=True)
    def report_attached_data(self) -> Generator[None, object, object]:
        """An attachment."""
        return (yield from self._kept())

    @allure_commons.hookimpl(wrapper=True, tryfirst=True)
    def report_attached_file(self) -> Generator[None, object, object]:
        """An attached file, which may not be there either."""
        return (yield from self._kept())

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


def write_environment(results: Path, facts: Mapping[str, str]) -> Path:
    """Writes ``environment.properties``: what the report shows as metadata. The caller keeps secrets out."""
    lines = [f"{_escaped(name, key=True)} = {_escaped(visible(value), key=False)}\n" for name, value in facts.items()]
    return _write(results / "environment.properties", "".join(lines))


def write_recommendation(results: Path, *, name: str, text: str, status: str) -> Path:
    """Writes what a decision session recommends as a result of its own, since no test says it: it stands beside them in the report."""
    identifier = str(uuid.uuid4())
    attachment = _write(results / f"{identifier}-attachment.txt", text)
    now_ms = int(time.time() * 1000)
    result = {
        "uuid": identifier,
        "name": name,
        "fullName": "recommendation",
        "historyId": "recommendation",
        "status": status,
        "stage": "finished",
        "statusDetails": {"message": name},
        "start": now_ms,
        "stop": now_ms,
        "labels": [{"name": "epic", "value": "Recommendation"}, {"name": "suite", "value": "Recommendation"}],
        "attachments": [{"name": "recommendation.txt", "source": attachment.name, "type": "text/plain"}],
    }
    return _write(results / f"{identifier}-result.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def write_died(results: Path, nodeid: str, *, name: str, labels: Iterable[tuple[str, str]], message: str) -> Path:
    """Writes the result of a test whose process died before it wrote one."""
    path, _, function = nodeid.partition("::")
    full_name = f"{path.removesuffix('.py').replace('/', '.')}#{function.rpartition('::')[2].partition('[')[0]}"
    now_ms = int(time.time() * 1000)
    result = {
        "uuid": str(uuid.uuid4()),
        "name": name,
        "fullName": full_name,
        "historyId": nodeid,
        "status": "broken",
        "stage": "finished",
        "statusDetails": {"message": message},
        "start": now_ms,
        "stop": now_ms,
        "labels": [{"name": label, "value": value} for label, value in labels],
    }
    return _write(results / f"{result['uuid']}-result.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _escaped(text: str, *, key: bool) -> str:
    special = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if key:
        special |= {character: f"\\{character}" for character in " =:#!"}
    body = "".join(special.get(character, character) for character in text)
    if body.startswith(" "):
        body = f"\\{body}"
    return "".join(character if character.isascii() else _utf16_escape(character) for character in body)


def _utf16_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))
