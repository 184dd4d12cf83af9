"""What became of acknowledged writes: every class is planted and found, and a hole is never taken for good."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.ledger_config import Write, WriteKind
from pam_rollback.probe.ledger_verdict import FinalReading, Found, LedgerState, LedgerVerdict, judge

EXPENSE, CHAT, SETTING = WriteKind.EXPENSE, WriteKind.CHAT, WriteKind.SETTING


def write(seq: int, kind: WriteKind = EXPENSE, *, acked: bool = True) -> Write:
    """Write number ``seq``: sent at that second and acknowledged half a second later."""
    value = f"m{seq}" if kind.is_register else f"value {seq}"
    return Write(seq, kind, f"m{seq}", value, sent_s=float(seq), acked_s=seq + 0.5 if acked else None)


def found(*writes: Write) -> tuple[Found, ...]:
    """Find these writes as they were written."""
    return tuple(Found(w.kind, w.marker, w.value) for w in writes)


def reading(*rows: Found, **unread: str) -> FinalReading:
    """Read long after the last write."""
    return FinalReading(started_s=1000.0, rows=rows, unread={WriteKind(kind): why for kind, why in unread.items()})


TEN = [write(seq) for seq in range(10)]


def counts(verdict: LedgerVerdict) -> tuple[int, int, int, int]:
    """Give present, lost, altered, duplicated."""
    return verdict.present, verdict.lost, verdict.altered, verdict.duplicated


def test_everything_kept() -> None:
    """All ten acknowledged writes are there once, unchanged."""
    verdict = judge(TEN, reading(*found(*TEN)), moments_s=[5.0])

    assert (verdict.state, verdict.acknowledged, counts(verdict)) == (LedgerState.KEPT, 10, (10, 0, 0, 0))
    assert (verdict.rpo_s, verdict.configuration_loss_s) == (0.0, 0.0)


def test_each_class_is_found() -> None:
    """One write lost, one altered, one there twice: each is named, and the rest is present."""
    rows = [*found(*TEN[:2], *TEN[3:])]
    rows[3] = replace(rows[3], value="another value")
    verdict = judge(TEN, reading(*rows, rows[6]))

    assert verdict.state is LedgerState.DAMAGED
    assert counts(verdict) == (7, 1, 1, 1)
    assert (verdict.lost_markers, verdict.altered_markers, verdict.duplicated_markers) == (("m2",), ("m4",), ("m7",))


def test_as_many_may_be_gone_as_the_plan_allows_and_none_may_be_altered() -> None:
    """Lost or moved, they are gone; one more is too many, and what hides another loss stays unknown."""
    two_gone = judge(TEN, reading(*found(*TEN[2:])), moved={EXPENSE: ["m0"]})

    assert [two_gone.allowing(count).state for count in (0, 1, 2)] == ["damaged", "damaged", "kept"]
    assert "2 may be lost" in str(two_gone.allowing(2))
    assert two_gone.allowing(2).measured.asked == "at most 2 lost or moved, else 0"
    altered = judge(TEN, reading(*found(*TEN[1:]), replace(found(TEN[0])[0], value="another value")))
    assert altered.allowing(2).state is LedgerState.DAMAGED
    assert judge(TEN, reading(*found(*TEN[1:])), moments_s=[50.0]).allowing(1).state is LedgerState.UNKNOWN


def test_rpo_reaches_from_the_oldest_lost_write_to_the_cut() -> None:
    """A restore at second 8 to a copy of second 5 loses the writes acknowledged at 5.5, 6.5 and 7.5."""
    verdict = judge(TEN, reading(*found(*TEN[:5], *TEN[8:])), moments_s=[8.0])

    assert (verdict.lost, verdict.rpo_s) == (3, 2.5)
    assert judge(TEN, reading(*found(*TEN[:5], *TEN[8:]))).rpo_s == 2.0


def test_a_write_under_another_user_is_moved_and_nothing_else() -> None:
    """Whether the reading had it or not, once or twice, as it was or altered; it is neither lost nor present."""
    rows = [*found(*TEN[:3], *TEN[4:])]
    rows[0] = replace(rows[0], value="another value")
    verdict = judge(TEN, reading(*rows, rows[1]), moved={EXPENSE: ["m0", "m1", "m3", "a stranger"]})

    assert (verdict.state, verdict.moved, counts(verdict)) == (LedgerState.DAMAGED, 3, (7, 0, 0, 0))
    assert verdict.moved_markers == ("m0", "m1", "m3")
    assert not verdict.kept
    assert verdict.measured.value == 3
    assert (verdict.rpo_s, verdict.cut) == (0.0, "")


def test_the_cut_is_the_step_that_follows_the_newest_lost_write() -> None:
    """A data restore ends with a step; without one after the loss no more is proven than the lost writes themselves."""
    lost = reading(*found(*TEN[:3], *TEN[5:]))
    with_step = judge(TEN, lost, moments_s=[1.0, 6.0, 8.0])
    without = judge(TEN, lost, moments_s=[1.0])

    assert (with_step.lost, with_step.rpo_s) == (2, 2.5)
    assert with_step.cut == "to the end of the step that follows the newest lost write"
    assert (without.rpo_s, without.cut) == (1.0, "to the newest lost write, the least that can be proven")
    assert "the loss reaches 2.5 s back, to the end of the step" in str(with_step)


def test_the_seconds_stand_beside_the_count() -> None:
    """In the table of criteria, which run.json and the report are made of; unknown is not 0."""
    [kept] = judge(TEN, reading(*found(*TEN))).details
    [lost] = judge(TEN, reading(*found(*TEN[:5], *TEN[8:])), moments_s=[8.0]).details
    [unread] = judge(TEN, None).details

    assert (kept.value, kept.margin, kept.n) == (0.0, 0.0, 10)
    assert (lost.value, lost.unit, lost.margin) == (2.5, "s", -2.5)
    assert lost.asked == "0 s"
    assert lost.definition == "to the end of the step that follows the newest lost write"
    assert unread.value is None
    assert unread.definition == "not known: there was no final reading"


def test_unacknowledged_writes_are_never_lost() -> None:
    """Without an acknowledgement nobody was promised anything: indeterminate, or recovered when it is there."""
    unacked = [write(10, acked=False), write(11, acked=False)]
    verdict = judge([*TEN, *unacked], reading(*found(*TEN, unacked[1])))

    assert (verdict.state, verdict.lost, verdict.indeterminate, verdict.recovered) == (LedgerState.KEPT, 0, 1, 1)


@pytest.mark.parametrize(
    ("writes", "final", "moments_s", "expected"),
    [
        ([], reading(), [], "no write was acknowledged"),
        ([write(0, acked=False)], reading(), [], "no write was acknowledged"),
        (TEN, None, [], "there was no final reading"),
        (TEN, FinalReading(5.0, found(*TEN)), [], "began before the last acknowledgement"),
        (TEN, reading(expense="HTTP 500"), [], "the final reading of expense is not complete: HTTP 500"),
        (TEN, reading(*found(*TEN)), [5.0, 12.0], "within 2 s before and after change 2 of 2: a hole hides a loss"),
        (TEN, reading(*found(*TEN)), [9.8], "within 2 s after the change: a hole hides a loss"),
        (TEN, reading(*found(*TEN, write(77))), [], "1 rows carry markers of this ledger that it does not know"),
    ],
)
def test_what_could_hide_a_loss_is_unknown(
    writes: list[Write], final: FinalReading | None, moments_s: list[float], expected: str
) -> None:
    """No evidence of loss is not evidence of no loss."""
    verdict = judge(writes, final, moments_s=moments_s)

    assert (verdict.state, verdict.lost, verdict.rpo_s) == (LedgerState.UNKNOWN, 0, None)
    assert expected in str(verdict)


def test_a_loss_stands_although_something_is_unknown() -> None:
    """A hole elsewhere does not excuse what is missing."""
    verdict = judge(TEN, reading(*found(*TEN[1:])), moments_s=[50.0])

    assert (verdict.state, verdict.lost) == (LedgerState.DAMAGED, 1)
    assert verdict.reasons


@pytest.mark.parametrize(
    ("moment_s", "sides"),
    [
        (2.5, ""),
        (4.0, "after"),
        (4.5, "after"),
        (5.0, "before and after"),
        (5.5, "before"),
        (6.0, "before"),
        (7.5, ""),
    ],
)
def test_a_hole_between_writes_is_seen_from_each_side(moment_s: float, sides: str) -> None:
    """Nothing was acknowledged from 2.5 to 7.5 s; two seconds are near enough, whatever order the answers came in."""
    writes = [replace(write(seq), seq=place) for place, seq in enumerate((7, 8, 9, 0, 1, 2))]
    verdict = judge(writes, reading(*found(*writes)), moments_s=[moment_s])

    assert verdict.reasons == (
        (f"no write acknowledged within 2 s {sides} the change: a hole hides a loss",) if sides else ()
    )


def test_a_reading_may_begin_with_the_last_acknowledgement() -> None:
    """Not a moment sooner."""
    assert judge(TEN, FinalReading(9.5, found(*TEN))).reasons == ()
    assert judge(TEN, FinalReading(9.49, found(*TEN))).reasons != ()


def test_what_was_not_read_says_nothing_of_the_rest() -> None:
    """A kind that was not acknowledged hides nothing; one that was is neither present nor lost."""
    writes = [write(0), write(1, CHAT), write(2, SETTING), write(3, CHAT, acked=False)]
    nothing_hidden = judge([write(0)], reading(*found(write(0)), chat="HTTP 500"))
    hidden = judge(writes, reading(*found(writes[0], writes[1]), setting="HTTP 500", chat="HTTP 502"))

    assert (nothing_hidden.reasons, nothing_hidden.unread) == ((), 0)
    assert hidden.reasons == (
        "the final reading of setting is not complete: HTTP 500",
        "the final reading of chat is not complete: HTTP 502",
    )
    assert (counts(hidden), hidden.unread) == ((1, 0, 0, 0), 2)


def test_lost_writes_are_named_in_the_order_in_which_they_were_sent() -> None:
    """Settings among them; how far back theirs reach is told apart."""
    writes = [write(0), write(1, SETTING), write(2, SETTING), write(3), write(4)]
    verdict = judge(writes, reading(Found(SETTING, "m1", "m1"), *found(writes[0], writes[4])), moments_s=[3.5])

    assert verdict.lost_markers == ("m2", "m3")
    assert (verdict.rpo_s, verdict.configuration_loss_s) == (1.0, 1.0)
    assert verdict.cut == "to the end of the step that follows the newest lost write"
    [reach] = verdict.details
    assert reach.definition == f"{verdict.cut}; of settings 1.00 s"


def test_a_loss_that_is_known_reaches_somewhere_although_something_is_not_known() -> None:
    """What is not known is the rest."""
    writes = [*TEN[:9], write(9, SETTING)]
    verdict = judge(writes, reading(Found(SETTING, "m9", "m9"), *found(*TEN[1:9])), moments_s=[50.0])
    settings_too = judge(writes, reading(*found(*TEN[1:9])), moments_s=[50.0])

    assert (verdict.rpo_s, verdict.configuration_loss_s) == (49.5, None)
    assert (settings_too.rpo_s, settings_too.configuration_loss_s) == (49.5, 40.5)


def test_the_sentence_names_five_and_the_table_counts_all() -> None:
    """Each class of damage counts; nothing is said of what is not there."""
    rows = [*found(*TEN[6:]), Found(EXPENSE, "m5", "another"), *found(TEN[6])]
    verdict = judge(TEN, reading(*rows), moved={EXPENSE: ["m4"]})

    assert counts(verdict) == (3, 4, 1, 1)
    assert (verdict.measured.value, verdict.measured.asked) == (7, "0")
    assert str(verdict) == (
        "damaged: 10 acknowledged writes: 3 present, 4 lost, 1 moved, 1 altered, 1 duplicated, 0 unread; "
        "unacknowledged: 0 recovered, 0 indeterminate; "
        "the loss reaches 3.0 s back, to the newest lost write, the least that can be proven; m0, m1, m2, m3, m4"
    )
    assert str(judge(TEN, reading(*found(*TEN)))) == (
        "kept: 10 acknowledged writes: 10 present, 0 lost, 0 moved, 0 altered, 0 duplicated, 0 unread; "
        "unacknowledged: 0 recovered, 0 indeterminate"
    )


def test_what_may_be_lost_is_reported_and_not_judged() -> None:
    """No write may be there twice, however many may be gone."""
    lost = judge(TEN, reading(*found(*TEN[1:])), moments_s=[0.504]).allowing(1)
    twice = judge(TEN, reading(*found(*TEN), *found(TEN[0]))).allowing(1)
    [reach] = lost.details

    assert (lost.kept, twice.kept) == (True, False)
    assert (reach.asked, reach.value, reach.margin) == ("reported", 0.0, None)
    assert judge(TEN, reading(*found(*TEN[1:])), moments_s=[0.506]).details[0].margin == -0.01
    with pytest.raises(MeasurementFailed, match="there was no final reading"):
        _ = judge(TEN, None).kept


SETTINGS = [write(0, SETTING), write(1, SETTING), write(2, SETTING, acked=False), write(3, SETTING)]


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ("m3", (LedgerState.KEPT, (3, 0, 0, 0), 0.0)),
        ("m2", (LedgerState.KEPT, (3, 0, 0, 0), 0.0)),
        ("m1", (LedgerState.DAMAGED, (2, 1, 0, 0), 0.0)),
        ("m0", (LedgerState.DAMAGED, (1, 2, 0, 0), 2.0)),
        ("something else", (LedgerState.DAMAGED, (2, 0, 1, 0), 0.0)),
        (None, (LedgerState.DAMAGED, (0, 3, 0, 0), 3.0)),
    ],
)
def test_a_setting_holds_one_value(
    held: str | None, expected: tuple[LedgerState, tuple[int, int, int, int], float]
) -> None:
    """Overwritten values are not lost; a setting that fell back to an older value lost the newer ones."""
    rows = () if held is None else (Found(SETTING, held, held),)
    verdict = judge(SETTINGS, reading(*rows))

    assert (verdict.state, counts(verdict), verdict.configuration_loss_s) == expected
    assert verdict.altered_markers == (("m3",) if held == "something else" else ())


FATES = st.lists(st.sampled_from(["present", "lost", "altered", "duplicated", "unacked", "recovered"]), max_size=60)


@given(FATES, st.sampled_from([EXPENSE, CHAT]))
@settings(deadline=None)
def test_counts_are_exact(fates: list[str], kind: WriteKind) -> None:
    """Whatever is planted is found, exactly and with nothing more."""
    writes = [write(seq, kind, acked=fate not in {"unacked", "recovered"}) for seq, fate in enumerate(fates)]
    rows: list[Found] = []
    for planted, fate in zip(writes, fates, strict=True):
        copies = {"lost": 0, "unacked": 0, "duplicated": 2}.get(fate, 1)
        row = Found(kind, planted.marker, "changed" if fate == "altered" else planted.value)
        rows += [row] * copies
    verdict = judge(writes, reading(*rows))

    assert counts(verdict) == tuple(fates.count(fate) for fate in ("present", "lost", "altered", "duplicated"))
    assert (verdict.indeterminate, verdict.recovered) == (fates.count("unacked"), fates.count("recovered"))
    assert sum(counts(verdict)) + verdict.unread == verdict.acknowledged


@given(
    st.lists(st.sampled_from(["kept", "lost", "altered", "twice", "three times", "changed beside it"]), max_size=40),
    st.permutations(range(120)),
)
@settings(deadline=None)
def test_it_does_not_matter_in_which_order_rows_come(fates: list[str], order: list[int]) -> None:
    """Strangers between them: every write is judged by all of its rows."""
    rows = [("m-stranger", "value")]
    for seq, fate in enumerate(fates):
        right, wrong = (f"m{seq}", f"value {seq}"), (f"m{seq}", "changed")
        rows += {
            "kept": [right],
            "lost": [],
            "altered": [wrong],
            "twice": [right, right],
            "three times": [right, right, right],
            "changed beside it": [right, wrong],
        }[fate]
    dealt = [rows[place] for place in order if place < len(rows)]
    found_rows = [Found(EXPENSE, marker, value) for marker, value in dealt]
    verdict = judge([write(seq) for seq in range(len(fates))], reading(*found_rows))

    def of(*names: str) -> tuple[str, ...]:
        return tuple(f"m{seq}" for seq, fate in enumerate(fates) if fate in names)

    assert verdict.lost_markers == of("lost")
    assert verdict.altered_markers == of("altered", "changed beside it")
    assert verdict.duplicated_markers == of("twice", "three times")
    assert verdict.present == len(of("kept"))
    assert any("1 rows carry markers" in reason for reason in verdict.reasons)
