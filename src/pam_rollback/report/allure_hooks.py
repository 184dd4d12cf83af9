"""What passes between Allure's listener and its files: secrets out, noise out, interrupted tests named.

Register an instance on ``allure_commons.plugin_manager`` after allure-pytest has registered its own file logger.
"""

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import allure_commons
from allure_commons.model2 import StatusDetails

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
