"""Real npm runs the scripts of a package: each outcome, what it leaves behind, and that nothing of it stays."""

import os
import time
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed, StopRequested
from pam_rollback.plan.plan_items import GateCommand
from pam_rollback.redeploy.gate.npm_stages import NpmPackage
from tests.http.test_programs import is_running
from tests.rollback.client.test_npm_build import project

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def command(script: str, deadline_s: float = 60) -> GateCommand:
    """One of the gate's."""
    return GateCommand(id="GA-1", title="x", anchor="x", command=f"npm run {script}", deadline_s=deadline_s)


def package(folder: Path, **scripts: str) -> NpmPackage:
    """A package with these scripts."""
    return NpmPackage(project(folder, **scripts), COMMIT, lambda _: None)


def test_a_stage_that_passes_leaves_its_reports(tmp_path: Path) -> None:
    """What test runners write is kept; what is of before is not, nor what lies elsewhere."""
    made = package(tmp_path / "web", test="mkdir -p reports && echo '<x/>' > reports/unit.xml && echo x > other.txt")
    (made.folder / "coverage").mkdir()
    old = made.folder / "coverage" / "old.info"
    old.write_text("old", encoding="utf-8")
    os.utime(old, (1, 1))
    made.install(tmp_path / "ci.log", deadline_s=60)

    stage = made.run(command("test"), tmp_path / "GA-1.log", keep_in=tmp_path / "kept")

    assert stage.exit_code == 0, stage
    assert [path.name for path in (tmp_path / "kept").rglob("*") if path.is_file()] == ["unit.xml"]
    assert stage.kept == 1
    assert "$ npm run test" in (tmp_path / "GA-1.log").read_text(encoding="utf-8")


def test_a_stage_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """Also what it left in the background, which would keep a port for the next stage."""
    made = package(tmp_path / "web", test=f"(sleep 300 & echo $! > {tmp_path}/pid) && sleep 300")

    stage = made.run(command("test", deadline_s=8), tmp_path / "log", keep_in=tmp_path / "kept")

    assert stage.exit_code is None
    assert "no end within 8 s" in str(stage)
    assert not is_running((tmp_path / "pid").read_text(encoding="utf-8"))


def test_a_stop_ends_it(tmp_path: Path) -> None:
    """Whoever interrupts a session does not wait for a stage."""

    def stop(log: Path) -> None:
        if "begun" in log.read_text(encoding="utf-8").rpartition("\n>")[2].partition("\n")[2]:
            raise StopRequested("stop")

    made = NpmPackage(project(tmp_path / "web", test="echo begun && sleep 300"), COMMIT, stop)
    began_s = time.monotonic()

    with pytest.raises(StopRequested):
        made.run(command("test", deadline_s=200), tmp_path / "log", keep_in=tmp_path / "kept")

    assert time.monotonic() - began_s < 60


def test_without_a_lock_nothing_is_tested(tmp_path: Path) -> None:
    """Nor without a package."""
    made = package(tmp_path / "web", test="true")
    (made.folder / "package-lock.json").unlink()
    with pytest.raises(MeasurementFailed, match=r"expected a package-lock\.json"):
        made.install(tmp_path / "log", deadline_s=60)
    (made.folder / "package.json").unlink()
    with pytest.raises(MeasurementFailed, match=r"frontend_folder right\?"):
        made.install(tmp_path / "log", deadline_s=60)


def test_an_install_that_fails_is_not_a_stage_that_failed(tmp_path: Path) -> None:
    """The lock file and the package do not fit together."""
    made = package(tmp_path / "web", test="true")
    (made.folder / "package-lock.json").write_text(
        '{"name": "site", "lockfileVersion": 3, "packages": {}}', encoding="utf-8"
    )

    with pytest.raises(MeasurementFailed, match="npm ci: exit code"):
        made.install(tmp_path / "log", deadline_s=60)


def test_secrets_of_the_session_are_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given is given; what stands in the environment is not."""
    monkeypatch.setenv("PAM_ADMIN_TOKEN", "of-the-session")
    folder = project(tmp_path / "web", test='cd . && echo "[$PAM_ADMIN_TOKEN] [$TEST_USER_EMAIL]"')
    made = NpmPackage(folder, COMMIT, lambda _: None, {"TEST_USER_EMAIL": "given"})

    made.run(command("test"), tmp_path / "log", keep_in=tmp_path / "kept")

    assert "[] [given]" in (tmp_path / "log").read_text(encoding="utf-8")
