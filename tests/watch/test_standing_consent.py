"""A watch that may roll back by itself does so once, whatever happens to it, and in any doubt not at all."""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from pam_rollback.base.errors import StopRequested
from pam_rollback.base.wait import Waiter
from pam_rollback.decision.rules.decision import State
from pam_rollback.environment.standing_consent import StandingConsent
from pam_rollback.watch.client.child import Child
from pam_rollback.watch.client.files import WatchFiles
from pam_rollback.watch.client.signature import Signed
from pam_rollback.watch.rules.consent import Going
from pam_rollback.watch.rules.state import state_of
from pam_rollback.watch.rules.turn import Moment
from pam_rollback.watch.service.acting import PLACES
from pam_rollback.watch.service.tools import Consent, Prepared
from pam_rollback.watch.service.turn import Watching
from tests.watch.simulated import DOWN, Simulated, between

ENTRY = StandingConsent(criteria=("IR-2",), strategy="ST-5", until=date(2099, 1, 1))
ROLLBACK = "import os, sys, time; os.write(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND), b'x'); time.sleep(0.1)"
"""It counts its starts."""


@dataclass
class Yes:
    """Everything says yes, but for what a test changes."""

    folder: Path
    again: str = ""
    entry: StandingConsent | None = ENTRY
    signed: Signed = field(default_factory=lambda: Signed("anna"))
    holder: str = ""
    asked: list[str] = field(default_factory=list)

    @property
    def starts(self) -> int:
        """How often the rollback was started."""
        file = self.folder / "starts"
        return file.stat().st_size if file.exists() else 0

    @property
    def consent(self) -> Consent:
        """As a watch has it."""
        return Consent(
            again=self.again,
            entry=lambda: self.entry,
            signed=lambda: self.signed,
            locked=lambda: self.holder,
            prepare=lambda incident, _who: Prepared(
                f"run-{os.getpid()}-{time.monotonic_ns()}",
                str(self.folder),
                incident.command.partition(" ")[2],
                [sys.executable, "-c", ROLLBACK, str(self.folder / "starts")],
                self.folder,
                {**os.environ},
            ),
        )


def rolling(folder: Path, yes: Yes, spans: dict[tuple[float, float], State] | None = None) -> Simulated:
    """A watch with standing consent, in which a rollback that began is over at the next look."""
    return Simulated(folder / "watch", between(spans or {(600, 1e9): DOWN}), consent=yes.consent)


def over(watch: Simulated) -> Callable[[float], None]:
    """Time passes, and meanwhile what was started ends."""

    def ended() -> bool:
        return all(Child(place).going is not Going.GOES_ON for place in (watch.folder / PLACES).glob("*"))

    def pause(seconds: float) -> None:
        Waiter().until(ended, holds=bool, within_s=60, what="the rollback's end")
        watch.clock.sleep(seconds)

    return pause


def test_it_rolls_back_once_and_tells_everybody(tmp_path: Path) -> None:
    """When it began, and its verdict with the way back; the outage that lasts, and the next one, are left to people."""
    yes = Yes(tmp_path)
    watch = rolling(tmp_path, yes, {(600, 1200): DOWN, (2000, 2600): DOWN})

    watch.watching(3600, pause=over(watch)).turn()

    assert yes.starts == 1
    assert watch.hooks == ["opened", "updated", "closed", "opened", "closed"]
    notes = [incident.notes for _, _, incident in watch.told]
    assert "by standing consent (signed by anna) run run-" in notes[0][0]
    assert ": GO staging; pytest --resume" in notes[1][1]
    assert notes[3] == ()
    assert any("a second rollback takes a person: --consent-again run-" in line for line in watch.lines)


def test_a_person_may_consent_once_more_by_naming_the_run(tmp_path: Path) -> None:
    """The next watch acts again, once."""
    yes = Yes(tmp_path)
    watch = rolling(tmp_path, yes)
    watch.watching(1200, pause=over(watch)).turn()
    [use] = state_of(WatchFiles(watch.folder).events()).uses

    watch.watching(1200, pause=over(watch)).turn()
    assert yes.starts == 1
    watch.consent = replace(yes.consent, again=use.run)
    watch.watching(1200, pause=over(watch)).turn()
    watch.watching(1200, pause=over(watch)).turn()

    assert yes.starts == 2


