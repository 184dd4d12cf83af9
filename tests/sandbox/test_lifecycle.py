"""The life of a sandbox: it starts for everybody, says one thing when it cannot, and leaves nothing, however it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import psycopg
import pytest

from pam_sandbox import janitor
from pam_sandbox.children import Children
from pam_sandbox.janitor import start_mark
from pam_sandbox.planting import SURPRISES
from pam_sandbox.supervisor import make_folder
from tests.sandbox.lifecycle_scene import (
    COMMAND,
    GONE_WITHIN_S,
    assert_nothing_left,
    descendants,
    eventually,
    remote_of,
    running,
    settings,
)

READY_WITHIN_S = 30
PARENT = """
import sys, time
from pathlib import Path
from pam_sandbox.launch import launch
with launch(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(600)
"""


def refused(place: Path, *arguments: str, **more: str) -> str:
    """What a sandbox says that does not start."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=settings(place, **more),
        check=False,
        timeout=READY_WITHIN_S,
    )
    assert (done.returncode, done.stdout) == (2, ""), done
    assert "Traceback" not in done.stderr
    assert list((place / "tmp").iterdir()) == []
    return done.stderr


def test_the_state_file_is_private_and_complete(place: Path) -> None:
    """Whoever attaches finds addresses, the token and the invented secrets in one file that nobody else can read."""
    with running(place) as found:
        state = tomllib.loads(found.state_file.read_text(encoding="utf-8"))

        assert found.state_file.stat().st_mode & 0o777 == 0o600
        assert (state["extends"], state["name"], state["kind"]) == ("sandbox", "sandbox", "sandbox")
        addresses = (*state["urls"].values(), state["sandbox"]["control_url"], state["render"]["api_url"])
        assert all(url.startswith("http://127.0.0.1:") for url in addresses)
        assert state["sandbox"]["variables"]["PAM_DATABASE_DSN"].startswith("postgresql://pam_auditor:")


def test_a_sandbox_can_speak_the_plans_dialect(place: Path) -> None:
    """Its file says so, and the plan's own SQL runs with its DSN as it stands, on the rows of the product."""
    with running(place, command=[*COMMAND, "--dialect", "plan"]) as found:
        state = tomllib.loads(found.state_file.read_text(encoding="utf-8"))
        with psycopg.connect(state["sandbox"]["variables"]["PAM_DATABASE_DSN"]) as connection:
            row = connection.execute("SELECT count(*), count(response) FROM pam_conversations").fetchone()
            settings = connection.execute("SELECT count(*), count(settings) FROM profiles").fetchone()

    assert state["sql"] == {"dialect": "plan"}
    assert row is not None
    assert settings is not None
    assert row[0] == row[1] > 1000
    assert settings[0] == settings[1] > 300


@pytest.mark.long_matrix(first=2)
@pytest.mark.parametrize("ending", ["SIGKILL", "stdin", "SIGTERM", "SIGINT", "SIGHUP"])
def test_nothing_is_left_however_it_ends(place: Path, ending: str) -> None:
    """Also after a kill -9 of the supervisor no process and no file stays."""
    with running(place) as found:
        assert len(found.processes) >= 4, "supervisor, janitor, release, database"
        if ending == "stdin":
            assert found.process.stdin is not None
            found.process.stdin.close()
        else:
            found.process.send_signal(signal.Signals[ending])
        code = found.process.wait(GONE_WITHIN_S)

        assert_nothing_left(place, is_gone=found.is_gone)
        assert code == (-signal.SIGKILL if ending == "SIGKILL" else 0)


def test_nothing_is_left_when_supervisor_and_frozen_release_are_killed(place: Path) -> None:
    """The ugliest end: a release that hangs, a stopped database, and the supervisor is killed."""
    with running(place) as found:
        remote = remote_of(found.state_file)
        remote.plant("release-down", how="hung")
        remote.plant("database-down")
        found.process.kill()
        found.process.wait(GONE_WITHIN_S)

        assert_nothing_left(place, is_gone=found.is_gone)


