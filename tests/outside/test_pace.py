"""The product is asked no faster than it bears: whoever wants more waits, on a virtual clock here."""

import fcntl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.outside import pace, pace_book
from pam_rollback.outside.pace import PAGE_LOAD, SIGN_IN, Pace
from pam_rollback.outside.pace_book import Book, Tally

API = "http://api.test:8080"
_SESSIONS = count()


@dataclass
class Time:
    """Passes only while somebody waits."""

    now_s: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def let_pass(self, seconds: float) -> None:
        """Let it pass."""
        self.waits.append(seconds)
        self.now_s += seconds


def asked(time: Time, ask: Callable[[], None]) -> float:
    """How long it had to wait."""
    began_s = time.now_s
    ask()
    return time.now_s - began_s


def kept(time: Time, **limits: object) -> Pace:
    """A pace on that clock."""
    return Pace({"api.test:8080"}, clock=lambda: time.now_s, sleep=time.let_pass, **limits)  # type: ignore[arg-type]


def most_in_a_minute(moments: list[float]) -> int:
    """In any sixty seconds."""
    return max(sum(1 for other in moments if at <= other < at + 60) for at in moments)


def test_one_path_more_waits_for_its_minute() -> None:
    """The same path again is none; another host's is none; what another process asks all the time has its place already."""
    time = Time()
    slow = kept(time, paths=3, steady=[("/health", 60, False)])
    for url in (f"{API}/a", f"{API}/health", f"{API}/a?x=1", "http://site.test/b", f"{API}/b"):
        assert asked(time, lambda url=url: slow.before_request(url, "")) == 0  # type: ignore[misc]

    assert asked(time, lambda: slow.before_request(f"{API}/c", "")) == pytest.approx(61, abs=1)
    assert asked(time, lambda: slow.before_request(f"{API}/b", "")) == 0


@pytest.mark.parametrize(
    ("limits", "token"),
    [
        ({"without_token": 5}, ""),
        ({"with_token": 5}, "Bearer a"),
        ({"client": 5}, "Bearer a"),
        ({"address": 5}, "Bearer a"),
        ({"address": 5}, ""),
    ],
    ids=["without a token", "with a token", "of a client", "of an address", "of an address, without a token"],
)
def test_no_minute_has_more_requests_than_it_may(limits: dict[str, int], token: str) -> None:
    """However fast somebody asks."""
    time, moments = Time(), list[float]()
    slow = kept(time, **limits)
    for _ in range(17):
        slow.before_request(f"{API}/a", token)
        moments.append(time.now_s)
        time.now_s += 0.5

    assert most_in_a_minute(moments) == 5


def test_what_is_free_and_what_is_not_known_is_asked_at_once() -> None:
    """No waiting without a reason."""
    time = Time()
    for slow in (kept(time, without_token=1, free={"/health"}), kept(time)):
        for _ in range(50):
            slow.before_request(f"{API}/health", "")

    assert time.waits == []


def test_what_a_page_asked_counts() -> None:
    """Nobody can hold it back, so the next one waits; a page is opened when there is room for what it asks."""
    time = Time()
    slow = kept(time, with_token=12)
    for _ in range(3):
        slow.saw_request(f"{API}/me", "Bearer a")

    assert asked(time, slow.before_page) == pytest.approx(61, abs=1)


def test_every_token_is_one_more() -> None:
    """A second sign-in, or a second account, starts no minute of its own."""
    time = Time()
    slow = kept(time, with_token=4)
    for token in "abcd":
        slow.before_request(f"{API}/me", f"Bearer {token}")

    assert asked(time, lambda: slow.before_request(f"{API}/me", "Bearer e")) == pytest.approx(61, abs=1)


def test_those_with_a_token_use_up_what_those_without_may_ask() -> None:
    """They themselves do not wait for that."""
    time = Time()
    slow = kept(time, without_token=2)
    for _ in range(9):
        slow.before_request(f"{API}/me", "Bearer a")

    assert time.waits == []
    assert asked(time, lambda: slow.before_request(f"{API}/me", "")) == pytest.approx(61, abs=1)


def test_a_browser_and_we_are_two_clients() -> None:
    """By what they call themselves; a page is opened when each browser has room."""
    time = Time()
    slow = kept(time, client=12)
    for _ in range(12):
        slow.before_request(f"{API}/me", "", "pam-rollback")
        slow.saw_request(f"{API}/me", "", "Chromium")

    assert asked(time, lambda: slow.before_request(f"{API}/me", "", "WebKit")) == 0
    assert asked(time, slow.before_page) == pytest.approx(61, abs=1)


