"""The questions to the product, of a real server over loopback: what is open, closed, missing or dead."""

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.rollback.preflight_questions import call_known, closed, path_known
from tests.scripted_provider import always, serving


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_refused_without_a_token_meets_a_closed_door(status: int) -> None:
    """Asked with a body that nothing can be done with."""
    with serving(always(status)) as (url, posted):
        assert closed(url, reads=True, deadline_s=2) == ""
        assert posted == [[]]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (200, "anybody may call it"),
        (422, "anybody may call it"),
        (302, "anybody may call it"),
        (500, "anybody may call it"),
        (404, "nothing that could refuse anybody"),
    ],
)
def test_who_is_not_refused_is_let_in(status: int, words: str) -> None:
    """Refused for the content is let in, too; and where nothing is, nothing is closed."""
    with serving(always(status)) as (url, _), pytest.raises(ActionFailed, match=words):
        closed(url, reads=False, deadline_s=2)


def test_a_door_that_is_open_to_readers_only_is_open() -> None:
    """Changing is refused, reading is not."""
    with serving(lambda method, _: (401 if method == "POST" else 200, "")) as (url, _):
        assert closed(url, reads=False, deadline_s=2) == ""
        with pytest.raises(ActionFailed, match="anybody may call it"):
            closed(url, reads=True, deadline_s=2)


def test_the_right_token_is_refused_for_the_content_only() -> None:
    """401 and 403 say that it is not the right one; a call that takes an empty body is none that we know."""

    def product(_method: str, headers: dict[str, str]) -> tuple[int, str]:
        return (422, "") if headers.get("authorization") == "Bearer right" else (401, "")

    with serving(product) as (url, posted):
        assert "knows our token" in call_known(url, "right", deadline_s=2)
        with pytest.raises(ActionFailed, match="the token is not accepted, or there is no such call"):
            call_known(url, "wrong", deadline_s=2)
        assert posted == [[], []]
    with serving(always(200)) as (url, _), pytest.raises(ActionFailed, match="expected it to refuse an empty call"):
        call_known(url, "right", deadline_s=2)


def test_a_path_is_there_when_it_refuses_to_be_read() -> None:
    """Not found is not there, and neither is a page for any address."""
    with serving(always(405)) as (url, _):
        assert path_known(url, deadline_s=2) == ""
    for status in (200, 404):
        with serving(always(status)) as (url, _), pytest.raises(ActionFailed, match="refuses GET"):
            path_known(url, deadline_s=2)
