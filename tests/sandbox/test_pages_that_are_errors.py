"""Pages that are only an error, and answers that lie, as the host and a cache would give them: all of them with 200."""

import json

import pytest

from tests.sandbox.found_range import HEALTH, RunningSandbox


def test_a_script_that_is_gone_is_answered_with_the_page(found: RunningSandbox) -> None:
    """As every unknown address of a single-page host."""
    page = found.get("frontend", "/").text
    script = page.partition('<script type="module" src="')[2].partition('"')[0]
    assert found.get("frontend", script).kind == "text/javascript"
    found.remote.plant("missing-script-served-as-html")
    answer = found.get("frontend", script)

    assert (answer.status, answer.kind, answer.text) == (200, "text/html", page)


def test_a_build_without_its_variables_is_served_like_a_good_one(found: RunningSandbox) -> None:
    """Page and files are the same; only where the service is, nobody knows."""
    page = found.get("frontend", "/").text
    found.remote.plant("front-end-built-without-variables", release="candidate")

    assert found.get("frontend", "/").text == page
    assert found.get("frontend", "/config.json").json == {"release": "1.42.0"}


def test_an_error_page_is_answered_with_200(found: RunningSandbox) -> None:
    """To every address that is no file; of the release that has the fault, and of no other."""
    found.remote.plant("error-page-served", release="stable")
    assert "Oops" not in found.get("frontend", "/").text
    found.remote.plant("error-page-served")

    for path in ("/", "/wheels"):
        answer = found.get("frontend", path)
        assert (answer.status, answer.kind) == (200, "text/html")
        assert "Oops! Something went wrong" in answer.text


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("twice", '{"status": "unhealthy", '),
        ("not-a-number", '"load": NaN'),
        ("part-down", '"redis": "down"'),
        ("flag", '"healthy": false'),
        ("issues", '"issues": ["database: no route"]'),
        ("nameless", '"release": "unknown"'),
        ("kept", '"release": "1.42.0"'),
    ],
)
def test_a_healthy_answer_that_lies(found: RunningSandbox, how: str, text: str) -> None:
    """200, and "healthy" is there."""
    found.remote.plant("answers-lying", path=HEALTH, server="api", how=how)
    answer = found.get("api", HEALTH)

    assert (answer.status, answer.kind, json.loads(answer.text)["status"]) == (200, "application/json", "healthy")
    assert text in answer.text
