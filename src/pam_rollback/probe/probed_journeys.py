"""What users ask of a product over and over, listed once, and how often the prober asks it. A load test takes from it, too."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.probe.journeys import (
    BROWSER_JOURNEY,
    CACHED_FRONT_PAGE,
    FRONT_PAGE,
    HEALTH_JOURNEY,
    LOGIN_JOURNEY,
    PAGES,
    Journey,
    ProbeConfig,
    SignIn,
)
from pam_rollback.probe.parts import READS, part_of, series_of
from pam_rollback.target.contract import BACKEND, Contract, Site
from pam_rollback.target.environment import Environment
from pam_rollback.target.expectation import JSON, Expect, healthy

HISTORY, EXPENSES, PROFILE, SETTINGS, CHAT = "history", "expenses", "profile", "settings", "chat"
_READ = {HISTORY: "limit=20", EXPENSES: "limit=20", PROFILE: "", SETTINGS: ""}
"""What an account reads, and the query that keeps the answer short."""


@dataclass(frozen=True)
class Request:
    """One request, below ``part``: ``frontend``, ``api``, ``backend`` or ``supabase``. ``path`` has its query in it."""

    name: str
    part: Site
    path: str
    expect: Expect
    method: str = "GET"
    body: dict[str, Any] | None = None
    signed_in: bool = False
    owner: str = ""
    """The key of the answer, or of each of its rows, that holds the id of the account whose it is; empty: nothing says."""


def front_page(environment: Environment) -> Request:
    """The site, with all that belongs to its page."""
    return Request(FRONT_PAGE, "frontend", environment.pages.home, Expect(content_type="text/html", site=True))


def back_end_health(environment: Environment) -> Request:
    """As the product's contract says that it is healthy."""
    backend = environment.contract.health[BACKEND]
    return Request(HEALTH_JOURNEY, backend.site or "backend", backend.address, healthy(backend))


def read_by_the_account(environment: Environment, *names: str) -> Iterator[Request]:
    """What the test account looks at, of these names; what has no endpoint here is left out."""
    for name in names:
        done = environment.contract.operation(name)
        if done.address:
            query = f"{'&' if '?' in done.address else '?'}{_READ[name]}" if _READ[name] else ""
            expect = Expect(content_type=JSON, good=done.good)
            path, body = done.address + query, done.body_with("")
            yield Request(name, done.site, path, expect, done.method, body, signed_in=True, owner=done.owner)


def login(environment: Environment, email: str, password: str) -> Request:
    """One sign-in."""
    sign_in, body = environment.contract.sign_in, {"email": email, "password": password}
    return Request(LOGIN_JOURNEY, sign_in.site, sign_in.address, Expect(json_keys=("access_token",)), "POST", body)


def chat(environment: Environment, mark: str) -> Request:
    """One question to PAM, which stays in the account's own history. ``mark`` tells the questions apart."""
    done = environment.contract.operation(CHAT)
    expect = Expect(chat=environment.chat_intent, good=environment.chat_good)
    body = done.body_with(f"Where can I stop for the night? ({mark})")
    return Request(CHAT, done.site, done.address, expect, done.method, body, signed_in=True)


_TURNS = 3
"""Of each part in a round: at one probe a second each part has 180 answers in the 15 minutes of SC-1, which needs 150."""


def probe_config(environment: Environment, *, run: str) -> ProbeConfig:
    """The prober of this environment.

    Without a test account there is nothing but the front page (asked for past caches and through them) and the health
    endpoint to see, and all of them count.
    """
    weights = usual_weights(environment.contract)
    weights |= {str(name): weight for name, weight in environment.probing.weights.items()}
    signed_in = "test_account" in environment.abilities
    usual = [*_of_everybody(environment), *(_of_the_account(environment) if signed_in else ())]
    # A journey that is weighed 0 takes no turn; sign-in and chat have no weight of their own.
    asked = [(journey, weights.get(journey.name, 0)) for journey in usual]
    return ProbeConfig(
        journeys=tuple(journey.model_copy(update={"weight": weight}) for journey, weight in asked if weight),
        rate_hz=environment.probing.rate_hz,
        timeout_s=environment.probing.timeout_s,
        sign_in=sign_in_of(environment) if signed_in else None,
        run=run,
    )


def sign_in_of(environment: Environment) -> SignIn:
    """How the environment's own test account signs in. Raises ConfigurationError where it has none."""
    return SignIn(
        url=environment.sign_in_url,
        email=environment.secret("test_user_email"),
        password=environment.secret("test_user_password"),
        headers=environment.sign_in_headers,
        part=part_of("", environment.contract.sign_in.site),
    )


def usual_weights(contract: Contract) -> dict[str, int]:
    """Return how often each journey takes its turn where the environment says nothing else, as many turns for each part."""
    found = {FRONT_PAGE: 1, CACHED_FRONT_PAGE: 2, HEALTH_JOURNEY: _TURNS}
    reads = [name for name in READS if contract.operation(name).address]
    for at_supabase in (False, True):
        own = [name for name in reads if (contract.operation(name).site == "supabase") is at_supabase]
        if own and not at_supabase:
            found[BROWSER_JOURNEY] = _TURNS
        found |= {name: max(1, _TURNS - len(own) + 1) if name == own[0] else 1 for name in own}
    return found


def _of_everybody(environment: Environment) -> Iterator[Journey]:
    for name in PAGES:
        cached = name == CACHED_FRONT_PAGE
        yield _journey(environment, replace(front_page(environment), name=name), cached=cached, as_browser=cached)
    yield _journey(environment, back_end_health(environment))


def _of_the_account(environment: Environment) -> Iterator[Journey]:
    """As the test account. All but the chat only read; what is asked there stays in the account's own history."""
    reads = list(read_by_the_account(environment, PROFILE, SETTINGS, HISTORY, EXPENSES))
    for read in reads:
        # Supabase takes a parameter that it does not know for a column.
        yield _journey(environment, read, cached=read.part == "supabase")
    of_the_back_end = [read for read in reads if read.part != "supabase"]
    if of_the_back_end:
        yield _journey(environment, replace(of_the_back_end[0], name=BROWSER_JOURNEY), cached=True, as_browser=True)
    sign_in = sign_in_of(environment)
    yield _journey(environment, login(environment, sign_in.email, sign_in.password))
    yield _journey(environment, chat(environment, "{probe_id}"))


def _journey(environment: Environment, asked: Request, *, cached: bool = False, as_browser: bool = False) -> Journey:
    return Journey(
        name=asked.name,
        url=f"{getattr(environment.urls, asked.part)}{asked.path}",
        method=asked.method,
        headers=environment.headers_at(asked.part),
        body=asked.body,
        expect=asked.expect,
        signed_in=asked.signed_in,
        cached=cached,
        part=part_of(asked.name, asked.part),
        as_browser_of=environment.urls.frontend if as_browser else "",
        owner=asked.owner,
    )


def slowest_part_hz(environment: Environment) -> float:
    """Return how many probes a second the part has that is asked least; 0 where nothing could be asked."""
    try:
        config = probe_config(environment, run="told")
    except ConfigurationError:
        return 0.0  # whoever needs it says what is missing
    return min(one.rate_hz for one in series_of(environment, config) if one.journeys)
