"""What fails behind the pages: a limit that the session met itself is told from an error of the release."""

import pytest

from pam_rollback.browser.journeys import BehindThePages
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.target.known_before import without_numbers

LIMITED = (
    "HTTP 429: GET http://api.test/api/v1/places",
    "console error: Places proxy error: Error: request failed: 429 at la",
    "failed request: GET http://api.test/api/v1/places (net::ERR_FAILED)",
)
BROKEN = (
    "HTTP 500: GET http://api.test/api/v1/places/429",
    "HTTP 500: GET http://api.test:429/",
    "console error: TypeError: x is undefined at la (http://site.test/assets/index.js:429:12)",
    "console error: trip-429 could not be read",
    "failed request: GET http://api.test/api/v1/trips (net::ERR_FAILED)",
    "failed request: GET http://api.test/api/v1/places (net::ERR_CONNECTION_RESET)",
)


def behind(*complaints: str, problem: str = "") -> BehindThePages:
    """Pages of one browser, with what was noticed."""
    return BehindThePages(
        where="errors behind the pages in chromium", pages=("/",), complaints=complaints, problem=problem
    )


def test_a_limit_that_the_session_met_itself_is_no_error_of_the_release() -> None:
    """Nor is it a clean page: it was not seen to the end."""
    with pytest.raises(MeasurementFailed, match=r"all that failed is HTTP 429, 3 on 1 pages: .* wait for a minute"):
        _ = behind(*LIMITED).errors


@pytest.mark.parametrize(("status", "limited"), [(429, True), (500, False)])
def test_a_handshake_that_met_a_limit_is_told_by_the_browser_alone(status: int, limited: bool) -> None:  # noqa: FBT001 - a case
    """No answer of it is seen otherwise."""
    socket = (
        "console error: WebSocket connection to 'ws://api.test/ws/1?token=x' failed: Error during WebSocket handshake: "
    )
    found = behind(f"{socket}Unexpected response code: {status}")

    if limited:
        with pytest.raises(MeasurementFailed, match="all that failed is HTTP 429"):
            _ = found.errors
    else:
        assert found.errors


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("where", [0, 1, 2])
def test_one_error_beside_the_limit_is_an_error(where: int, broken: str) -> None:
    """Whatever else met a limit, and whatever number stands in it."""
    complaints = [*LIMITED]
    complaints.insert(where, broken)

    assert behind(*complaints).errors


def test_no_baseline_knows_a_limit() -> None:
    """Nobody can answer for it, and what is recorded beside it is."""
    assert behind(*LIMITED).findings == ()
    assert len(behind(*LIMITED, *BROKEN[2:]).findings) == len(BROKEN[2:])
    assert len(behind(LIMITED[1]).findings) == 1


@pytest.mark.parametrize("said", [*BROKEN, LIMITED[1]])
def test_without_an_answer_429_no_limit_was_met(said: str) -> None:
    """A script may say what it likes."""
    assert behind(said).errors


@pytest.mark.parametrize(
    "stack",
    [
        "",
        " at la (http://site.test/assets/index.js:4:12) at async ri (http://site.test/assets/index.js:7:1)",
        " at async oi (http://site.test/assets/other.js:22:49398)",
        " at http://site.test/assets/index.js:22:49398",
        " at new Shown (http://site.test/assets/index.js:1:2)",
        " la@http://site.test/assets/index.js:4:12 async*ri@http://site.test/assets/index.js:7:1",
    ],
)
def test_an_error_is_the_same_by_whichever_way_a_script_came_to_it(stack: str) -> None:
    """Else each visit would find a new one."""
    [found] = behind(f"console error: Places proxy error: Error: request failed: 500{stack}").findings

    assert found.text == "behind the pages: console error: Places proxy error: Error: request failed: N"


@pytest.mark.parametrize("path", ["/places", ":8080/places", "/places/7/of/it"])
def test_an_address_is_no_stack(path: str) -> None:
    """It says what failed: else an error at one address would make that at every other known."""
    at = f"console error: nothing came at http://api.test{path} in time"
    [found] = behind(f"{at} at la (http://site.test/index.js:4:12)").findings
    [elsewhere] = behind("console error: nothing came at http://api.test/trips in time").findings

    assert found.text == f"behind the pages: {without_numbers(at)}"
    assert found.text != elsewhere.text