def test_a_page_needs_as_much_room_as_pages_were_seen_to_ask() -> None:
    """The first one a page's full room, the others what the busiest asked: else each of hundred pages waits a minute for nothing."""
    time = Time()
    slow = kept(time, without_token=13)

    def opened(asks: int) -> float:
        took_s = asked(time, slow.before_page)
        for _ in range(asks):
            slow.saw_request(f"{API}/me", "")
        return took_s

    assert [opened(3), *(opened(1) for _ in range(8))] == [0] * 9
    assert opened(1) == pytest.approx(61, abs=1)
    opened(12)  # what fails is asked for again; no page needs more room than the first one
    time.let_pass(61)
    assert [opened(1) for _ in range(4)] == [0] * 4


def test_who_waits_keeps_nobody_from_being_counted() -> None:
    """A page asks while another thread waits: its journey goes on."""
    time, counted = Time(), list[float]()
    slow = kept(time, with_token=9, paths=2, steady=[("/me", 0, False)])

    def page() -> None:
        slow.saw_request(f"{API}/me", "Bearer a")
        counted.append(time.now_s)

    def sleep(seconds: float) -> None:
        beside = Thread(target=page)
        beside.start()
        beside.join(2)
        time.let_pass(seconds)

    slow.sleep = sleep
    slow.saw_request(f"{API}/a", "")
    slow.before_request(f"{API}/b", "")

    assert len(counted) == len(time.waits) > 0


def test_what_was_told_is_never_exceeded() -> None:
    """One more than was told is not made; what is not counted is made."""
    slow = kept(Time(), budget={SIGN_IN: 2, PAGE_LOAD: 0})
    with pace.held_to(slow):
        pace.spend(SIGN_IN)
        pace.spend(SIGN_IN)
        pace.spend("what nobody told")
        with pytest.raises(MeasurementFailed, match="no sign-in more: 2 were told beforehand"):
            pace.spend(SIGN_IN)
        with pytest.raises(MeasurementFailed, match="no page load more: 0 were told"):
            pace.before_page()

    pace.spend(SIGN_IN)
    assert slow.spent == {SIGN_IN: 2, "what nobody told": 1}


def test_whoever_waits_says_so() -> None:
    """With how long, and where it is explained."""
    time, said = Time(), list[str]()
    slow = kept(time, without_token=1, told=said.append)
    slow.before_request(f"{API}/a", "")
    slow.before_request(f"{API}/a", "")

    assert said[0].startswith("  … 61 s until the product may be asked for more"), said
    assert said[-1].startswith("  … 2 s until"), said


def beside(time: Time, file: Path, **limits: object) -> Pace:
    """Another session of this machine."""
    return kept(time, **{"book": Book(API, file), "session": f"session {next(_SESSIONS)}", **limits})


@pytest.mark.parametrize(
    ("limits", "ask"),
    [
        ({"without_token": 4}, lambda one, _: one.before_request(f"{API}/a", "")),
        ({"with_token": 4}, lambda one, n: one.before_request(f"{API}/a", f"Bearer {n}")),
        ({"client": 4}, lambda one, _: one.before_request(f"{API}/a", "", "us")),
        ({"paths": 4}, lambda one, n: one.before_request(f"{API}/{n}", "")),
    ],
    ids=["without a token", "with a token", "of a client", "paths"],
)
def test_two_sessions_have_a_minute_together(
    tmp_path: Path, limits: dict[str, object], ask: Callable[[Pace, int], None]
) -> None:
    """What one asked, another waits for: together they are no faster than one."""
    time, moments = Time(), list[float]()
    both = [beside(time, tmp_path / "asked", **limits) for _ in range(2)]
    for number in range(12):
        ask(both[number % 2], number)
        moments.append(time.now_s)

    assert most_in_a_minute(moments) == 4
    assert moments[4] - moments[0] >= 60


def test_another_product_or_browser_has_a_minute_of_its_own(tmp_path: Path) -> None:
    """The address is the same for all."""
    time, file = Time(), tmp_path / "asked"
    first, second, elsewhere = (beside(time, file, client=1, address=2) for _ in range(3))
    elsewhere.book = Book("other.test", file)
    for one, agent in ((first, "us"), (second, "Chromium"), (elsewhere, "us")):
        assert asked(time, lambda one=one, agent=agent: one.before_request(f"{API}/a", "", agent)) == 0  # type: ignore[misc]

    assert asked(time, lambda: beside(time, file, address=2).before_request(f"{API}/a", "")) == pytest.approx(61, abs=1)