def test_a_journal_that_was_moved_away_makes_nothing_unused(tmp_path: Path) -> None:
    """As the watch itself says of one that cannot be read. What began has left its mark beside it."""
    yes = Yes(tmp_path)
    watch = rolling(tmp_path, yes)
    watch.watching(1200, pause=over(watch)).turn()
    [use] = state_of(WatchFiles(watch.folder).events()).uses
    WatchFiles(watch.folder).journal.unlink()

    watch.watching(1200, pause=over(watch)).turn()
    assert yes.starts == 1
    assert any(f"a second rollback takes a person: --consent-again {use.run}" in line for line in watch.lines)
    watch.consent = replace(yes.consent, again=use.run)
    for _ in range(2):
        watch.watching(1200, pause=over(watch)).turn()

    assert yes.starts == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"entry": None}, "has no [standing_consent]"),
        ({"entry": ENTRY.model_copy(update={"until": date(2020, 1, 1)})}, "ended on 2020-01-01"),
        ({"entry": ENTRY.model_copy(update={"criteria": ("IR-5",)})}, "does not name IR-2"),
        ({"entry": ENTRY.model_copy(update={"strategy": "ST-1"})}, "names ST-1, and ST-5 is recommended"),
        ({"signed": Signed(problem="not signed by anybody")}, "not signed by anybody"),
        ({"holder": "the lock of e is not free: run X"}, "the lock of e is not free"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_doubt_is_one_line_and_the_watch_goes_on(tmp_path: Path, change: dict[str, object], words: str) -> None:
    """Nothing is started, people are told as ever."""
    yes = replace(Yes(tmp_path), **change)  # type: ignore[arg-type]
    watch = rolling(tmp_path, yes, {(600, 1200): DOWN})

    watch.turn(3600)

    assert yes.starts == 0
    assert watch.hooks == ["opened", "closed"]
    assert [line for line in watch.lines if "nothing is done by standing consent" in line and words in line] != []
    assert sum("standing consent" in line for line in watch.lines) == 1
    assert not (watch.folder / PLACES).exists()


def test_without_consent_nothing_is_even_asked(tmp_path: Path) -> None:
    """A watch only tells."""
    watch = Simulated(tmp_path, between({(600, 1200): DOWN}))

    watch.turn(3600)

    assert not any("consent" in line for line in watch.lines)


def test_a_journal_that_does_not_take_it_keeps_it_from_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody would know of later is not done."""
    yes = Yes(tmp_path)
    watch = rolling(tmp_path, yes)
    append = WatchFiles.append

    def full(files: WatchFiles, event: object) -> None:
        if getattr(event, "kind", "") == "consent-prepared":
            raise OSError(28, "No space left on device")
        append(files, event)  # type: ignore[arg-type]

    monkeypatch.setattr(WatchFiles, "append", full)
    watch.turn(1200)

    assert yes.starts == 0
    assert any("No space left on device" in line for line in watch.lines)


def test_a_watch_that_was_overtaken_starts_nothing(tmp_path: Path) -> None:
    """It was frozen right before: the journal on the disk is read once more."""
    yes = Yes(tmp_path)
    watch = rolling(tmp_path, yes)
    other = rolling(tmp_path, yes)

    def sign() -> Signed:
        if not yes.asked:
            yes.asked.append("once")
            (watch.folder / "watch-lease.json").unlink()
            other.clock.now_s = watch.clock.now_s
            other.watching(1200, token="other", pause=over(other)).turn()
        return Signed("anna")

    watch.consent = replace(yes.consent, signed=sign)
    watch.turn(1200)

    assert yes.starts == 1
    assert any("another watch has taken over" in line for line in watch.lines)


FASTER = 300.0
"""So many times faster than people's time: a watch that died is followed after a quarter of a second."""


def harness(folder: Path, yes: Yes, length_s: float) -> int:
    """A watch as a process of its own, in which users are never well; gives its process."""
    process = os.fork()
    if process:
        return process
    try:
        watch = Simulated(folder / "watch", between({(0, 1e18): DOWN}), consent=yes.consent)
        start_s = time.monotonic()
        left = [10]

        def pause(seconds: float) -> None:
            time.sleep(min(seconds / FASTER, 0.01))
            uses = state_of(WatchFiles(watch.folder).events()).uses
            if uses and uses[-1].ended:
                left[0] -= 1
            if not left[0] or time.monotonic() - start_s > length_s:
                raise StopRequested("enough")  # noqa: TRY301 - it is the watch's to catch

        tools = replace(
            watch.watching(1e9, token=f"{os.getpid()}", pause=pause).tools,
            now=lambda: Moment(time.monotonic() * FASTER, 1.8e9 + time.monotonic() * FASTER),
            every_s=3.0,
        )
        Watching(tools).turn()
    except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
        os._exit(1)
    os._exit(0)


def killed_once(folder: Path, seed: int) -> int:
    """Kill a watch at a random moment of its incident, let the next one go on to the end, and one more begin; gives the starts."""
    yes = Yes(folder)
    first = harness(folder, yes, 30.0)
    time.sleep(random.Random(seed).uniform(0.0, 0.6))
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    for _ in range(2):
        os.waitpid(harness(folder, yes, 60.0), 0)
    return yes.starts


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_it_rolls_back_exactly_once(tmp_path: Path, seed: int) -> None:
    """Real processes: not never, and not twice."""
    assert killed_once(tmp_path, seed) == 1


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 200))
def test_a_hundred_times_exactly_once(tmp_path: Path, seed: int) -> None:
    """The figure of the note."""
    assert killed_once(tmp_path, seed) == 1


def test_the_harness_can_see_a_second_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a journal that forgets its uses, and no marks beside it, the watch that follows starts another one."""
    yes = Yes(tmp_path)
    os.waitpid(harness(tmp_path, yes, 60.0), 0)
    journal = WatchFiles(tmp_path / "watch").journal
    lines = journal.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not json.loads(line)["event"].startswith("consent")]
    journal.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    shutil.rmtree(tmp_path / "watch" / PLACES)
    os.waitpid(harness(tmp_path, yes, 60.0), 0)

    assert yes.starts == 2
