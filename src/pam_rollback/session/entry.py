"""What happens before pytest starts anything: configuration, consent, identity. A session that ends here has changed nothing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pam_rollback.base.errors import MeasurementFailed, Refused, UndoFailed
from pam_rollback.base.outside_text import for_terminal, redacted
from pam_rollback.report.verdict import ExitCode
from pam_rollback.session import (
    earlier_run,
    guard,
    last_words,
    markers,
    preparing,
    project_root,
    pytest_options,
    runbook,
    situations,
    stop,
)
from pam_rollback.session.runbook import Runbook


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Prepare the session; gives its exit code when it ends here, else None."""
    project_root.restart_if_missed(config)
    if runbook.is_about_it(config):
        pytest_options.refuse_missing_parts(config)
        listed = pytest_options.only_lists(config, consented=_is_consented(config))
        if listed:
            return _end(ExitCode.INCONCLUSIVE, f"INCONCLUSIVE, nothing was done: {listed}")
    return _begin(config)


def _begin(config: pytest.Config) -> int | None:
    try:
        return _prepared(config)
    except MeasurementFailed as error:
        return _end(ExitCode.INCONCLUSIVE, f"INCONCLUSIVE: {error}")
    except OSError as error:
        # Whatever was named, or what the project keeps, cannot be looked at: too long a name, no permission, a disk that fails.
        from pam_rollback.outside.plainly import cannot_be_used  # noqa: PLC0415 - for this

        # An undo may have put something back before.
        then = "mend that, and repeat the command" if config.option.pam_undo else "nothing was changed"
        raise pytest.UsageError(f"{cannot_be_used(error)}; {then}") from None


def _prepared(config: pytest.Config) -> int | None:
    prepared = preparing.prepare(config)
    if prepared is None:
        return None
    markers.check_expression(config.option.markexpr)
    situations.decide(config, prepared)
    if config.option.collectonly or prepared.worker:
        return None
    try:
        return _may_it_run(config, prepared)
    except Refused as error:
        return _end(
            ExitCode.REFUSED, f"REFUSED by the guard, nothing was changed:\n{error}\n  see docs/runbook.md#refused"
        )
    except UndoFailed as error:
        return _end(ExitCode.UNDO_FAILED, f"UNDO FAILED: {error}\n  see docs/runbook.md#undo-failed")


def _is_consented(config: pytest.Config) -> bool:
    option = config.option
    return bool(option.pam_execute or option.pam_undo or option.pam_resume)


def _may_it_run(config: pytest.Config, prepared: Runbook) -> int | None:
    guard.refuse_production(prepared.environment, config.rootpath / "environments")
    try:
        if prepared.options.undo:
            guard.check_undo(config, prepared)
            if prepared.options.execute:
                stop.outlive_the_terminal(config)
            if not prepared.options.dry_run:
                guard.prove(prepared.environment)
            from pam_rollback.session import undoing  # noqa: PLC0415 - strategies and hosts, for those who act

            undone = undoing.undo_run(config, prepared)
            sys.stdout.write(f"{prepared.secrets.show(undone)}\n")
            return int(ExitCode.INCONCLUSIVE) if prepared.options.dry_run else 0
        if prepared.options.resume:
            from pam_rollback.session import resuming  # noqa: PLC0415 - the same

            resuming.take_over(config, prepared)
    except earlier_run.NothingDone as nothing:
        # To put back nothing is done at once; to finish it is not possible.
        return _end(0 if prepared.options.undo else ExitCode.REFUSED, str(nothing))
    guard.check(config, prepared)
    if prepared.options.real:
        stop.outlive_the_terminal(config)
    if not prepared.options.dry_run:
        guard.prove(prepared.environment)
    with _nothing_left_of(prepared.folder):
        prepared.make_folder(config)
    alarm = last_words.Alarm(config, prepared)
    prepared.journal.tell_losses_to(alarm)
    config.add_cleanup(alarm.end)
    if prepared.resumed is not None and not prepared.options.dry_run:
        from pam_rollback.session import resuming  # noqa: PLC0415 - the same

        resuming.begin(config, prepared)
    return None


@contextmanager
def _nothing_left_of(folder: Path) -> Iterator[None]:
    """A folder that is refused leaves none of its parents behind, as far as they were made for it."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        yield
    except pytest.UsageError:
        for place in made:
            with suppress(OSError):
                place.rmdir()
        raise


def _end(code: ExitCode | int, message: str) -> int:
    sys.stderr.write(f"{for_terminal(redacted(message))}\n")
    return int(code)
