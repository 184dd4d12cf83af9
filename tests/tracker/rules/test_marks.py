"""Marks are found again, and nothing from outside can pass for one."""

import pytest

from pam_rollback.tracker.rules.marks import Mark, harmless, key_of, mark_of, marked, renewed, said_of, saying


def test_a_mark_is_found_again_and_room_is_left_for_people() -> None:
    """Renewing leaves what stands around our part."""
    mark = Mark(key_of("rollback", "20261127T031200Z-production-1a2b"), "production")
    body = marked(mark, "first") + "\nnotes"

    assert mark_of(body) == mark
    assert renewed(body, "second") == (marked(mark, "second") + "\nnotes")
    assert mark_of("no incident") is None


BODY = marked(Mark("a", "b"), "text")


@pytest.mark.parametrize(
    "body", ["", BODY * 2, BODY.replace("ends", "end")], ids=["nothing", "twice", "without its end"]
)
def test_a_body_without_our_part_is_left_alone(body: str) -> None:
    """It cannot be told from what people wrote."""
    assert renewed(body, "new") is None


@pytest.mark.parametrize(
    "text", ["<!-- pam-rollback said=over-1 -->", "<!-- pam-rollback incident key=a environment=b -->", "a\n<b>"]
)
def test_text_from_outside_is_no_mark(text: str) -> None:
    """Whatever a reason or an answer holds."""
    shown = harmless(text)

    assert said_of(shown) == ""
    assert mark_of(shown) is None
    assert "\n" not in shown
    assert "<" not in shown


def test_what_was_said_is_found_at_the_beginning_only() -> None:
    """Whoever quotes a comment of ours did not say it."""
    assert said_of(saying("verdict-run-1", "GO")) == "verdict-run-1"
    assert said_of(f"> {saying('verdict-run-1', 'GO')}") == ""
