"""The wheel, installed where nothing else of the suite is: a product's repository with a plan, a contract and a check of its own."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sessions import Finished, RunningSandbox

ROOT = Path(__file__).resolve().parents[2]
OWN_CHECK = '''
"""Does the shop sell?"""

import pytest


@pytest.fixture
def basket() -> int:
    """Of this repository alone."""
    return 3


@pytest.mark.post_rollback
@pytest.mark.health
@pytest.mark.criterion("HC-4")
def test_the_shop_sells(basket: int) -> None:
    """Runbook: docs/runbook.md#shop."""
    assert basket == 3
'''
OWN_TESTS = {
    "conftest.py": 'def pytest_addoption(parser):\n    parser.addoption("--env", default="the product\'s own")\n',
    "test_product.py": (
        "def test_options(pytestconfig):\n"
        "    assert pytestconfig.getoption('--env') == 'own'\n"
        "    assert not pytestconfig.pluginmanager.hasplugin('pam_rollback.session.start_up')\n"
    ),
}


def built(folder: Path) -> Path:
    """The wheel of this checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [wheel] = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel, and the repository in which its commands are run."""

    programs: Path
    repository: Path

    def run(self, program: str, *arguments: str, within_s: float = 120) -> Finished:
        """Run a program of the environment, as whoever works in the repository does."""
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("PAM_", "PYTEST_", "GITHUB_"))
        }
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.repository,
            env={**clean, "COLUMNS": "120", "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        runs = sorted((self.repository / "reports" / "out").glob("2*"))
        return Finished(done.returncode, done.stdout + done.stderr, runs[-1] if runs else self.repository)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once."""
    return built(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment that has the wheel; what the wheel needs is borrowed from this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    install = [
        *installer(),
        "install",
        "--no-deps",
        "--offline",
        "--python",
        str(folder / "bin" / "python"),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True, timeout=60)
    return folder / "bin"


def installer() -> Sequence[str]:
    """As ``pip``, in a tenth of the time."""
    return [sys.executable, "-m", "uv", "pip"]


@pytest.fixture
def shop(environment: Path, tmp_path: Path) -> Installed:
    """A repository that was empty before ``pam-rollback init``."""
    made = Installed(environment, tmp_path)
    begun = made.run("pam-rollback", "init")
    assert begun.rc == 0, begun.out
    return made


def test_it_is_built_the_same_twice(wheel: Path, tmp_path: Path) -> None:
    """Whoever builds it from the same files gets the same bytes."""
    again = built(tmp_path)

    assert again.name == wheel.name
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(wheel.read_bytes()).digest()


def test_a_session_in_the_repository_of_a_product(shop: Installed, running_sandbox: RunningSandbox) -> None:
    """Its own plan, product, environment and check are used, with the suite's checks; the run is left in the repository.

    ``pytest --pyargs pam_rollback`` is the same command, and the product's own tests know nothing of the suite.
    """
    plan = shop.repository / "plan.toml"
    plan.write_text(
        plan.read_text(encoding="utf-8").replace("PAM deployment rollback plan", "The shop's plan"), encoding="utf-8"
    )
    contract = (ROOT / "products" / "pam-plan.toml").read_text(encoding="utf-8")
    (shop.repository / "products" / "shop.toml").write_text(
        contract.replace('name = "pam-plan"', 'name = "shop"').replace('title = "PAM"', 'title = "the shop"'),
        encoding="utf-8",
    )
    place = shop.repository / "environments" / "shop.toml"
    place.touch(mode=0o600)
    running = running_sandbox.file.read_text(encoding="utf-8")
    place.write_text(running.replace('name = "sandbox"\n', 'name = "shop"\nproduct = "shop"\n', 1), encoding="utf-8")
    (shop.repository / "checks" / "shop").mkdir(parents=True)
    (shop.repository / "checks" / "shop" / "test_selling.py").write_text(OWN_CHECK, encoding="utf-8")
    for name, text in OWN_TESTS.items():
        (shop.repository / name).write_text(text, encoding="utf-8")

    session = shop.run(
        *("python", "-m", "pytest", "--pyargs", "pam_rollback", "-m", "post_rollback", "--item", "HC-4"),
        *("-v", "--env", "shop"),
    )
    own = shop.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--env", "own", "test_product.py")

    assert session.rc == 0, session.out
    assert "REHEARSAL GO" in session.last_line
    assert session.outcomes() == {"test_pam_is_healthy": "passed", "test_the_shop_sells": "passed"}
    assert "plan: The shop's plan 1.0" in session.out
    assert session.record["environment"]["name"] == "shop"
    assert {one["what"] for result in session.record["results"] for one in result["measured"]} == {"the shop"}
    assert session.folder.parent == shop.repository / "reports" / "out"
    assert session.record["command_line"][:3] == ["pytest", "-m", "post_rollback"]
    assert own.rc == 0, own.out


def test_commands_need_no_checkout(shop: Installed) -> None:
    """Help, drills by name, the fixtures of checks; and a plan that is half there is said as in a checkout.

    What names a command names one that can be typed there.
    """
    explained = shop.run("pam-rollback", "--help")
    sandbox = shop.run("python", "-m", "pam_rollback.sandbox", "--help")
    alerts = shop.run("pam-rollback", "run", "alerts", "--help")
    which = shop.run("pam-rollback", "run", "drills", "--which", "frontend-restore")
    misspelt = shop.run("pam-rollback", "-m", "baselin")
    (shop.repository / "plan.toml").write_text('[about]\ntitle = "half"\n', encoding="utf-8")
    half = shop.run("pam-rollback", "-m", "health")

    assert "pam-rollback run COMMAND" in explained.out
    assert "--initiated-by" in explained.out
    assert "usage: pam-rollback [options]" in explained.out
    assert "usage: pam-rollback run sandbox" in sandbox.out
    assert "usage: pam-rollback run alerts" in alerts.out
    assert "`pam-rollback --markers` lists them" in misspelt.out
    assert sandbox.rc == 0, sandbox.out
    assert which.out == "drills/test_frontend_restore.py\n"
    assert half.rc == 4
    assert "plan.toml" in half.out
    assert "[about] version: " in half.out


@pytest.fixture
def fresh(wheel: Path, tmp_path: Path) -> Iterator[Installed]:
    """Nothing is borrowed: all that the wheel needs is installed with it."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=True)
    install = [*installer(), "install", "--python", str(folder / "bin" / "python"), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=600)
    (tmp_path / "shop").mkdir()
    yield Installed(folder / "bin", tmp_path / "shop")
    shutil.rmtree(folder)


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_all_checks_from_nothing_but_the_wheel(fresh: Installed) -> None:
    """A whole verification on a sandbox that the session starts itself."""
    assert fresh.run("pam-rollback", "init").rc == 0
    session = fresh.run("pam-rollback", "-m", "post_rollback", within_s=600)

    assert session.rc in {0, 11}, session.out
    assert "failed" not in session.outcomes().values()
    assert "broken" not in session.outcomes().values()
