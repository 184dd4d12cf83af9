"""A page is judged by its own words and by its files; a status of 200 proves nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.core.answer import Answer
from pam_rollback.target.front_page import (
    ASSETS_MAX,
    Asset,
    PageContent,
    read_page,
    release_of_page,
    seen_files,
    shortcoming_of_asset,
    shortcoming_of_headers,
    shortcoming_of_refresh,
    shortcoming_of_rendered,
    shortcoming_of_sent,
)

_APP = b"""<!doctype html><html><head><title>Wheels &amp; Wins</title><link rel="icon" href="/icon.svg">
<link rel="modulepreload" href="/assets/vendor.js"><link rel="stylesheet" href="/assets/index.css">
<script>window.dataLayer = ["Oops"]</script><script type="module" src="/assets/index-B1a2.js"></script></head>
<body><div id="root"></div><noscript>Something went wrong: switch JavaScript on.</noscript></body></html>"""
NAMES_ITS_RELEASE = b"""<head><meta name="pam-release" content="1.41.3">
<noscript><meta http-equiv="refresh" content="0; url=/plain"></noscript>"""
_LONG = "We plan trips and keep budgets. " * 20


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (_APP, ""),
        (b"<h1>Welcome</h1><p>Everything about camping by the sea</p>", ""),
        (b"<title>Oops! Something went wrong</title>", "error screen: 'Oops! Something went wrong'"),
        (
            b"<html><body><h1>Something went wrong.</h1><script src=/a.js></script>",
            "error screen: 'Something went wrong.'",
        ),
        (b"<p>An unexpected error has occurred.</p>", "error screen"),
        (b"<h2>Application error: a client-side exception has occurred</h2>", "error screen"),
        (b"<h1>502 Bad Gateway</h1>", "error screen"),
        (b"<h1>Internal Server Error</h1>", "error screen"),
        (b"<title>Page not found</title><h1>Page not found</h1>", "error screen"),
        (b"<h1>404 - Page Not Found</h1>", "error screen"),
        (b"<div><b>Wheels &amp; Wins cannot start</b><br>The site could not find its service.</div>", ""),
        (b"<h1>Wheels &amp; Wins cannot start</h1>", "error screen"),
        (b"supabaseUrl is required.", "error screen"),
        (b"<p>Missing required environment variables</p>", "error screen"),
        (b"", "the page is empty"),
        (b"<!doctype html><html><body><div id=root></div></body></html>", "the page is empty"),
        (f"<h1>Oops</h1><p>{_LONG}</p>".encode(), "error screen"),
        (f"<p>Oops, the season begins. {_LONG}</p>".encode(), ""),
        (b"<h1>How to plan when something went wrong</h1><p>Advice for travellers</p>", ""),
        (b"<h1>500 campgrounds by the sea, and what each of them costs you</h1>", ""),
        (b"<h1>The trips that you can load into your calendar</h1>", ""),
        (b"<h1>Error-free travel budgets</h1><p>For all of you</p>", ""),
        (b"<h1>What to do when your motor cannot start</h1> and many other articles", ""),
        (b"<h1>Oops!</h1><![unknown[ ]]>", "error screen"),
    ],
)
def test_a_page_as_it_was_sent(body: bytes, wrong: str) -> None:
    """Its title, headings and, where it is short, its first words; never what stands in scripts."""
    said = shortcoming_of_sent(read_page(body))

    assert wrong in said
    assert bool(said) == bool(wrong)


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        (PageContent(("Wheels & Wins", "Plan trips"), "Plan trips and budgets", controls=4), ""),
        (
            PageContent(
                ("Wheels & Wins", "Oops! Something went wrong"), "Oops! Something went wrong Try again", controls=1
            ),
            "an error screen",
        ),
        (PageContent(("Wheels & Wins",), "", controls=0), "it is empty"),
        (PageContent(("Wheels & Wins",), "Loading Wheels & Wins…", controls=0), "no link, no button and no field"),
        (PageContent((), "Oops! Something went wrong", controls=1), "an error screen"),
    ],
)
def test_a_page_as_it_is_shown(page: PageContent, wrong: str) -> None:
    """Text that can be read and something to act on; an error screen may have a button."""
    said = shortcoming_of_rendered(page)

    assert wrong in said
    assert bool(said) == bool(wrong)


_SCRIPT, _STYLE = Asset("script", "/assets/index.js"), Asset("style", "/assets/index.css")


@pytest.mark.parametrize(
    ("asset", "status", "content_type", "body", "problem", "wrong"),
    [
        (_SCRIPT, 200, "text/javascript; charset=utf-8", b"import x", "", ""),
        (_SCRIPT, 206, "application/javascript", b"import x", "", ""),
        (_STYLE, 200, "text/css", b"p{}", "", ""),
        (
            _SCRIPT,
            200,
            "text/html; charset=utf-8",
            b"<!doctype html>",
            "",
            "is missing: a page of HTML is answered in its place",
        ),
        (_SCRIPT, 200, "text/javascript", b"\n<!DOCTYPE html><html>", "", "is missing: a page of HTML"),
        (_STYLE, 200, "text/html", b"p{}", "", "is missing"),
        (_SCRIPT, 200, "text/plain", b"import x", "", "which browsers do not take for a script"),
        (_STYLE, 200, "", b"p{}", "", "is without content type"),
        (_SCRIPT, 404, "text/javascript", b"import x", "", "HTTP 404"),
        (_SCRIPT, 200, "text/javascript", b" ", "", "is empty"),
        (_SCRIPT, None, "", b"", "refused the connection", "refused the connection"),
    ],
)
def test_a_file_is_what_it_says(
    asset: Asset, status: int | None, content_type: str, body: bytes, problem: str, wrong: str
) -> None:
    """A missing script that is answered with the page is no script."""
    said = shortcoming_of_asset(asset, Answer("GET", "http://pam.test/x", status, content_type, body, 1.0, problem))

    assert wrong in said
    assert bool(said) == bool(wrong)


def test_a_module_that_is_preloaded_is_a_script() -> None:
    """Its bundler names there what the page's script imports; other things that are loaded early are nobody's need.

    However many there are, the page's own script is looked at.
    """
    early = b"<link rel=preload as=image href=/x.png><link rel=modulepreload as=json href=/x.json>"
    page = b"<link rel=modulepreload href=/m.js>" + early + b"<script src=/a.js></script>"

    assert read_page(page).assets == (Asset("script", "/a.js"), Asset("script", "/m.js"))
    many = b"".join(b"<link rel=modulepreload href=/%d.js>" % n for n in range(ASSETS_MAX))
    assert read_page(many + page).assets[0] == Asset("script", "/a.js")


_PAGE = "https://pam.test/"
_OWN = Answer("GET", "https://pam.test/a.js", 200, "text/javascript", b"import x", 1.0)
_MAP = Asset("style", "https://maps.test/map.css")
_MAP_SCRIPT = Asset("script", "//maps.test/map.js")


def _elsewhere(status: int | None, problem: str = "", body: bytes = b"p{}", kind: str = "text/css") -> Answer:
    return Answer("GET", _MAP.address, status, kind, body, 1.0, problem)


@pytest.mark.parametrize(
    ("found", "unseen"),
    [
        (_elsewhere(None, "refused the connection"), True),
        (_elsewhere(403), True),
        (_elsewhere(429), True),
        (_elsewhere(503), True),
        (_elsewhere(404), False),  # for users, too
        (_elsewhere(200, kind="text/html"), False),
    ],
)
def test_a_style_of_another_host_that_does_not_answer_us_is_no_fault_of_the_page(found: Answer, unseen: bool) -> None:  # noqa: FBT001 - a table
    """A script has to answer wherever it is, and so has each file of the page's own."""
    script = Asset("script", "/a.js")
    seen = seen_files(_PAGE, {script: _OWN, _MAP: found})

    assert bool(seen.unseen) is unseen
    assert bool(seen.wrong) is not unseen
    assert len(seen_files(_PAGE, {script: replace(_OWN, http_status=503), _MAP: found}).wrong) == 1 + (not unseen)
    assert len(seen_files(_PAGE, {script: _OWN, _MAP_SCRIPT: found}).wrong) == 1
    assert len(seen_files(_PAGE, {Asset("style", "/a.css"): replace(found, url=f"{_PAGE}a.css")}).wrong) == 1


