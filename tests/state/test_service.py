"""Two machines and one state, on real git: nothing is lost, nothing is waited for, and nobody but us is hurt by a bad place."""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.run_files import KEPT_ELSEWHERE
from pam_rollback.http.files import write_whole
from pam_rollback.ops.state import service as module
from pam_rollback.ops.state.service import ENVIRONMENTS, RUNS, Store, place_of
from pam_rollback.report.redaction import Redactor
from pam_rollback.rollback.git_command import GitCommand
from tests.bare_repository import git
from tests.rollback.client.git_over_http import Host, served
from tests.small_disk import fill, small_disk

TOKEN = "ghp_invented/for:these@tests"
OWED = '{"at": "2026-01-01T00:00:00+00:00", "event": "undo-owed", "number": 1, "kind": "x", "api": "https://a.example.com"}\n'


def run_id(number: int, begun: datetime | None = None) -> str:
    """An id as sessions have it."""
    return f"{begun or datetime.now(UTC):%Y%m%dT%H%M%SZ}-staging-{number:04x}"


def recorded(store: Store, run: str, **files: str) -> Path:
    """A run as a session leaves it on its machine: to be kept."""
    folder = store.out / run
    told = json.dumps({"verdict": "GO", "run_id": run, "finished": {"iso": "2026-11-27T10:00:00+00:00"}})
    for name, text in {"run.json": told, KEPT_ELSEWHERE: "", "junit.xml": "<evidence/>", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def machine(folder: Path, command: GitCommand) -> Store:
    """Another one: folders of its own, the same place."""
    (folder / "out").mkdir(parents=True)
    return Store(command, folder / "out", folder / "ramps")


def runs_of(place: Path) -> set[str]:
    """What the state has, as git says it."""
    return {ref.removeprefix(RUNS) for ref in git(place, "for-each-ref", "--format=%(refname)", RUNS).splitlines()}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "place"


@pytest.fixture
def command(place: Path, tmp_path: Path) -> GitCommand:
    """Whoever speaks with it."""
    return place_of(str(place), tmp_path, lambda _: "")


@pytest.fixture
def one(tmp_path: Path, command: GitCommand) -> Store:
    """The first machine."""
    return machine(tmp_path / "one", command)


@pytest.fixture
def other(tmp_path: Path, command: GitCommand) -> Store:
    """The second."""
    return machine(tmp_path / "other", command)


def test_what_one_recorded_the_other_has(one: Store, other: Store) -> None:
    """Record, journal and baseline; no evidence. Brought again it is not new."""
    run = run_id(1)
    files = {
        "journal.jsonl": OWED,
        "baseline/baseline.json": '{"parts": {"rows.json": {}}}',
        "baseline/rows.json": "[]",
    }
    folder = recorded(one, run, **files, **{"baseline/other.json": "[]"})

    assert one.add({run: folder}, 30) == (run,)
    assert (other.bring(30), other.bring(30), one.bring(30)) == (1, 0, 0)
    here = other.out / run
    assert {str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()} == {
        "run.json",
        KEPT_ELSEWHERE,
        *files,
    }
    assert all((here / name).read_text("utf-8") == text for name, text in files.items())


def test_an_undo_elsewhere_is_seen_here(one: Store, other: Store) -> None:
    """The journal goes on from both sides, and each has all of it."""
    run = run_id(1)
    one.add({run: recorded(one, run, **{"journal.jsonl": OWED})}, 30)
    other.bring(30)
    settled = '{"at": "2026-01-01T00:05:00+00:00", "event": "undo-done", "number": 1}\n'
    with (other.out / run / "journal.jsonl").open("a", encoding="utf-8") as journal:
        journal.write(settled)
    other.add({run: other.out / run}, 30)

    one.bring(30)

    assert (one.out / run / "journal.jsonl").read_text("utf-8") == OWED + settled


def test_a_journal_that_a_kill_tore_is_kept(one: Store, other: Store) -> None:
    """In the middle of a letter of two bytes: what it owes is known elsewhere, and what another machine adds is a line of its own."""
    run = run_id(1)
    folder = recorded(one, run, **{"journal.jsonl": OWED})
    with (folder / "journal.jsonl").open("ab") as journal:
        journal.write('{"at": "2026-01-01T00:01:00+00:00", "event": "warning", "about": "ü'.encode()[:-1])
    one.add({run: folder}, 30)
    other.bring(30)
    settled = '{"at": "2026-01-01T00:05:00+00:00", "event": "undo-done", "number": 1}'

    there = (other.out / run / "journal.jsonl").read_text("utf-8")
    assert there.startswith(OWED)
    (other.out / run / "journal.jsonl").write_text(f"{there}\n{settled}\n", encoding="utf-8")
    other.add({run: other.out / run}, 30)
    one.bring(30)
    assert settled in (one.out / run / "journal.jsonl").read_text("utf-8", "replace").splitlines()


def test_a_watch_goes_on_elsewhere(one: Store, other: Store) -> None:
    """Two that wrote at the same time lose nothing of what happened."""
    for number, store in enumerate((one, other)):
        folder = store.lasting / "staging"
        folder.mkdir(parents=True, exist_ok=True)
        events = ("looked", "incident-opened", "looked")
        lines = [{"at": f"2026-11-27T10:0{n}:0{number}+00:00", "event": word} for n, word in enumerate(events)]
        (folder / "watch.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        store.add({}, 30, environment="staging")

    one.bring(30)
    other.bring(30)

    for store in (one, other):
        text = (store.lasting / "staging" / "watch.jsonl").read_text("utf-8")
        assert text.count("incident-opened") == 2
    assert (one.lasting / "staging" / "watch.jsonl").read_text("utf-8").count("looked") == 4


def test_what_a_watch_writes_meanwhile_is_kept(one: Store, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that comes between the reading of its journal and the new one that takes its place."""
    journal = one.lasting / "staging" / "watch.jsonl"
    for minute, store in ((1, one), (0, other)):
        folder = store.lasting / "staging"
        folder.mkdir(parents=True, exist_ok=True)
        line = {"at": f"2026-11-27T10:0{minute}:00+00:00", "event": "incident-opened"}
        (folder / "watch.jsonl").write_text(f"{json.dumps(line)}\n", encoding="utf-8")
    other.add({}, 30, environment="staging")
    write = write_whole

    def late(path: Path, text: str) -> None:
        if path == journal:
            with path.open("a", encoding="utf-8") as file:
                file.write('{"at": "2026-11-27T10:02:00+00:00", "event": "consent-used"}\n')
        write(path, text)

    monkeypatch.setattr(module, "write_whole", late)
    one.bring(30)

    events = [json.loads(line)["event"] for line in journal.read_text("utf-8").splitlines()]
    assert events == ["incident-opened", "incident-opened", "consent-used"]


def test_a_run_that_nobody_wanted_to_share_stays_here(one: Store, other: Store) -> None:
    """Without the mark it is not sent, and what another one says of it is not written here."""
    run = run_id(1)
    (recorded(one, run) / KEPT_ELSEWHERE).unlink()
    other.add({run: recorded(other, run, **{"journal.jsonl": OWED})}, 30)

    assert one.add({}, 30) == ()
    assert one.bring(30) == 0
    assert not (one.out / run / "journal.jsonl").exists()


def test_secrets_and_addresses_stay_here(one: Store, place: Path) -> None:
    """Neither is in any object of the repository."""
    told = json.dumps({"verdict": "GO", "reason": "mail jo@example.com, key hunter2-hunter2"})
    store = replace(one, content=Redactor({"KEY": "hunter2-hunter2"}).content)
    run = run_id(1)
    store.add({run: recorded(store, run, **{"run.json": told})}, 30)

    kept = git(place, "show", f"{RUNS}{run}:run.json")
    assert "hunter2" not in kept
    assert "jo@" not in kept
    assert "[redacted:KEY]" in kept
    assert "[mail address]" in kept


def test_what_is_old_is_forgotten_and_what_is_needed_stays(one: Store, place: Path) -> None:
    """An undo that is owed, the newest baseline, what a ramp goes by, and what is young; without consent nothing goes."""
    long_ago = datetime.now(UTC) - timedelta(days=200)
    owing, needless, gate, young = run_id(1, long_ago), run_id(2, long_ago), run_id(3, long_ago), run_id(4)
    earlier, newest = run_id(5, long_ago - timedelta(days=1)), run_id(6, long_ago)
    baseline = {"baseline/baseline.json": '{"parts": {}}'}
    files = {owing: {"journal.jsonl": OWED}, earlier: baseline, newest: baseline}
    runs = (owing, needless, gate, young, earlier, newest)
    (one.lasting / "staging").mkdir(parents=True)
    (one.lasting / "staging" / "ramp.jsonl").write_text(f'{{"event": "started", "run": "{gate}"}}\n', encoding="utf-8")
    one.add({run: recorded(one, run, **files.get(run, {})) for run in runs}, 30, environment="staging")

    assert len(one.forget(timedelta(days=90), 30, really=False)) == len(runs)
    assert runs_of(place) == {*runs}
    told = one.forget(timedelta(days=90), 30, really=True)

    assert {fate.run.name: fate.kept_because for fate in told} == {
        owing: f"it owes 1 undo (x): --undo {owing}",
        needless: "",
        gate: "a ramp that is under way goes by it",
        young: "it is younger",
        earlier: "",
        newest: "it has the newest baseline of staging",
    }
    assert runs_of(place) == {owing, gate, young, newest}


def test_a_run_is_one_ref_with_one_commit(one: Store, place: Path) -> None:
    """What it said before is gone with the ref; ramp and watch of an environment have one, too."""
    run = run_id(1)
    folder = recorded(one, run, **{"journal.jsonl": OWED})
    (one.lasting / "staging").mkdir(parents=True)
    (one.lasting / "staging" / "watch.jsonl").write_text('{"at": "2026-11-27T10:00:00+00:00"}\n', encoding="utf-8")
    for _ in range(2):
        one.add({run: folder}, 30, environment="staging")
        with (folder / "journal.jsonl").open("a", encoding="utf-8") as journal:
            journal.write(OWED.replace('"number": 1', '"number": 2'))

    assert git(place, "for-each-ref", "--format=%(refname)").splitlines() == [f"{ENVIRONMENTS}staging", f"{RUNS}{run}"]
    assert git(place, "rev-list", "--count", f"{RUNS}{run}") == "1"


def add_many(store: Store, first: int, count: int) -> None:
    """A machine that keeps several runs, one after the other."""
    for number in range(first, first + count):
        run = run_id(number)
        store.add({run: recorded(store, run)}, 120)


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path, command: GitCommand, place: Path) -> None:
    """Four processes on four machines, five runs each."""
    writers = [
        multiprocessing.get_context("fork").Process(
            target=add_many, args=(machine(tmp_path / f"machine-{number}", command), 100 * number, 5)
        )
        for number in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(180)

    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    assert len(runs_of(place)) == 20


KILLED = """
import sys
from pathlib import Path
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.ops.state.service import Store
place, out, run = sys.argv[1:]
store = Store(GitCommand(place), Path(out), Path(out).parent / "ramps")
print("begun", flush=True)
store.add({run: Path(out) / run}, 60)
"""


@pytest.mark.parametrize("after_s", [0.03, 0.1])
def test_a_writer_that_is_killed_has_written_all_or_nothing(one: Store, place: Path, after_s: float) -> None:
    """And the next session on its machine writes what it could not."""
    first, run = run_id(1), run_id(2)
    one.add({first: recorded(one, first)}, 30)
    folder = recorded(one, run, **{"journal.jsonl": OWED})
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(place), str(one.out), run], stdout=subprocess.PIPE, start_new_session=True
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"begun\n"
        with suppress(subprocess.TimeoutExpired):
            writer.wait(after_s)
        with suppress(ProcessLookupError):  # it was faster
            os.killpg(writer.pid, signal.SIGKILL)

    assert runs_of(place) in ({first}, {first, run})
    one.add({}, 30)
    assert runs_of(place) == {first, run}
    assert (folder / KEPT_ELSEWHERE).read_text("utf-8") != ""


@pytest.fixture
def host(one: Store, place: Path) -> Iterator[Host]:
    """The place behind a token, with a run in it."""
    run = run_id(1)
    one.add({run: recorded(one, run)}, 30)
    with served(place, TOKEN) as running:
        yield running


def far(store: Store, address: str, token: str = TOKEN) -> Store:
    """The same machine, which speaks with the host."""
    return replace(store, command=place_of(f"git:{address}", store.out, lambda _: token))


def test_a_host_is_asked_with_the_token(host: Host, other: Store, place: Path) -> None:
    """Read and write; the address and the mirror do not have it."""
    git(place, "config", "http.receivepack", "true")
    run = run_id(2)
    store = far(other, host.address)

    assert store.bring(30) == 1
    store.add({run: recorded(store, run)}, 30)

    assert len(runs_of(place)) == 2
    assert all(TOKEN.encode() not in path.read_bytes() for path in other.lasting.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("token", "answer", "said"),
    [
        ("", HTTPStatus.OK, "export PAM_STATE_TOKEN"),
        ("wrong", HTTPStatus.OK, "PAM_STATE_TOKEN"),
        (TOKEN, HTTPStatus.NOT_FOUND, "is --state right"),
        (TOKEN, b"<html>welcome\nto the hotel\n</html>\n", "is this a git repository"),
        (TOKEN, b"<html>welcome to the hotel</html>", "does something else answer in its place"),
    ],
    ids=["no token", "401", "404", "garbage", "garbage in a line"],
)
def test_a_host_that_refuses_is_named(
    host: Host, other: Store, token: str, answer: HTTPStatus | bytes, said: str
) -> None:
    """What it said, once, without the token; nothing here is changed."""
    if isinstance(answer, bytes):
        host.page = answer
    else:
        host.answer = answer
    store, run = far(other, host.address, token), run_id(2)
    folder = recorded(store, run)

    for call in (lambda: store.bring(30), lambda: store.add({run: folder}, 30)):
        with pytest.raises(ActionFailed) as raised:
            call()
        assert said in str(raised.value)
        assert TOKEN not in str(raised.value)
        assert "\n" not in str(raised.value)
    assert (folder / KEPT_ELSEWHERE).read_text("utf-8") == ""


def refuses_writing(place: Path) -> None:
    """A rule of the host."""
    hook = place / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho refs of this name are protected >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)


def test_a_place_that_takes_nothing_is_named(one: Store, place: Path) -> None:
    """In its own words; the run is kept here, to be added later."""
    refuses_writing(place)
    run = run_id(1)

    with pytest.raises(ActionFailed, match="refs of this name are protected"):
        one.add({run: recorded(one, run)}, 30)
    assert (one.out / run / KEPT_ELSEWHERE).read_text("utf-8") == ""


def test_a_host_that_hangs_is_not_waited_for(one: Store) -> None:
    """It takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = replace(one, command=GitCommand(f"http://127.0.0.1:{silent.getsockname()[1]}/state.git"))
        begun_s = time.monotonic()
        for call in (lambda: store.bring(1), lambda: store.add({run_id(1): recorded(store, run_id(1))}, 1)):
            with pytest.raises(ActionFailed, match="no end after"):
                call()

    assert time.monotonic() - begun_s < 15


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("git:nowhere", "no clone with a remote nowhere"),
        ("git:https://jo:secret@host.example/x.git", "has a password in it"),
        ("full", "expected a new or empty folder"),
        ("sta\udcffte", r"sta\\udcffte: expected a place in UTF-8"),
        ("git:sta\udcffte", "expected a place in UTF-8"),
    ],
)
def test_a_place_that_is_none_is_named(tmp_path: Path, text: str, said: str) -> None:
    """Before anything is written there."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(ActionFailed, match=said):
        place_of(text if text.startswith("git:") else str(tmp_path / text), tmp_path, lambda _: "")


def full_place(folder: Path, one: Store) -> Store:
    """A state on a disk that is full."""
    return replace(one, command=place_of(str(folder / "place"), folder, lambda _: ""))


def full_here(folder: Path, one: Store) -> Store:
    """This machine's disk is full."""
    return replace(one, lasting=folder / "ramps")


@pytest.mark.parametrize("made", [full_place, full_here])
def test_a_full_disk_loses_nothing(tmp_path: Path, one: Store, made: Callable[[Path, Store], Store]) -> None:
    """It is said; with room again the same run is kept."""
    with small_disk(tmp_path / "disk", 400) as disk:
        store, run = made(disk, one), run_id(1)
        folder = recorded(store, run, **{"journal.jsonl": OWED * 20})
        filler = fill(disk)
        with pytest.raises((ActionFailed, OSError), match=r"(?i)no space left|failed to write"):
            store.add({run: folder}, 10)
        filler.unlink()
        (disk / "more").unlink(missing_ok=True)

        assert store.add({}, 30) == (run,)
