"""One look at a product: its page, what its scripts name, and its health, held against its contract.

Some twelve requests, each once, and one after the other: some products ban whoever asks for many paths.
"""

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from pam_rollback.core.addresses import is_loopback
from pam_rollback.core.answer import Answer
from pam_rollback.core.outside_text import cut, one_line
from pam_rollback.ops.connect.given import CannotConnect, Given
from pam_rollback.ops.connect.twins import survivors
from pam_rollback.probe.blocking import REFUSALS
from pam_rollback.target.conditions import Captured
from pam_rollback.target.contract import BACKEND, Component, Contract
from pam_rollback.target.front_page import (
    IMPORTS_MAX,
    later_files,
    read_page,
    shortcoming_of_asset,
    shortcoming_of_sent,
    unnamed,
)
from pam_rollback.target.health import judge

Get = Callable[[str, dict[str, str]], Captured]
_SCRIPTS_MAX = 6
_SHOWN_CHARACTERS = 200
_ADDRESS = re.compile(rb"""https?://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?(?=[/"'`?#\s\\]|$)""")
_SUPABASE = re.compile(r"//(?:[^/]+\.)?supabase\.")
_WELL = "Connect a product that is well: what it answers now is held against its contract."


def look(given: Given, contract: Contract, key: str, get: Get) -> tuple[str, tuple[str, ...]]:
    """Give Supabase's address, empty where there is none, and what was seen, in lines. Raises CannotConnect.

    ``key`` is that of Supabase's pages; without it Supabase is not asked.
    """
    title, bodies = _site(given, get)
    supabase = given.supabase or _supabase_in(bodies)
    addresses = {"api": given.api, "backend": given.backend or given.api, "supabase": supabase}
    _see_that_scripts_name(contract, addresses, given, bodies)
    seen = [f"front end     {one_line(title) or 'without a title'}, {len(bodies)} scripts"]
    seen += [f"Supabase      {supabase}"] if supabase else []
    for name, component in contract.health.items():
        seen.append(f"{name:<13} {_health(name, component, addresses, given, key, get)}")
    return supabase, tuple(seen)


def _site(given: Given, get: Get) -> tuple[str, list[bytes]]:
    """The page's title, and its scripts with what these import."""
    url = f"{given.frontend}/"
    answer, where = get(url, {"Accept": "text/html"}).answer, f"FRONTEND {given.frontend}"
    _refuse_ban(given.frontend, answer)
    if answer.redirected_to:
        host = "/".join(urljoin(url, answer.redirected_to).split("/", 3)[:3])
        found, advice = f"a redirect to {answer.redirected_to}", f"If that is the site, say FRONTEND={host}."
        raise CannotConnect(where, expected="the site itself", found=found, advice=advice)
    if answer.problem or answer.http_status != HTTPStatus.OK or not _is_page(answer):
        found = answer.problem or f"HTTP {answer.http_status}, {answer.content_type or 'no content type'}"
        advice = "Is it up, and is it the address that users open?"
        raise CannotConnect(where, expected="a page of HTML with HTTP 200", found=found, advice=advice)
    page = read_page(answer.body)
    if said := shortcoming_of_sent(page):
        raise CannotConnect(where, expected="the site", found=said, advice=_WELL)
    scripts = {urljoin(url, one.address): one for one in page.assets if one.kind == "script"}
    waiting = [one for one in scripts if one.startswith(("http://", "https://"))][:_SCRIPTS_MAX]
    asked, bodies = set(waiting), list[bytes]()
    while waiting:
        script = waiting.pop(0)
        found_script = get(script, {"Accept": "*/*"}).answer
        if script in scripts and (said := shortcoming_of_asset(scripts[script], found_script)):
            raise CannotConnect(where, expected="a page whose scripts are there", found=said, advice=_WELL)
        bodies.append(found_script.body)
        own = f"{given.frontend}/"
        new = [urljoin(script, path) for path in later_files(urlsplit(script).path, found_script.body)]
        new = [one for one in dict.fromkeys(new) if one.startswith(own) and one.endswith("js") and one not in asked]
        new = new[: max(0, _SCRIPTS_MAX + IMPORTS_MAX - len(asked))]
        asked.update(new)
        waiting += new
    return next(iter(page.statements), ""), bodies


