"""A leaf slice can be deleted, with its files of the runbook: a copy shows it. While it is there, other phases load nothing of it."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Collection
from pathlib import Path

import pytest

from pam_rollback.session.markers import ONLY_WHEN_NAMED
from pam_rollback.session.slices import listening, slices
from tests.sessions import Project, RunningSandbox, runbook_in

ROOT = Path(__file__).resolve().parents[1]
LEAVES = {
    "alerts": ("checks/test_alerting.py",),
    "postmortem": (),
    "gate": ("load/test_redeployment_gate.py",),
    "ramp": ("load/test_ramp.py",),
    "load": ("load/test_load.py", "load/locustfile.py"),
    "connect": ("checks/test_doctor.py",),
    "state": (),
    "tracker": (),
    "drills": (),
    "readiness": ("checks/test_readiness.py",),
    "watch": ("checks/test_watch.py",),
}
"""Each leaf, with its files of the runbook."""
KINDS_OF_ONE_PHASE = {"load"}
"""``-m load`` names a whole kind, whose tests are of the gate only: they wait to be named as well."""
CONTRACT = "leaves over session and topics over the foundation; leaves do not know each other, and nobody knows them"
_LOADED = """
import sys
import pytest

pytest.main(sys.argv[1:])
print("loaded", *sys.modules)
"""

_GREEN = """
import pytest

pytestmark = [pytest.mark.{marks}]


def test_a() -> None:
    assert True
"""


@pytest.fixture
def without(leaves: Collection[str], tmp_path: Path) -> Project:
    """A copy of the project to which those leaves were never added."""
    made = runbook_in(tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src")
    for leaf in leaves:
        shutil.rmtree(tmp_path / "src" / "pam_rollback" / leaf)
        for file in LEAVES[leaf]:
            (tmp_path / file).unlink()
    made.environment["PYTHONPATH"] = str(tmp_path / "src")
    look = "import pkgutil, pam_rollback; print(*(found.name for found in pkgutil.iter_modules(pam_rollback.__path__)))"
    left = output("-c", look, cwd=tmp_path, env=made.variables).split()
    assert "base" in left
    assert not set(left) & set(leaves)
    return made


def output(*arguments: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """What Python prints."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


def loaded(*arguments: str) -> set[str]:
    """The modules of leaf slices that a session loads; a slice's own name is not among them."""
    modules = output("-c", _LOADED, *arguments).rpartition("\nloaded ")[2].split()
    return {name for name in modules if name.startswith(tuple(f"pam_rollback.{leaf}." for leaf in LEAVES))}


@pytest.mark.long_matrix("leaves deleted one at a time")
@pytest.mark.parametrize("leaves", [LEAVES, *([leaf] for leaf in LEAVES)], ids=["all", *LEAVES])
def test_the_suite_runs_without_it(without: Project, running_sandbox: RunningSandbox) -> None:
    """All that is left is collected, and a session judges as before."""
    everything = without.run_apart("checks", "drills", "load", "--collect-only", "-q")
    session = without.run_apart("-m", "health", f"--env={running_sandbox.file}")

    assert everything.rc == 0, everything.out
    assert " tests collected" in everything.out
    assert session.rc == 0, session.out
    assert "REHEARSAL GO" in session.last_line


@pytest.mark.long_matrix
@pytest.mark.parametrize("leaves", [("load",), ()], ids=["without load", "with load"])
def test_without_load_the_gate_says_so(
    without: Project, leaves: Collection[str], running_sandbox: RunningSandbox
) -> None:
    """All that the gate asks is green, and that is no GO: load was not judged. With a load test it is one."""
    for file in (*(without.folder / "checks").glob("test_*.py"), *(without.folder / "load").glob("test_*.py")):
        file.unlink()
    without.write("load/test_redeployment_gate.py", _GREEN.format(marks="redeploy_gate"))
    if not leaves:
        without.write("load/test_load.py", _GREEN.format(marks="redeploy_gate, pytest.mark.load"))

    gate = without.run_apart("-m", "redeploy_gate", f"--env={running_sandbox.file}")

    assert gate.record["reasons"] == (["PARTIAL: load not judged: no load test is here"] if leaves else []), gate.out
    assert gate.rc == (11 if leaves else 0), gate.out


def test_a_session_of_another_phase_loads_nothing_of_it() -> None:
    """Start-up time is answer time. The list of all fixtures has its fixtures; its own phase is tested by its own sessions."""
    fixtures = {f"{leaf}.fixtures" for leaf in slices()}

    assert loaded("-m", "health", "--collect-only", "-q") == set()
    assert loaded("--fixtures", "checks/test_health.py") >= fixtures


@pytest.mark.parametrize("asked", ["--mode=real", "--undo=run-1"])
def test_a_real_run_loads_hooks_and_nothing_behind_them(asked: str) -> None:
    """Its provider is what it has to reach; the rest of a leaf is loaded when its hook is called."""
    hooks = {f"{leaf}.hooks" for leaf, loaded_for in listening().items() if loaded_for is None}

    assert hooks
    assert loaded("checks/test_health.py", asked, "--collect-only", "-q") == hooks


def test_it_serves_phases_that_run_only_when_they_are_named() -> None:
    """Else a session that does not name them would have tests of the slice, and no fixtures for them."""
    served = {marker for markers in slices().values() for marker in markers}

    assert served - ONLY_WHEN_NAMED <= KINDS_OF_ONE_PHASE


def test_each_leaf_is_held_by_the_contract() -> None:
    """What is deleted here is what import-linter lets nobody import."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [layers] = [contract["layers"] for contract in contracts if contract["name"] == CONTRACT]

    assert layers[0].split(" | ") == [*LEAVES]
