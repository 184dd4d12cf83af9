"""What users ask of a product over and over, listed once: prober and load test take from it, each with weights of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pam_rollback.environment.environment import Environment
from pam_rollback.observation.journeys import FRONT_PAGE, HEALTH_JOURNEY, LOGIN_JOURNEY
from pam_rollback.product.contract import BACKEND, Site
from pam_rollback.product.expectation import JSON, Expect, healthy

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
