"""What a session shows to whoever asks for nothing else: a line a phase, what is red at once, one screen in the end."""

import re

import pytest

from tests.sessions import ONLY_HEALTH, ROOT, SCREEN, Project, RunningSandbox

CHECKS = '''"""Is it?"""
import pytest
from pam_rollback.core.errors import MeasurementFailed


@pytest.mark.health
@pytest.mark.criterion("HC-2")
def test_red():
    """The back end is well.  If red: docs/runbook.md#api-down"""
    assert 1 == 2, "HTTP 503 from the back end"


@pytest.mark.health
@pytest.mark.criterion("HC-3")
@pytest.mark.parametrize("part", ["first", "second"])
def test_blind(part):
    """The database is well."""
    raise MeasurementFailed("nobody answers")


@pytest.mark.integrity
@pytest.mark.criterion("SC-4")
def test_good():
    """The data is whole."""
'''


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about what is shown."""
    return ONLY_HEALTH


@pytest.mark.long_matrix
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["serial", "xdist"])
def test_what_is_red_is_told_at_once_and_first(
    running_sandbox: RunningSandbox, project: Project, workers: tuple[str, ...]
) -> None:
    """A line for a cause, none for a file and no percentages; then the verdict, what is broken, and all else."""
    project.write("checks/test_case.py", CHECKS)
    ended = project.run(SCREEN, "checks/test_case.py", "--env", str(running_sandbox.file), *workers)
    live, _, screen = ended.out.partition("REHEARSAL NO-GO")
    lines = [line for line in live.splitlines() if line.strip() and not line.startswith("bringing up")]

    assert ended.rc == 10, ended.out
    assert re.match(r"sandbox +rehearsal, pace 60, run \S+, began ", lines[0]), lines
    assert [line for line in lines if line.startswith("! ")] == [
        "! BROKEN HC-2 not true: The back end is well: HTTP 503 from the back end; docs/runbook.md#api-down",
        "! UNKNOWN HC-3 not known: The database is well: nobody answers; docs/runbook.md#database-unhealthy",
    ], live
    assert not re.search(r"\d%\]|^checks/|passed|generated xml|short test summary", ended.out, re.MULTILINE), ended.out
    assert screen.index("BROKEN HC-2") < screen.index("UNKNOWN HC-3 2 tests") < screen.index("when  ")
    assert ended.last_line.startswith("REHEARSAL NO-GO for checks/test_case.py")


def test_what_stood_in_the_way_of_all_is_one_cause(running_sandbox: RunningSandbox, project: Project) -> None:
    """A release that does not run: its gateway answers for it. One that is unhealthy by its own word says so for each part."""
    running_sandbox.remote.plant("release-down")
    ended = project.run(SCREEN, "-m", "health", "--env", str(running_sandbox.file))
    entries = [line for line in ended.out.splitlines() if line.startswith("  BROKEN")]

    assert ended.rc == 10, ended.out
    assert entries[0].startswith("  BROKEN HC-2 HC-3 HC-4 HC-5 4 tests; not true: The back end"), ended.out
    assert 'answers HTTP 502 with \'{"detail": "bad gateway"' in ended.out
    assert ended.out.count("answers HTTP 502, JSON without a status") == 2, ended.out  # at once, and in the end
    assert len({one["cause"] for one in ended.record["results"] if one["cause"]}) == 1

    running_sandbox.remote.clear_all()
    running_sandbox.remote.plant("database-down")
    ended = project.run(SCREEN, "-m", "health", "--env", str(running_sandbox.file))
    entries = [line for line in ended.out.splitlines() if line.startswith("  BROKEN")]

    # Whoever is woken begins where the others say that it is ill.
    assert [line.split()[1] for line in entries][:4] == ["HC-3", "HC-2", "HC-4", "HC-5"], ended.out
    assert not any(one["cause"] for one in ended.record["results"])


OLD = '''"""Is it new?"""
import pytest
from pam_rollback.browser.barriers import Element, Findings, Violation
from pam_rollback.target.known_before import KnownBefore


@pytest.fixture
def known_before():
    return KnownBefore({("CR-4", f"label on {state}: p"): 1 for state in ("home", "chat", "money")})


@pytest.mark.health
@pytest.mark.criterion("CR-4")
@pytest.mark.parametrize("state", ["home", "chat", "money"])
def test_pages(state, known):
    """Pages are as they were."""
    found = known(Findings(state, "rules", 1, (Violation("label", "serious", state, (Element("p"),), "h"),)))
    assert PROBLEM != state, "money was not reached"
    assert not found.violations, found


@pytest.mark.health
@pytest.mark.criterion("HC-2")
def test_good():
    """It is well."""
'''


@pytest.mark.parametrize("new", [False, True])
def test_what_was_there_before_is_one_cause(running_sandbox: RunningSandbox, project: Project, new: bool) -> None:  # noqa: FBT001
    """Told in one sentence, with one waiver; another thing that the same test found is new."""
    project.write("checks/test_case.py", OLD.replace("PROBLEM", '"money"' if new else '""'))
    ended = project.run(SCREEN, "checks/test_case.py", "--env", str(running_sandbox.file))
    said = " ".join(ended.out.split())

    assert ended.rc == 10, ended.out
    assert ("nothing is new: all 3 were there before, and nobody answers for them" in said) is not new
    assert ended.out.count("! BROKEN CR-4") == 1 + new, ended.out
    assert [one["nothing_new"] for one in ended.record["results"]] == [True, True, not new, False]
    assert ended.out.count("[[waivers]]") == 1, ended.out
    assert f"nothing new: {3 - new} known before, and nobody answers for them: label ({3 - new})" in said
    assert ended.record["results"][0]["unanswered"][0]["findings"] == ["label on home: p"]


def test_quiet_is_the_verdict_and_the_record_knows_no_screen(running_sandbox: RunningSandbox, project: Project) -> None:
    """``-q``: nothing of a session that goes well but its verdict. What is shown changes nothing of what is written."""
    ended = [project.run(detail, "-m", "health", "--env", str(running_sandbox.file)) for detail in ("-q", SCREEN, "-v")]
    quiet, *_ = ended
    kept = [(one.rc, sorted(one.outcomes().items()), sorted(one.record)) for one in ended]

    assert quiet.rc == 0, quiet.out
    assert quiet.out.strip().startswith("REHEARSAL GO for health")
    assert len(quiet.out.strip().splitlines()) <= 2
    assert kept[0] == kept[1] == kept[2]


def test_health_is_asked_before_whatever_waits(project: Project) -> None:
    """The first red of a verification comes within seconds: circuit breakers are given ten seconds to close, and come later."""
    project.write("checks/test_breakers.py", (ROOT / "checks/test_breakers.py").read_text(encoding="utf-8"))
    listed = project.run("-m", "post_rollback", "--collect-only", SCREEN, "-q").out
    files = list(dict.fromkeys(re.findall(r"^checks/\S+(?=::)", listed, re.MULTILINE)))

    assert files == ["checks/test_health.py", "checks/test_breakers.py"], files
