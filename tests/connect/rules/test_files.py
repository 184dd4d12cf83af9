"""The text of files: TOML that reads back as it was meant, comments that stay comments, and files that people changed."""

import tomllib
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.connect.rules.found import Found
from pam_rollback.connect.rules.headers import served_by
from pam_rollback.connect.rules.kept import Fate, is_untouched, proposed, signed
from pam_rollback.connect.rules.product_file import marks
from pam_rollback.connect.rules.robots import crawl_delay_s
from pam_rollback.connect.rules.toml_text import COLUMNS, comment, pair, table

VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=8,
)
BODY = '\nname = "a"\nabilities = ["browser"]\n\n[urls]\napi = "https://a.example"\n'
MADE_BY = "Written by a test."


@given(st.text(), VALUES)
def test_toml_reads_back_as_it_was_meant(name: str, found: Any) -> None:
    """Whatever a product says."""
    if any("\ud800" <= character <= "\udfff" for character in str((name, found))):
        return  # no text of a file
    assert tomllib.loads("\n".join(pair(name, found))) == {name: found}


@given(st.text())
def test_a_comment_is_nothing_else(text: str) -> None:
    """A line break in what a product says begins no table."""
    lines = list(comment(text))

    assert all(line.startswith("#") for line in lines)
    assert not any("\n" in line or "\r" in line for line in lines)


def test_long_lists_and_comments_have_lines_of_their_own() -> None:
    """As a person would write them."""
    lines = list(table("a.b", {"long": ["word"] * 40}, ["many words " * 30]))

    assert max(map(len, lines)) <= COLUMNS
    assert tomllib.loads("\n".join(lines)) == {"a": {"b": {"long": ["word"] * 40}}}


def test_a_new_file_is_written_once() -> None:
    """And stays as it is while nothing is new."""
    first = proposed(BODY, MADE_BY, None)
    assert first.fate is Fate.NEW
    assert first.text is not None
    assert is_untouched(first.text)
    assert tomllib.loads(first.text) == tomllib.loads(BODY)

    assert proposed(BODY, MADE_BY, first.text).fate is Fate.SAME
    newer = proposed(BODY.replace('"browser"', '"browser", "database"'), MADE_BY, first.text)
    assert newer.fate is Fate.RENEWED
    assert newer.text is not None
    assert "database" in newer.text


@pytest.mark.parametrize(
    "changed",
    [
        signed(BODY, MADE_BY).replace("a.example", "b.example"),
        signed(BODY, MADE_BY) + "# mine\n",
        BODY,
        "# mine\n" + signed(BODY, MADE_BY),
        signed(BODY, MADE_BY).replace("\n", "\r\n"),
    ],
    ids=["value", "comment", "by hand", "moved", "line ends"],
)
def test_what_a_person_changed_stays(changed: str) -> None:
    """What would be new is said instead."""
    new = BODY.replace('["browser"]', '["browser", "database"]') + 'supabase = "https://s.example"\n'
    stays = proposed(new, MADE_BY, changed)

    assert stays.fate is Fate.KEPT
    assert stays.text is None
    assert 'abilities = ["browser", "database"] (there: ["browser"])' in stays.differences
    assert 'urls.supabase = "https://s.example"' in stays.differences


def test_a_file_that_says_the_same_in_other_words_is_left_alone() -> None:
    """Nothing would be new."""
    assert proposed(BODY, MADE_BY, BODY.replace("\n\n", "\n# mine\n")).fate is Fate.SAME
    assert "no TOML" in proposed(BODY, MADE_BY, "name = ").differences[0]


@pytest.mark.parametrize(
    ("headers", "host"),
    [
        ({"server": "Netlify"}, "Netlify"),
        ({"server": "cloudflare", "rndr-id": "a-b"}, "Render"),
        ({"sb-gateway-version": "1"}, "Supabase"),
        ({"server": "uvicorn", "x-powered-by": "Netlify"}, ""),
        ({}, ""),
    ],
)
def test_headers_tell_who_serves(headers: dict[str, str], host: str) -> None:
    """Where they say it themselves."""
    assert served_by(headers) == host


@pytest.mark.parametrize(
    ("robots", "seconds"),
    [
        ("User-agent: *\nCrawl-delay: 7\n", 7.0),
        ("User-agent: a\nUser-agent: *\nDisallow: /x\ncrawl-delay: 2.5 # slow\n", 2.5),
        ("User-agent: bingbot\nCrawl-delay: 9\n\nUser-agent: *\nDisallow:\n", 0.0),
        ("User-agent: *\nCrawl-delay: 86400\n", 30.0),
        ("User-agent: *\nCrawl-delay: nan\n", 0.0),
        ("Crawl-delay: 3\n", 0.0),
        ("", 0.0),
    ],
)
def test_what_robots_txt_asks_everybody_for(robots: str, seconds: float) -> None:
    """And not one crawler."""
    assert crawl_delay_s(robots.encode()) == seconds


AGE = {"path": "/health/system", "json": "/uptime", "tells": "uptime_s"}


@pytest.mark.parametrize(
    ("names_release", "described_at", "known", "expected"),
    [
        (True, "/openapi.json", [AGE], None),
        (False, "/openapi.json", [{"path": "/openapi.json"}, AGE], [{"path": "/openapi.json"}, AGE]),
        (False, "/api/openapi.json", [{"path": "/openapi.json"}], [{"path": "/api/openapi.json"}]),
        (False, "", [{"path": "/openapi.json"}, AGE], [AGE]),
        (False, "", [], None),
    ],
    ids=["it names its release", "it describes itself", "elsewhere", "not in production", "nothing tells"],
)
def test_what_tells_releases_apart_is_written(
    names_release: bool,  # noqa: FBT001 - a case
    described_at: str,
    known: list[dict[str, str]],
    expected: object,
) -> None:
    """Only where health does not, and a description only where it was seen."""
    backend = SimpleNamespace(component=SimpleNamespace(names_release=names_release))
    found = cast("Found", SimpleNamespace(health={"backend": backend}, described_at=described_at))

    text = "\n".join(marks(found, {"name": "pam-x", "marks": known}))

    assert tomllib.loads(text).get("marks") == expected
