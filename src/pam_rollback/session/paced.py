"""Holds each process of a session to what the product bears, where its contract says that; workers have a share each."""

import os
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from pam_rollback.base.wait import Waiter
from pam_rollback.outside import pace
from pam_rollback.outside.pace import Pace
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.progress import progress_of


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Raise pytest.UsageError for more workers than there are shares."""
    runbook = runbook_module.of(config)
    workers = getattr(config.option, "numprocesses", None)
    if runbook is not None and workers:
        try:
            runbook.environment.contract.limits.ours(int(workers))
        except ValueError as error:
            raise pytest.UsageError(f"-n {workers}: {error}") from None


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Before anything is sent. A real rollback waits for nothing until its action is done."""
    config, runbook = session.config, runbook_module.of(session.config)
    if runbook is None or runbook.options.dry_run or config.option.collectonly or not session.items:
        return
    urls, limits = runbook.environment.urls, runbook.environment.contract.limits
    if not limits.known:
        return
    runbook.kept_to = Pace(
        {urlsplit(url).netloc for url in (urls.api, urls.backend) if url},
        **limits.ours(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))).model_dump(),
        patient=not runbook.options.real,
        told=progress_of(config, runbook).tell,
        sleep=Waiter(stop=runbook.stop).pause,
    )
    with ExitStack() as held:
        held.enter_context(pace.held_to(runbook.kept_to))
        config.add_cleanup(held.pop_all().close)
