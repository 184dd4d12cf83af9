"""The front page as anybody gets it, with the scripts and styles that it names. No browser: what it renders is for the journeys."""

from functools import partial
from http import HTTPStatus
from urllib.parse import urljoin

from pam_rollback.adapters.http import all_at_once, fetch
from pam_rollback.core.front_page import (
    ASSET_BYTES,
    Asset,
    FrontPage,
    read_page,
    shortcoming_of_asset,
    shortcoming_of_sent,
)


def look_at_front_page(url: str, *, deadline_s: float) -> FrontPage:
    """Ask for the page, then for its files side by side; whatever they answer is a value."""
    answer = fetch(url, headers={"Accept": "text/html"}, deadline_s=deadline_s)
    if answer.problem or answer.http_status != HTTPStatus.OK or not answer.content_type.lower().startswith("text/html"):
        return FrontPage(url, (str(answer),), 0)
    page = read_page(answer.body)
    problems = all_at_once({str(asset): partial(_problem, url, asset, deadline_s) for asset in page.assets})
    found = (shortcoming_of_sent(page), *problems.values())
    return FrontPage(url, tuple(filter(None, found)), len(page.assets))


def _problem(page: str, asset: Asset, deadline_s: float) -> str:
    try:
        address = urljoin(page, asset.address)
    except ValueError:
        return f"its {asset.kind} has no address: {asset.address!r}"
    if not address.startswith(("http://", "https://")):
        return ""  # a data: address brings its content along
    answer = fetch(
        address,
        headers={"Accept": "*/*", "Range": f"bytes=0-{ASSET_BYTES - 1}"},
        deadline_s=deadline_s,
        max_body_bytes=ASSET_BYTES,
        start_is_enough=True,
    )
    return shortcoming_of_asset(asset, answer)
