"""Red twins of the front page: what a broken site would answer, made from a page that was good. One that is still the site is a hole."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pam_rollback.base.answer import Answer
from pam_rollback.product.rules.front_page import Asset, PageAnswer, spellings

_NOT_FOUND = 404
_HTML = "text/html; charset=utf-8"
_EMPTY = b"<!doctype html><html><head><title></title></head><body></body></html>"
_SHOWN = 3


@dataclass(frozen=True)
class PageTwin:
    """A bad page: ``change`` says in words what was made of the good one."""

    change: str
    page: PageAnswer


def unproven(green: PageAnswer) -> str:
    """What could go wrong without being noticed, in one sentence; empty when each twin is found bad."""
    found = survivors(green)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"the front page would still be the site: {', '.join(found[:_SHOWN])}{more}" if found else ""


def survivors(green: PageAnswer) -> tuple[str, ...]:
    """The twins that are still taken for the site. Raises ValueError for a page that is not the site itself: it proves nothing."""
    if green.problems:
        raise ValueError("nothing can be proved with a page that is not the site itself")
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
