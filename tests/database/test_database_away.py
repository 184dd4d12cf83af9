"""The database is away for two seconds while it is asked: it is asked once more, and what it holds is known."""

import pytest

from tests.sessions import Project, RunningSandbox

AWAY = """
import threading
import tomllib

from pam_rollback.database import integrity
from pam_sandbox.remote import Remote

asked = integrity.evaluate
sandbox = tomllib.loads(open("{file}").read())["sandbox"]
remote = Remote(sandbox["control_url"], sandbox["token"])
times = []


def evaluate(*given, **more):
    times.append(1)
    if len(times) <= {outages}:
        remote.plant("database-down")
        threading.Timer(2, remote.clear_all).start()
    return asked(*given, **more)


integrity.evaluate = evaluate
"""


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """What the database is asked."""
    return ("integrity",)


@pytest.mark.parametrize(("outages", "outcomes"), [(1, {"passed"}), (2, {"could not measure"})])
def test_two_seconds_without_the_database_leave_nothing_unknown(
    running_sandbox: RunningSandbox, project: Project, outages: int, outcomes: set[str]
) -> None:
    """Once is asked again, on a new snapshot; twice is not known, as before."""
    conftest = project.folder / "conftest.py"
    away = AWAY.format(file=running_sandbox.file, outages=outages)
    conftest.write_text(conftest.read_text(encoding="utf-8") + away, encoding="utf-8")
    try:
        ended = project.run_apart("-m", "integrity", "--env", str(running_sandbox.file))
    finally:
        running_sandbox.as_it_was()

    assert {result["outcome"] for result in ended.record["results"]} == outcomes, ended.out
