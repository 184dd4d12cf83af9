"""A provider, a strategy, a health check, a criterion, an invariant from outside, a check into the suite: the how-tos' own files."""

import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest

from pam_rollback.core.clock import SystemClock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.http.provider import Asking
from pam_rollback.rollback import provider_access
from pam_rollback.rollback.deploy_choice import History
from pam_rollback.rollback.deploys import SiteHost
from pam_rollback.rollback.frontend import Frontend, undo_publishing
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.kept_host_records import host_records
from pam_rollback.rollback.provider_access import served_site, site_look
from pam_rollback.rollback.step_list import Telling
from pam_rollback.target.environment_file import load_environment
from tests.additions import FROM_OUTSIDE, INSIDE, TOKEN, Pier, blocks, commands, pier
from tests.fault_rows import health
from tests.rollback.strategies.performed import as_drilled
from tests.rollback.strategies.stage import MemoryStage
from tests.sessions import ONLY_HEALTH, ROOT, Project, RunningSandbox

FILES_MAX = {"A health check": 4, "A decision criterion": 4, "A strategy": 5, "An invariant": 3}
OUTSIDE = ("conftest.py", "environments/harbour.toml")
"""Where a provider is named."""


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """None of the suite's: this is about what is added."""
    return ()


@pytest.fixture
def host() -> Iterator[Pier]:
    """Pier, with three builds that wait."""
    with pier() as started:
        yield started


def places(host: Pier, api: str) -> dict[str, str]:
    """What stands where the page has an invented address."""
    sites = dict.fromkeys(("https://www.harbour.example", "https://pier.harbour.example"), host.url)
    return {**sites, "https://api.harbour.example": api}


@pytest.fixture
def harbour(project: Project, running_sandbox: RunningSandbox, host: Pier) -> Project:
    """The project with all that the page adds."""
    (project.folder / "docs").mkdir()
    (project.folder / "docs" / "runbook.md").write_text((ROOT / "docs" / "runbook.md").read_text("utf-8"), "utf-8")
    for block in blocks():
        block.put_into(project.folder, places(host, running_sandbox.state["urls"]["api"]))
    dsn = running_sandbox.variables["PAM_DATABASE_DSN"]
    state = {"XDG_STATE_HOME": str(project.folder / "state")}
    project.environment.update({"PAM_DATABASE_DSN": dsn, "PIER_TOKEN": TOKEN, **state})
    return project


def test_few_files_are_touched() -> None:
    """Of each addition; a provider is a folder, and whoever names it. None is of ``src/``."""
    found = defaultdict(set)
    for block in blocks():
        found[block.heading].add(block.file)
    own_folder = found.pop("A provider") - {*OUTSIDE}

    assert {Path(file).parts[0] for file in own_folder} == {"pier"}
    assert found.keys() == FILES_MAX.keys()
    assert {heading: files for heading, files in found.items() if len(files) > FILES_MAX[heading]} == {}
    assert not any("src" in Path(file).parts for files in found.values() for file in files)


def test_every_python_block_of_the_docs_is_one_of_these() -> None:
    """Each says whose file it is; the tests below run them all."""
    told = {
        page: page.read_text("utf-8").count("```py") for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    }
    tried = {page: sum(one.file.endswith(".py") for one in blocks(page)) for page in (FROM_OUTSIDE, INSIDE)}

    assert {page: count for page, count in told.items() if count} == tried


@pytest.mark.parametrize("checks_copied", [ONLY_HEALTH])
def test_a_check_is_written_green_and_seen_red(project: Project, running_sandbox: RunningSandbox) -> None:
    """With the files of the page, and by its own row: the fault turns these checks red, and no other."""
    check, added = blocks(INSIDE)
    check.put_into(project.folder, {})
    known = {**vars(health), "ROWS": []}
    exec(added.text, known)  # noqa: S102 - our own page
    [row] = known["ROWS"]
    asked = ("-m", row.select, "--env", str(running_sandbox.file))

    green = project.run(*asked)
    running_sandbox.remote.plant(row.fault, **row.parameters)
    red = project.run(*asked)

    name = "test_back_end_names_its_release"
    assert (check.file, added.file) == ("checks/test_version.py", "tests/fault_rows/health.py")
    assert (green.rc, green.outcomes()[name]) == (0, "passed"), green.out
    assert {one for one, outcome in red.outcomes().items() if outcome == "broken criterion"} == row.red, red.out
    assert row.words in " ".join(red.out.split())


