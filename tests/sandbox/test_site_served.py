"""The site as visitors get it from the sandbox."""

import re
from urllib.request import Request, urlopen

import pytest

from tests.sandbox.found_range import RunningSandbox, call


class TestSite:
    """The front end's host."""

    @pytest.mark.parametrize(
        "path", ["/", "/wins", "/assets/missing.js", "/..%2f..%2fcontrol.py", "/%00", "/" + "x" * 5000]
    )
    def test_an_unknown_path_is_the_page(self, found: RunningSandbox, path: str) -> None:
        """As the real host: a 200 proves nothing; and nothing outside the site is ever served."""
        answer = found.get("frontend", path)

        assert (answer.status, answer.kind) == (200, "text/html")
        assert "<title>" in answer.text

    def test_files_have_their_type_and_can_be_asked_for_again(self, found: RunningSandbox) -> None:
        """A browser takes a module only with its type, and does not load twice what did not change."""
        page = found.get("frontend", "/").text
        (script,) = re.findall(r'src="(/assets/[0-9a-f]{12}/app/main\.js)"', page)
        with urlopen(found.url("frontend", script), timeout=5) as answer:
            kind, tag = answer.headers.get_content_type(), answer.headers["ETag"]

        assert kind in {"text/javascript", "application/javascript"}
        assert found.get("frontend", script, **{"If-None-Match": tag}).status == 304

    def test_the_page_learns_where_its_api_is(self, found: RunningSandbox) -> None:
        """One build serves every environment."""
        assert found.get("frontend", "/config.json").json == {
            "apiUrl": found.state["urls"]["api"],
            "release": "1.42.0",
        }

    def test_a_write_is_refused(self, found: RunningSandbox) -> None:
        """It is a host of files."""
        assert call(Request(found.url("frontend", "/"), data=b"x", method="POST"), 5).status == 405
