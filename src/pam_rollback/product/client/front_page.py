"""The front page as anybody gets it, with the scripts and styles that it names. No browser: what it renders is for the journeys."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from urllib.parse import urljoin

from pam_rollback.base.answer import Answer
from pam_rollback.outside.http import all_at_once, fetch
from pam_rollback.product.rules.front_page import (
    ASSET_BYTES,
    IMPORTS_MAX,
    Asset,
    FrontPage,
    PageAnswer,
    imports_of,
    read_page,
    unnamed,
)
from pam_rollback.product.rules.page_twins import unproven

_SCRIPT_BYTES = 8 << 20


def look_at_front_page(
    url: str, *, deadline_s: float, text: Iterable[str] = (), names: Mapping[str, str] | None = None
) -> FrontPage:
    """Ask for the page, then for its files side by side; whatever they answer is a value.

    ``text``: words that the page has to have. ``names``: hosts that its scripts, or what these import, have to name, by what people call
    them; then scripts are read whole, else only their start.
    """
    answer = fetch(url, headers={"Accept": "text/html"}, deadline_s=deadline_s, light=True)
    if answer.problem or answer.http_status != HTTPStatus.OK or not answer.content_type.lower().startswith("text/html"):
        return FrontPage(url, (str(answer),), 0, cause=answer.cause)
    content = read_page(answer.body)
    assets = content.assets
    asked = {str(asset): partial(_asked, url, asset, deadline_s, whole=bool(names)) for asset in assets}
    answers = all_at_once(asked)
    files = {asset: answers[str(asset)] for asset in assets}
    found = PageAnswer(answer, files, text=tuple(text), names=names or {})
    if any(unnamed(found.scripts, found.names)):
        found = replace(found, imported=tuple(_imported(files, deadline_s)))
    problems = found.problems
    doubts = () if problems else (unproven(found), *(f"not seen from here: {one}" for one in found.unseen))
    return FrontPage(url, problems, len(assets), "; ".join(filter(None, doubts)), release=content.release)


def _asked(page: str, asset: Asset, deadline_s: float, *, whole: bool) -> Answer | str | None:
    """The file; in words why it has no address; None where it needs none."""
    try:
        address = urljoin(page, asset.address)
    except ValueError:
        return f"its {asset.kind} has no address: {asset.address!r}"
    if not address.startswith(("http://", "https://")):
        return None  # a data: address brings its content along
    if whole and asset.kind == "script":
        return fetch(
            address, headers={"Accept": "*/*"}, deadline_s=deadline_s, max_body_bytes=_SCRIPT_BYTES, light=True
        )
    return fetch(
        address,
        headers={"Accept": "*/*", "Range": f"bytes=0-{ASSET_BYTES - 1}"},
        deadline_s=deadline_s,
        max_body_bytes=ASSET_BYTES,
        start_is_enough=True,
        light=True,
    )


def _imported(files: Mapping[Asset, Answer | str | None], deadline_s: float) -> Iterable[bytes]:
    """The files beside the page's scripts that these import, one after the other."""
    fresh = [one for asset, one in files.items() if asset.kind == "script" and isinstance(one, Answer)]
    own = {one.url for one in fresh}
    found, beside = list[bytes](), dict[str, None]()
    while fresh and len(beside) < IMPORTS_MAX:
        named = (urljoin(one.url, name) for one in fresh for name in imports_of(one.body))
        new = [url for url in dict.fromkeys(named) if url not in beside and url not in own]
        new = new[: IMPORTS_MAX - len(beside)]
        beside |= dict.fromkeys(new)
        asked = {
            url: partial(fetch, url, deadline_s=deadline_s, max_body_bytes=_SCRIPT_BYTES, light=True) for url in new
        }
        fresh = list(all_at_once(asked).values()) if asked else []
        found += [one.body for one in fresh]
    return found