def test_nothing_is_left_when_the_parent_is_killed(place: Path) -> None:
    """A pytest that is killed with -9 takes its sandbox with it."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(place / "state.toml")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=settings(place),
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        processes = descendants(parent.pid)
        parent.kill()
        parent.wait(GONE_WITHIN_S)

    assert len(processes) >= 5
    assert_nothing_left(place, is_gone=lambda: all(start_mark(pid) != mark for pid, mark in processes.items()))


def test_what_a_helper_makes_anew_after_a_kill_goes_too(tmp_path: Path) -> None:
    """Such as git, which writes on for a moment when whoever called it was killed, and makes the folders that it needs."""
    folder = tmp_path / "sandbox"
    with subprocess.Popen([sys.executable, "-I", janitor.__file__], stdin=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        folder.mkdir()
        running.stdin.write(json.dumps({"folder": str(folder)}) + "\n")
        running.stdin.close()
        eventually(lambda: not folder.exists(), "the folder is left")
        (made := tmp_path / "made" / "repository.git").mkdir(parents=True)
        made.parent.rename(folder)  # at once: what is half made is removed between two steps
        assert running.wait(GONE_WITHIN_S) == 0

    assert not folder.exists()


@pytest.mark.nightly
def test_it_ends_in_order_without_its_janitor(place: Path) -> None:
    """The janitor is a net, not a part that everything hangs on."""
    with running(place) as found:
        os.kill(janitor_of(found.process.pid), signal.SIGKILL)
        remote_of(found.state_file).plant("release-down")
        found.process.terminate()

        assert found.process.wait(GONE_WITHIN_S) == 0
        assert_nothing_left(place, is_gone=found.is_gone)


def janitor_of(pid: int) -> int:
    """The janitor of the supervisor `pid`."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    return next(int(child) for child, parent, args in rows if int(parent) == pid and "janitor" in args)


@pytest.mark.skipif(sys.platform != "linux", reason="only the Linux kernel ends the children of a dead process")
def test_no_process_is_left_when_the_janitor_dies_first(place: Path) -> None:
    """The kernel alone ends every process; only the janitor could have removed the files."""
    with running(place) as found:
        os.kill(janitor_of(found.process.pid), signal.SIGKILL)
        found.process.kill()
        found.process.wait(GONE_WITHIN_S)

        eventually(found.is_gone, "a process is left")
    (place / "state.toml").unlink()


@pytest.mark.nightly
def test_nothing_is_left_where_the_kernel_does_not_help(place: Path) -> None:
    """Elsewhere than on Linux, the janitor alone ends the processes of a supervisor that was killed."""
    without_help = (
        "import sys, pam_sandbox.children as children; children._die_with_parent = lambda number: None; "
        "from pam_sandbox.__main__ import main; sys.exit(main())"
    )
    with running(place, command=[sys.executable, "-c", without_help]) as found:
        remote_of(found.state_file).plant("release-down", how="hung")
        found.process.kill()
        found.process.wait(GONE_WITHIN_S)

        assert_nothing_left(place, is_gone=found.is_gone)


def test_its_folder_is_told_before_it_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Killed in between, on a busy machine, a folder that nobody knew of stayed for ever."""
    there: dict[Path, bool] = {}
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Children, "owns_folder", lambda _, folder: there.setdefault(folder, folder.exists()))

    folder = make_folder(Children.__new__(Children))

    assert there == {folder: False}
    assert folder.stat().st_mode & 0o777 == 0o711


@pytest.mark.long_matrix(first=2)
@pytest.mark.parametrize("after_s", [0.02, 0.25, 0.6])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_start_leaves_nothing(place: Path, after_s: float, number: signal.Signals) -> None:
    """Whoever changes their mind while it starts has nothing to clean up."""
    with subprocess.Popen(
        [*COMMAND, "--state-file", str(place / "state.toml")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=settings(place, XDG_CACHE_HOME=str(place / "cache")),  # without a template a start takes longer
    ) as process:
        end_s = time.monotonic() + READY_WITHIN_S
        while not list((place / "tmp").iterdir()):  # its folder is the first thing that it makes
            assert time.monotonic() < end_s
            time.sleep(0.005)
        time.sleep(after_s)
        processes = descendants(process.pid)
        process.send_signal(number)
        process.wait(READY_WITHIN_S)

    assert_nothing_left(place, is_gone=lambda: all(start_mark(pid) != mark for pid, mark in processes.items()))


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs the program unshare to become another user")
@pytest.mark.long_matrix
@pytest.mark.parametrize("uid", [65534, 54321], ids=["with a name", "without a name"])
def test_an_ordinary_user_can_start_it(place: Path, uid: int) -> None:
    """Nothing needs root, and a container's user need not have a name."""
    as_user = ("unshare", "--user", f"--map-user={uid}", f"--map-group={uid}")
    cache = {"XDG_CACHE_HOME": str(place / "cache")}
    with running(place, cache, prefix=as_user if os.geteuid() == 0 else ()) as found:
        assert remote_of(found.state_file).identity()["live"] == "candidate"
        assert (place / "cache" / "pam-rollback").stat().st_mode & 0o777 == 0o700
        found.process.kill()
        found.process.wait(GONE_WITHIN_S)

        assert_nothing_left(place, is_gone=found.is_gone)


