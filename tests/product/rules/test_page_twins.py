"""Red twins of the front page find what a contract does not notice, and nothing where it notices all."""

from dataclasses import replace

import pytest

from pam_rollback.base.answer import Answer
from pam_rollback.product.rules.front_page import Asset, PageAnswer
from pam_rollback.product.rules.page_twins import survivors, twins_of, unproven

HOST = "db.example.test"
SCRIPT, STYLE = Asset("script", "/a.js"), Asset("style", "/a.css")
PAGE = b"<!doctype html><title>Wheels</title><script src=/a.js></script><body><div id=root></div>"


def answer(body: bytes, content_type: str) -> Answer:
    """With HTTP 200."""
    return Answer("GET", "http://site.test/", 200, content_type, body, 3.0)


GREEN = PageAnswer(
    answer(PAGE, "text/html; charset=utf-8"),
    {SCRIPT: answer(b'import "./b.js"', "text/javascript"), STYLE: answer(b"p{}", "text/css")},
    imported=(f'const url = "https://{HOST}"'.encode(),),
    text=("Wheels",),
    names={"supabase": HOST},
)


def test_conditions_that_notice_everything_have_no_survivors() -> None:
    """Blank, an error screen, another page, a script that is HTML, gone or empty, a bundle without its API."""
    changes = [twin.change for twin in twins_of(GREEN)]

    assert changes == [
        "an empty page",
        "an error screen",
        "a page of somebody else",
        "its script /a.js is the page again",
        "its script /a.js is the page, by the name of a script",
        "its script /a.js is gone",
        "its script /a.js is empty",
        "scripts that do not name the supabase",
    ]
    assert survivors(GREEN) == ()
    assert unproven(GREEN) == ""


@pytest.mark.parametrize(
    ("named", "missing"),
    [
        ("http://127.0.0.1:7002", False),
        ("http://project.supabase.co.localhost:7002", False),
        ("http://127.0.0.1:7001", True),
        ("http://project.supabase.co.localhost", True),
    ],
)
def test_what_runs_here_may_have_a_name_of_this_machine(named: str, *, missing: bool) -> None:
    """Pages that believe no other host than Supabase's get one below .localhost; the port tells it from the API."""
    page = replace(GREEN, imported=(f'"{named}"'.encode(),), names={"supabase": "127.0.0.1:7002"})

    assert bool(page.problems) is missing
    assert missing or survivors(page) == ()


def test_without_words_another_page_is_taken_for_the_site() -> None:
    """And the sentence says so."""
    loose = replace(GREEN, text=())

    assert survivors(loose) == ("a page of somebody else",)
    assert unproven(loose) == "the front page would still be the site: a page of somebody else"


def test_a_bundle_that_nobody_looks_into_has_no_twin_for_it() -> None:
    """Only twins that apply are made: of a contract that names no host none is cut out."""
    assert not [twin for twin in twins_of(replace(GREEN, names={})) if "do not name" in twin.change]


def test_each_twin_is_bad_for_its_own_reason() -> None:
    """The reason is what was done to it."""
    found = {twin.change: " ".join(twin.page.problems) for twin in twins_of(GREEN)}

    assert "the page is empty" in found["an empty page"]
    assert "the page is an error screen: 'Something went wrong'" in found["an error screen"]
    assert "the page does not say 'Wheels'" in found["a page of somebody else"]
    assert "a page of HTML is answered in its place" in found["its script /a.js is the page, by the name of a script"]
    assert "HTTP 404" in found["its script /a.js is gone"]
    assert "was it built without its variables?" in found["scripts that do not name the supabase"]


def test_a_page_that_is_not_the_site_proves_nothing() -> None:
    """There is nothing to make twins of."""
    with pytest.raises(ValueError, match="not the site itself"):
        survivors(replace(GREEN, text=("Boats",)))
