"""What the keyboard reaches is told, stop by stop."""

from pam_rollback.browser.rules.keyboard_access import FocusStop, FocusWalk, KeyboardChat


def test_a_walk_names_what_is_wrong_with_each_stop() -> None:
    """Unseen, out of order, or without a way on."""
    stops = (
        FocusStop("a", "Skip", seen=True, in_order=True),
        FocusStop("b", "Menu", seen=False, in_order=True),
        FocusStop("c", "Send", seen=True, in_order=False),
    )
    walk = FocusWalk("chat-light", stops, trapped_at="c")

    assert walk.unseen.headline.startswith("focus-visible (1) on chat-light")
    assert walk.unseen.violations[0].targets == ("b",)
    assert walk.out_of_order.violations[0].targets == ("c",)
    assert walk.traps.violations[0].targets == ("c",)
    assert FocusWalk("chat-light", stops[:1]).traps.violations == ()


def test_a_page_without_a_stop_is_not_free_of_traps() -> None:
    """Nobody can use it by keyboard."""
    assert FocusWalk("chat-light", ()).traps.violations[0].rule == "keyboard"


def test_a_talk_by_keyboard_says_how_far_it_came() -> None:
    """Answered, or what happened instead."""
    answered = KeyboardChat(15, "", "Two campgrounds.", 2, ("PAM says:  Two\ncampgrounds.",))
    unheard = KeyboardChat(15, "", "Two campgrounds.", 2, ("Saved.",))
    stopped = KeyboardChat(80, "80 presses of Tab do not reach the message field")

    assert (answered.completed, answered.heard) == (True, True)
    assert (unheard.completed, unheard.heard) == (True, False)
    assert "they said Saved." in unheard.silence
    assert (stopped.completed, stopped.heard) == (False, False)
    assert str(stopped).endswith("80 presses of Tab do not reach the message field")
    assert "no live region" in KeyboardChat(15, "", "Two campgrounds.").silence


def test_an_empty_answer_is_no_answer() -> None:
    """And an empty text is in every text: it must not count as heard."""
    empty = KeyboardChat(15, "", "", 2, ("anything",))

    assert (empty.completed, empty.heard) == (False, False)
