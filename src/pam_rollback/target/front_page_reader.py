"""The front page as anybody gets it, with the scripts and styles that it names. No browser: what it renders is for the journeys."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from pam_rollback.core.answer import Answer
from pam_rollback.http.client import all_at_once, fetch, once_more
from pam_rollback.target.front_page import (
    ASSET_BYTES,
    IMPORTS_MAX,
    LATER_SAMPLED,
    Asset,
    FrontPage,
    PageAnswer,
    later_files,
    read_page,
    spread,
    unnamed,
)

_SCRIPT_BYTES = 8 << 20


def look_at_front_page(
    url: str,
    *,
    deadline_s: float,
    text: Iterable[str] = (),
    names: Mapping[str, str] | None = None,
    later: int = 0,
) -> FrontPage:
    """Ask for the page, then for its files side by side; whatever they answer is a value.

    ``text``: words that the page has to have. ``names``: hosts that its scripts, or what these import, have to name, by what people call
    them; then scripts are read whole, else only their start. ``later``: how many files of its own host are looked at that only its scripts
    name; more than a sample also reads what these name.
    """
    answer = once_more(lambda: fetch(url, headers={"Accept": "text/html"}, deadline_s=deadline_s))
    if answer.problem or answer.http_status != HTTPStatus.OK or not answer.content_type.lower().startswith("text/html"):
        return FrontPage(url, (str(answer),), 0, cause=answer.cause)
    content = read_page(answer.body)
    assets = content.assets
    whole = bool(names or later)
    asked = {str(asset): partial(_asked, url, asset, deadline_s, whole=whole) for asset in assets}
    answers = all_at_once(asked)
    files = {asset: answers[str(asset)] for asset in assets}
    found = PageAnswer(answer, files, text=tuple(text), names=names or {})
    if any(unnamed(found.scripts, found.names)):
        beside, _ = _later(url, files, deadline_s, IMPORTS_MAX, whole=True)
        found = replace(found, imported=tuple(one.body for one in beside.values()))
    looked, told = _later(url, files, deadline_s, later, whole=later > LATER_SAMPLED) if later else ({}, "")
    found = replace(found, later=looked)
    problems = found.problems
    doubt = "" if problems else "; ".join(f"not seen from here: {one}" for one in found.unseen)
    return FrontPage(url, problems, len(assets), told, doubt, release=content.release)


def _asked(page: str, asset: Asset, deadline_s: float, *, whole: bool) -> Answer | str | None:
    """The file; in words why it has no address; None where it needs none."""
    try:
        address = urljoin(page, asset.address)
    except ValueError:
        return f"its {asset.kind} has no address: {asset.address!r}"
    if not address.startswith(("http://", "https://")):
        return None  # a data: address brings its content along
    start = not whole or asset.kind != "script"
    return once_more(
        lambda: fetch(
            address,
            headers={"Accept": "*/*", **({"Range": f"bytes=0-{ASSET_BYTES - 1}"} if start else {})},
            deadline_s=deadline_s,
            max_body_bytes=ASSET_BYTES if start else _SCRIPT_BYTES,
            start_is_enough=start,
        )
    )


def _later(
    page: str, files: Mapping[Asset, Answer | str | None], deadline_s: float, most: int, *, whole: bool
) -> tuple[dict[Asset, Answer], str]:
    """What the files answer that only the page's scripts name, and how many of how many were asked for.

    ``whole``: they are read, in the order in which they are named, and what they name is asked for as well; else some of all parts.
    """
    fresh = [one for asset, one in files.items() if asset.kind == "script" and isinstance(one, Answer)]
    known = {one.url for one in files.values() if isinstance(one, Answer)}
    found, named = dict[Asset, Answer](), 0
    while fresh and len(found) < most:
        paths = ((one.url, path) for one in fresh for path in later_files(urlsplit(one.url).path, one.body))
        urls = [url for url in dict.fromkeys(urljoin(*each) for each in paths) if url not in known]
        known, named = known.union(urls), named + len(urls)
        chosen = (urls if whole else spread(urls))[: most - len(found)]
        assets = {url: Asset("style" if url.endswith(".css") else "script", urlsplit(url).path) for url in chosen}
        asked = {
            url: partial(_asked, page, Asset(asset.kind, url), deadline_s, whole=whole) for url, asset in assets.items()
        }
        answers = {assets[url]: one for url, one in all_at_once(asked).items() if isinstance(one, Answer)}
        found |= answers
        fresh = [one for asset, one in answers.items() if whole and asset.kind == "script"]
    return found, f"{len(found)} of {named} files that its scripts name were looked at"