def test_what_is_added_is_used_and_put_back(harbour: Project, host: Pier) -> None:
    """The criterion is met and names the strategy; that is carried out for real, then judged by the checks, then put back."""
    preflight, decision, rollback, undo = commands()
    could = harbour.run(*preflight)
    decided = harbour.run(*decision)
    done = harbour.run(*rollback)
    asked = list(host.asked)
    put_back = harbour.run(*(str(done.folder) if part == "reports/out/RUN" else part for part in undo))

    assert could.outcomes() == {"test_the_page_can_be_shown": "passed"}, could.out
    assert {way["name"]: way["state"] for way in could.record["standing"]["ways"]}["maintenance"] == "ready", could.out
    assert decided.outcomes() == {"test_builds_do_not_wait": "broken criterion"}, decided.out
    assert decided.record["decision"]["strategy"]["id"] == "ST-7", decided.out
    assert "pytest drills/test_maintenance.py --env harbour" in decided.record["decision"]["strategy"]["command"]
    assert done.outcomes() == {
        "test_the_page_is_shown": "passed",
        "test_the_pier_is_open": "passed",
        "test_expenses_receipts": "passed",
    }, done.out
    assert asked == ["live page-kept-ready", *(f"stop build-{number}" for number in (3, 2, 1))]
    assert put_back.rc == 0, put_back.out
    assert host.live == "release-2"
    assert TOKEN not in f"{decided.out}{done.out}{put_back.out}"


@pytest.fixture
def page_of_pier(tmp_path: Path) -> Iterator[ModuleType]:
    """The page's module, imported as from a project's root."""
    [block] = [one for one in blocks() if one.file == "pier/__init__.py"]
    block.put_into(tmp_path, {})
    spec = importlib.util.spec_from_file_location("pier", tmp_path / "pier" / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with ExitStack() as left:
        sys.modules["pier"] = module
        left.callback(sys.modules.pop, "pier")
        spec.loader.exec_module(module)
        yield module


def test_the_provider_is_what_the_engine_asks_for(
    page_of_pier: ModuleType, host: Pier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its words a way that knows nothing of it brings the deploy to visitors and puts it back."""
    for block in blocks():
        if block.file == "environments/harbour.toml":
            block.put_into(tmp_path, places(host, "http://127.0.0.1:9"))
    variables = {"PIER_TOKEN": TOKEN, "PAM_DATABASE_DSN": "postgresql://pam@127.0.0.1/pam"}
    environment = load_environment(str(tmp_path / "environments" / "harbour.toml"), ROOT / "environments", variables)
    site: SiteHost = page_of_pier.host(environment, Asking())

    with pytest.raises(MeasurementFailed, match=r"names no backend_host"):
        host_records(environment)
    monkeypatch.setitem(provider_access.PROVIDERS, "pier", cast("provider_access.Provider", page_of_pier))
    assert TOKEN in environment.secrets()
    assert History(site.rules, site.deploys(), site.live()).choose().deploy.id == "release-1"

    telling = Telling(None, "", Journal(tmp_path / "journal.jsonl"), SystemClock())
    tools = Frontend(site, site_look(served_site(environment)), Waiter())
    stage = MemoryStage(telling.journal)
    done = as_drilled("frontend-restore", stage, site=tools, last_stable_deploy=lambda: {"deploy": "release-1"})
    assert (done.served.is_wanted, done.published.id, done.published.locked) == (True, "release-1", True)
    [owed] = telling.journal.owed()
    undo_publishing(owed, tools, telling.journal)
    assert (host.live, site.live().locked) == ("release-2", False)
