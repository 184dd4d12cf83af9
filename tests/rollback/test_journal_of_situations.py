"""Several situations share a run's journal, in any order and side by side: none takes another one's notes for its own."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.stories import STORIES
from pam_rollback.rollback.carried_out import CarriedOut
from pam_rollback.rollback.journal import ACTION, DONE, FINISHED, STARTED, Journal, Scope, Undo

ORDERS = range(20)
FEATURES = "PAM_ENHANCED_UI, PAM_VOICE_FEATURES"


def scope(story: str, sandbox: str = "http://127.0.0.1:1") -> Scope:
    """The situation after a story, on that sandbox."""
    return Scope(f"after-{story}", "sandbox", sandbox)


def drill(journal: Journal, story: str, *, undone: bool = True) -> Iterator[None]:
    """What a drill notes, one note at a time. Every story changes the same flags, noted as they were in its own sandbox."""
    journal.append("planting", fault="errors")
    planted = journal.owe("clear-faults", {})
    yield
    journal.append(ACTION, strategy=story)
    journal.append("step-started", step="switch off", changes=True)
    yield
    owed = journal.owe("set-flags", {"as": story}, place=FEATURES)
    assert owed.facts == {"as": story}
    yield
    journal.append("step-done", step="switch off", result="off")
    journal.append(FINISHED, story=story)
    yield
    assert [undo.facts for undo in journal.owed()] == [{"as": story}, {}]
    if undone:
        journal.settled(owed)
        journal.settled(planted)
    yield


def finish(*drills: Iterator[None], draw: random.Random) -> None:
    """All of them to their end, a note of one, then a note of another."""
    left = list(drills)
    while left:
        one = draw.choice(left)
        if next(one, StopIteration) is StopIteration:
            left.remove(one)


@pytest.mark.parametrize("seed", ORDERS)
def test_stories_in_any_order_and_side_by_side(tmp_path: Path, seed: int) -> None:
    """Two workers share all stories out between them: each story is told whole, and nothing stays owed."""
    draw = random.Random(seed)
    stories = draw.sample(list(STORIES), len(STORIES))
    cut = draw.randint(0, len(stories))
    run = Journal(tmp_path / "journal.jsonl")

    def worker(number: int, own: list[str]) -> Iterator[None]:
        for story in own:
            yield from drill(run.of(scope(story, f"http://127.0.0.1:{number}")), story)

    finish(worker(1, stories[:cut]), worker(2, stories[cut:]), draw=draw)

    assert run.owed() == []
    assert run.gaps == []
    assert run.open_change == ""
    for story in stories:
        own = run.of(scope(story))
        assert CarriedOut.of(own.entries(), story).finding().done
        assert [entry["strategy"] for entry in own.entries() if entry["event"] == ACTION] == [story]
        others = next(one for one in STORIES if one != story)
        with pytest.raises(MeasurementFailed):
            CarriedOut.of(own.entries(), others)


def test_what_is_owed_names_its_environment(tmp_path: Path) -> None:
    """The same change in two sandboxes is owed twice, and each says to whom."""
    run = Journal(tmp_path / "journal.jsonl")
    finish(
        drill(run.of(scope("gradual", "http://127.0.0.1:1")), "gradual", undone=False),
        drill(run.of(scope("emergency", "http://127.0.0.1:2")), "emergency", undone=False),
        draw=random.Random(1),
    )

    owed = {(undo.situation, undo.kind, undo.environment, undo.api) for undo in run.owed()}
    assert owed == {
        (f"after-{story}", kind, "sandbox", f"http://127.0.0.1:{number}")
        for number, story in ((1, "gradual"), (2, "emergency"))
        for kind in ("clear-faults", "set-flags")
    }
    assert [undo.is_owed_at("http://127.0.0.1:2") for undo in run.of(scope("gradual")).owed()] == [False, False]
    assert (
        len({undo.number for undo in run.owed()}) == 4
    )  # by which a version that knows no situations tells them apart


def test_the_same_number_in_two_situations_is_two_changes(tmp_path: Path) -> None:
    """Two processes may take the same one; what one put back is not taken for the other's."""
    run = Journal(tmp_path / "journal.jsonl")
    for story in ("gradual", "emergency"):
        facts = {"number": 1, "kind": "set-flags", "facts": {}, "situation": f"after-{story}", "api": "http://a"}
        run.append("undo-owed", **facts)

    run.settled(Undo(1, "set-flags", {}, situation="after-gradual"))

    assert [undo.situation for undo in run.owed()] == ["after-emergency"]


def test_a_change_without_a_note_is_seen_beside_others(tmp_path: Path) -> None:
    """Another situation's note says nothing about it."""
    run = Journal(tmp_path / "journal.jsonl")
    finish(drill(run.of(scope("gradual")), "gradual"), draw=random.Random(1))
    bare = run.of(scope("emergency"))
    bare.append("step-started", step="call", changes=True)
    bare.append("step-done", step="call", result="done")

    assert "step 'call' is done" in "".join(run.gaps)


def test_what_an_earlier_step_noted_counts_for_a_later_one(tmp_path: Path) -> None:
    """A run that was killed while the target was being run: its automatic deploys were noted with what ran before. Of another kind: not."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append(STARTED, step="switch automatic deploys off")
    owed = journal.owe("run-deploy", {"deploy": "dep-1", "auto_deploy": True})
    journal.append(DONE, step="switch automatic deploys off", result="off", problem="")
    journal.append(STARTED, step="run the target", changes=True)
    assert journal.open_change == "run the target"

    assert journal.owe("run-deploy", {"deploy": "dep-1"}) == owed
    assert journal.owe("run-deploy", {"deploy": "dep-1"}) == owed

    assert journal.open_change == ""
    assert [undo.number for undo in journal.owed()] == [owed.number]
    assert [entry["event"] for entry in journal.entries()].count("still-owed") == 1
    journal.append(STARTED, step="publish the target", changes=True, owes="publish-deploy")
    assert journal.open_change == "publish the target"
    journal.owe("publish-deploy", {})
    journal.append(STARTED, step="publish the target", changes=True, owes="publish-deploy")
    assert journal.open_change == "", "killed before it said so itself"