@pytest.mark.nightly
def test_root_can_start_it_where_no_other_account_can_go(place: Path) -> None:
    """A temporary folder that is closed to others is no obstacle."""
    (place / "tmp").chmod(0o700)
    with running(place) as found:
        assert remote_of(found.state_file).identity()["live"] == "candidate"
        found.process.kill()
        found.process.wait(GONE_WITHIN_S)

        assert_nothing_left(place, is_gone=found.is_gone)


@pytest.mark.nightly
def test_a_broken_template_is_made_anew(place: Path) -> None:
    """Damage in the cache costs a second, not a drill, and the sandbox says so."""
    cache = {"XDG_CACHE_HOME": str(place / "cache")}
    with running(place, cache):
        pass
    table = next((place / "cache").rglob("PG_VERSION"))
    table.write_text("nonsense", encoding="utf-8")
    with running(place, cache) as found:
        assert remote_of(found.state_file).identity()["sandbox"] is True
        assert found.process.stdin is not None
        assert found.process.stderr is not None
        found.process.stdin.close()
        said = found.process.stderr.read()

    assert "it is made anew" in said
    with running(place, cache) as found:
        assert found.process.stdin is not None
        assert found.process.stderr is not None
        found.process.stdin.close()
        assert found.process.stderr.read() == ""


def test_a_fault_to_begin_with(place: Path) -> None:
    """A named fault is there when the sandbox is ready, with its usual settings."""
    with running(place, command=[*COMMAND, "--fault", "chat-apologises"]) as found:
        planted = remote_of(found.state_file).faults()

        assert [(fault["name"], fault["says"]) for fault in planted] == [("chat-apologises", "apology")]


@pytest.mark.long_matrix
@pytest.mark.parametrize("product", ["pam-plan", "pam-today"])
def test_a_surprise_is_told_when_it_is_over(place: Path, product: str) -> None:
    """People practise as on staging, by a file that does not say what is broken; Ctrl-C says it."""
    with running(place, command=[*COMMAND, "--fault", "surprise", "--print", "--product", product]) as found:
        (planted,) = remote_of(found.state_file).faults()
        state = found.state_file.read_text(encoding="utf-8")
        found.process.send_signal(signal.SIGINT)
        assert found.process.stdout is not None
        guide, _, told = found.process.stdout.read().partition("\nit was ")

    assert any(planted["name"] == name and planted.items() >= settings.items() for name, settings in SURPRISES)
    assert told.startswith(f"{planted['name']} (")
    assert planted["name"] not in guide + state
    assert 'kind = "staging"' in state


class TestRefusals:
    """One message, exit code 2, and nothing left."""

    def test_a_state_file_in_no_folder(self, place: Path) -> None:
        """A typo in the path is found before anything starts."""
        said = refused(place, "--state-file", str(place / "nowhere" / "state.toml"))

        assert "nowhere" in said
        assert "expected a folder that exists" in said

    def test_a_state_file_that_exists(self, place: Path) -> None:
        """An environment file of a person is never overwritten."""
        mine = place / "production.toml"
        mine.write_text('name = "production"\n', encoding="utf-8")
        said = refused(place, "--state-file", str(mine))

        assert "production.toml" in said
        assert mine.read_text(encoding="utf-8") == 'name = "production"\n'

    def test_no_programs_where_they_are_said_to_be(self, place: Path) -> None:
        """A wrong PAM_PG_BIN is named."""
        assert "PAM_PG_BIN: expected a folder" in refused(place, PAM_PG_BIN=str(place))

    @pytest.mark.parametrize(("typed", "meant"), [("chat-apologizes", "chat-apologises"), ("suprise", "surprise")])
    def test_a_fault_that_is_none(self, place: Path, typed: str, meant: str) -> None:
        """A typo is found before anything starts, with the nearest name."""
        assert f"did you mean {meant!r}?" in refused(place, "--fault", typed)