@pytest.mark.parametrize("limit", ["with_token", "address", "client"])
def test_room_is_left_for_what_another_session_asks_all_the_time(limit: str, tmp_path: Path) -> None:
    """As long as it says so; of a session that was killed nothing is heard, and a minute later nothing is left."""
    time, file = Time(), tmp_path / "asked"
    watch = beside(time, file, steady=[("/me", 3, True), ("/health", 0, False)])
    watch.begin()
    checks = beside(time, file, paths=4, **{limit: 5})

    def burst() -> list[float]:
        return [asked(time, lambda: checks.before_request(f"{API}/me", "Bearer a")) for _ in range(3)]

    assert burst() == [0, 0, pytest.approx(61, abs=1)], "3 of 5 are the watch's"
    time.now_s += 62
    watch.renew()
    assert asked(time, lambda: checks.before_request(f"{API}/a", "")) == 0
    assert asked(time, lambda: checks.before_request(f"{API}/b", "")) == 0
    assert asked(time, lambda: checks.before_request(f"{API}/c", "")) == pytest.approx(61, abs=1), "of 4 paths 2 are"
    time.now_s += 62
    assert burst() == [0, 0, 0], "it was killed"
    time.now_s += 62
    watch.begin()
    watch.end()
    assert burst() == [0, 0, 0], "it is over"


def test_a_session_that_begins_is_told_what_others_ask(tmp_path: Path) -> None:
    """It may refuse then, and others hear nothing of it."""
    time, file, heard = Time(), tmp_path / "asked", list[list[str]]()
    watch = beside(time, file, steady=[("/me", 3, True)])
    watch.begin(lambda others: heard.append([one.what for one in others]))

    def refuse(others: object) -> None:
        raise MeasurementFailed("too much")

    with pytest.raises(MeasurementFailed):
        beside(time, file, steady=[("/a", 3, True)]).begin(refuse)
    beside(time, file, steady=[("/b", 1, False)]).begin(lambda others: heard.append([one.what for one in others]))

    assert heard == [[], ["/me"]]


def test_who_waits_for_nobody_is_waited_for(tmp_path: Path) -> None:
    """A real rollback goes on at once, and whatever checks beside it waits."""
    time, file = Time(), tmp_path / "asked"
    rollback, checks = beside(time, file, without_token=1, patient=False), beside(time, file, without_token=1)

    assert [asked(time, lambda: rollback.before_request(f"{API}/a", "")) for _ in range(3)] == [0, 0, 0]
    assert asked(time, lambda: checks.before_request(f"{API}/a", "")) == pytest.approx(61, abs=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "what is this?\n",
        "1000.0\tapi",
        "1e9\thttp://api.test:8080\twithout a token\t\t\t\t0\t0\n",
        "nan\ta\tb\tc\td\te\t0\t0\n",
    ],
    ids=["empty", "garbage", "a line that ends too soon", "before the machine started", "no number"],
)
def test_what_is_damaged_or_of_another_time_holds_nobody_up(tmp_path: Path, text: str) -> None:
    """And it is gone with the next request."""
    file = tmp_path / "asked"
    file.write_text(text)
    time = Time()
    slow = beside(time, file, without_token=1)

    assert asked(time, lambda: slow.before_request(f"{API}/a", "")) == 0
    assert file.read_text().count("\n") == 1
    assert asked(time, lambda: slow.before_request(f"{API}/a", "")) > 0


def test_without_a_file_a_session_has_its_own_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is kept from asking by a folder that takes nothing, or by a process that hangs while it has the file."""
    time, file = Time(), tmp_path / "asked"
    nowhere = beside(time, tmp_path / "missing" / "asked", without_token=1)
    blocked = beside(time, file, without_token=1)
    monkeypatch.setattr(pace_book, "_LOCKED_WITHIN_S", 0.05)
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for slow in (nowhere, blocked):
            assert asked(time, lambda slow=slow: slow.before_request(f"{API}/a", "")) == 0  # type: ignore[misc]
            assert asked(time, lambda slow=slow: slow.before_request(f"{API}/a", "")) > 0  # type: ignore[misc]


_ONE_OF_TWO = """
import sys, time
from pathlib import Path
from pam_rollback.outside.pace import Pace
from pam_rollback.outside.pace_book import Book, Tally
pace = Pace({"a"}, address=9, book=Book("a", Path(sys.argv[1])), tally=Tally(Path(sys.argv[2])), budget={"page": 25})
for _ in range(20):
    pace.saw_request("http://a/", "")
    pace.spent["ours"] += pace._is_left("page", 25)
print(pace.spent["ours"])
"""


def test_two_processes_count_together(tmp_path: Path) -> None:
    """Nothing that one of them notes is lost by the other, and both together do what was told, no more."""
    command = [sys.executable, "-c", _ONE_OF_TWO, str(tmp_path / "asked"), str(tmp_path / "done")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    done = [int(one.communicate(timeout=60)[0]) for one in both]

    assert len((tmp_path / "asked").read_text().splitlines()) == 40
    assert sum(done) == 25 == len(Tally(tmp_path / "done").done)


def test_the_file_is_in_a_folder_of_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open to nobody else; where it takes nothing, in the temporary folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    book = Book.of("api.test")
    assert book.file == tmp_path / "state" / "pam-rollback" / "asked"
    assert (book.file.stat().st_mode & 0o777, book.file.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    second = Book.of("api.test").file
    assert second is not None
    assert second.is_relative_to(tmp_path / "temporary")