def _supabase_in(bodies: list[bytes]) -> str:
    """What the scripts call so; on this machine first, for whoever built the site put that in."""
    found = dict.fromkeys(one.decode("ascii") for body in bodies for one in _ADDRESS.findall(body))
    called = sorted((one for one in found if _SUPABASE.search(one)), key=lambda one: not is_loopback(one))
    address = next(iter(called), "")
    scheme, _, place = address.partition("://")
    host, colon, port = place.partition(":")
    # Whatever ends in .localhost is this machine (RFC 6761): pages believe Supabase's own names only.
    return f"{scheme}://127.0.0.1{colon}{port}" if host.endswith(".localhost") else address


def _see_that_scripts_name(contract: Contract, addresses: dict[str, str], given: Given, bodies: list[bytes]) -> None:
    """A build without its variables lacks what the contract's front page has to name."""
    hosts = {name: urlsplit(addresses.get(name, "")).netloc for name in contract.front_page.names}
    missing = [f"no address of {name} is known, and the scripts name none" for name, host in hosts.items() if not host]
    missing += unnamed(bodies, {name: host for name, host in hosts.items() if host})
    if missing:
        raise CannotConnect(
            f"FRONTEND {given.frontend}",
            expected=f"a site whose scripts name {' and '.join(hosts)}, as {contract.name} says",
            found="; ".join(missing),
            advice="Publish a build with its variables, or say the address (--supabase URL), or another contract (--product).",
        )


def _health(name: str, component: Component, addresses: dict[str, str], given: Given, key: str, get: Get) -> str:
    """What becomes of one component. Raises CannotConnect for a back end that is not well."""
    if component.no_endpoint is not None:
        return f"not asked: {component.no_endpoint}"
    site = str(component.site)
    address = given.frontend if site == "frontend" else addresses[site]
    if site == "supabase" and not (address and key):
        return "not asked: no address of Supabase, or no key of its pages (SUPABASE_ANON_KEY)"
    query = f"?{component.query}" if component.query else ""
    captured = get(f"{address}{component.path}{query}", {"apikey": key} if site == "supabase" else {})
    _refuse_ban(address, captured.answer)
    problems = "; ".join(_problems(component, captured))
    if problems and name == BACKEND:
        raise CannotConnect(
            f"API {address}{component.path}",
            expected=f"the back end's health, as products/{given.product}.toml describes it",
            found=cut(one_line(problems), _SHOWN_CHARACTERS),
            advice=f"{_WELL} Another product needs a contract of its own: docs/reference/contract.md, and --product NAME.",
        )
    return (
        f"{component.path} is NOT well: {cut(one_line(problems), _SHOWN_CHARACTERS)}"
        if problems
        else f"{component.path}, well"
    )


def _problems(component: Component, captured: Captured) -> Iterator[str]:
    """Why it is not well, or why its conditions prove nothing: each bad answer that is made of this one has to be noticed."""
    if captured.answer.problem:
        yield captured.answer.problem
        return
    judgement = judge(component, captured)
    if not judgement.proves_health:
        yield from filter(None, [*judgement.problems, judgement.not_known])
    elif unnoticed := survivors(component, captured):
        yield f"it would still be called healthy with: {', '.join(unnoticed)}"


def _refuse_ban(address: str, answer: Answer) -> None:
    if answer.http_status in REFUSALS:
        raise CannotConnect(
            address,
            expected="an answer",
            found=f"HTTP {answer.http_status} for {urlsplit(answer.url).path}: this address is banned, or nobody is let in",
            advice="Nothing more was asked. Wait an hour, or ask from another address: "
            "docs/how-to/verify-after-a-rollback.md#when-we-are-blocked.",
        )


def _is_page(answer: Answer) -> bool:
    return answer.content_type.lower().startswith("text/html")