def test_a_page_whose_scripts_are_all_elsewhere_is_nothing_without_them() -> None:
    """A site may keep its own bundle at another host."""
    away = Answer("GET", "https://cdn.test/a.js", None, "", b"", 1.0, "refused the connection")
    seen = seen_files(_PAGE, {Asset("script", "https://cdn.test/a.js"): away})

    assert seen.unseen == ()
    assert len(seen.wrong) == 1


@given(st.binary() | st.text(alphabet="<>!/=\"'&;-[]abcdefhimprst \n").map(str.encode))
def test_every_page_can_be_read(body: bytes) -> None:
    """However broken."""
    page = read_page(body)

    assert isinstance(shortcoming_of_sent(page) + shortcoming_of_rendered(page), str)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, ""),
        ({"content-security-policy": "default-src 'self'; script-src 'self' 'sha256-x'"}, ""),
        ({"content-security-policy": "default-src 'none'; script-src 'self'"}, ""),
        ({"content-security-policy": "img-src 'none'"}, ""),
        ({"content-security-policy": "default-src 'none'; style-src 'self'"}, "lets no script run"),
        ({"content-security-policy": "script-src"}, "lets no script run"),
        ({"content-security-policy": "script-src 'self', script-src 'none'"}, "lets no script run"),
        ({"content-disposition": "inline"}, ""),
        ({"content-disposition": 'Attachment; filename="index.html"'}, "offered as a file"),
    ],
)
def test_headers_that_keep_a_page_from_visitors(headers: dict[str, str], words: str) -> None:
    """Each policy has to let a script run (Content Security Policy Level 3): whatever else it forbids is the site's own affair."""
    found = shortcoming_of_headers(headers)

    assert words in found if words else found == ""


@pytest.mark.parametrize(
    ("refresh", "words"),
    [
        ("", ""),
        ("0; url=/en/", ""),
        ("5;URL='https://site.example/welcome'", ""),
        ("3600", ""),
        ("0; url=https://elsewhere.example/", "to 'https://elsewhere.example/' by itself"),
        ("0; url=//elsewhere.example/", "to '//elsewhere.example/' by itself"),
        ("8", "again every 8 s"),
    ],
)
def test_a_page_that_nobody_stays_on(refresh: str, words: str) -> None:
    """To another host, or anew before anybody has read it; a front page may lead to its own language."""
    found = shortcoming_of_refresh("https://site.example/", refresh)

    assert words in found if words else found == ""


def test_what_a_page_says_of_itself() -> None:
    """Its release, and where it leads; what is for visitors without scripts leads nobody."""
    page = read_page(NAMES_ITS_RELEASE)
    led = read_page(b'<head><META HTTP-EQUIV="Refresh" CONTENT="8">')

    assert (page.release, page.refresh, led.release, led.refresh) == ("1.41.3", "", "", "8")
    assert [release_of_page(body) for body in (NAMES_ITS_RELEASE, b"<p>pam-release 1.41.3", b"")] == ["1.41.3", "", ""]
