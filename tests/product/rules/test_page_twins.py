"""Red twins of the front page find what a contract does not notice, and nothing where it notices all."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from pam_rollback.base.answer import Answer
from pam_rollback.product.front_page import Asset, PageAnswer, spellings

_NOT_FOUND = 404
_HTML = "text/html; charset=utf-8"
_EMPTY = b"<!doctype html><html><head><title></title></head><body></body></html>"


@dataclass(frozen=True)
class PageTwin:
    """A bad page: ``change`` says in words what was made of the good one."""

    change: str
    page: PageAnswer


def survivors(green: PageAnswer) -> tuple[str, ...]:
    """The twins that are still taken for the site."""
    assert not green.problems
    return tuple(twin.change for twin in twins_of(green) if not twin.page.problems)


def twins_of(green: PageAnswer) -> tuple[PageTwin, ...]:
    """Every twin that applies to this page."""
    return tuple(_made(green))


def _made(green: PageAnswer) -> Iterator[PageTwin]:
    yield PageTwin("an empty page", replace(green, answer=replace(green.answer, body=_EMPTY), files={}))
    for change, words in (("an error screen", "Something went wrong"), ("a page of somebody else", "Parked here")):
        yield PageTwin(change, replace(green, answer=replace(green.answer, body=_page_of(words, green))))
    for asset, found in green.files.items():
        if asset.kind != "script" or not isinstance(found, Answer):
            continue
        name = f"its script {asset.address}"
        page = green.answer.body
        yield PageTwin(f"{name} is the page again", _file(green, asset, replace(found, body=page, content_type=_HTML)))
        yield PageTwin(f"{name} is the page, by the name of a script", _file(green, asset, replace(found, body=page)))
        yield PageTwin(f"{name} is gone", _file(green, asset, replace(found, http_status=_NOT_FOUND)))
        yield PageTwin(f"{name} is empty", _file(green, asset, replace(found, body=b"")))
        break  # the others are judged as this one is
    for asset, found in green.later.items():
        gone = {**green.later, asset: replace(found, body=green.answer.body, content_type=_HTML)}
        yield PageTwin(f"{asset.address}, which it loads later, is the page again", replace(green, later=gone))
        break
    for name, host in green.names.items():
        yield PageTwin(f"scripts that do not name the {name}", _without(host, green))


def _page_of(words: str, green: PageAnswer) -> bytes:
    """A page that says only this, and loads what the good one loads."""
    scripts = "".join(f'<script src="{asset.address}"></script>' for asset in green.files if asset.kind == "script")
    return f"<!doctype html><html><head><title>{words}</title>{scripts}</head><body><h1>{words}</h1></body>".encode()


def _file(green: PageAnswer, asset: Asset, answer: Answer) -> PageAnswer:
    return replace(green, files={**green.files, asset: answer})


def without(host: str, body: bytes) -> bytes:
    """What a script says that does not name that host."""
    for spelling in spellings(host):
        body = body.replace(spelling, b"")
    return body


def _without(host: str, green: PageAnswer) -> PageAnswer:
    def cleaned(found: Answer | str | None) -> Answer | str | None:
        return replace(found, body=without(host, found.body)) if isinstance(found, Answer) else found

    return replace(
        green,
        files={asset: cleaned(found) for asset, found in green.files.items()},
        imported=tuple(without(host, body) for body in green.imported),
    )


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
    """By what a contract asks for a page is told from another."""
    loose = replace(GREEN, text=())

    assert survivors(loose) == ("a page of somebody else",)


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
