"""What the prober asks of an environment, and how often each journey takes its turn."""

from collections.abc import Iterator
from dataclasses import replace

from pam_rollback.environment.environment import Environment
from pam_rollback.observation.rules.catalogue import (
    EXPENSES,
    HISTORY,
    Request,
    back_end_health,
    chat,
    front_page,
    login,
    read_by_the_account,
)
from pam_rollback.observation.rules.journeys import CACHED_FRONT_PAGE, PAGES, Journey, ProbeConfig, SignIn


def probe_config(environment: Environment, *, run: str) -> ProbeConfig:
    """The prober of this environment.

    Without a test account there is nothing but the front page (asked for past caches and through them) and the health
    endpoint to see, and all of them count.
    """
    weights = {str(name): weight for name, weight in environment.probing.weights.items()}
    signed_in = "test_account" in environment.abilities
    usual = [*_of_everybody(environment), *(_of_the_account(environment) if signed_in else ())]
    # A journey that is weighed 0 takes no turn; one that only the environment asks for has no weight of its own.
    asked = [(journey, weights.get(journey.name, weight)) for journey, weight in usual]
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
    )


def _of_everybody(environment: Environment) -> Iterator[tuple[Journey, int]]:
    for name in PAGES:
        yield _journey(environment, replace(front_page(environment), name=name), cached=name == CACHED_FRONT_PAGE), 1
    yield _journey(environment, back_end_health(environment)), 1


def _of_the_account(environment: Environment) -> Iterator[tuple[Journey, int]]:
    """As the test account. All but the chat only read; what is asked there stays in the account's own history."""
    for read in read_by_the_account(environment, HISTORY, EXPENSES):
        # Supabase takes a parameter that it does not know for a column.
        yield _journey(environment, read, cached=read.part == "supabase"), 2
    sign_in = sign_in_of(environment)
    yield _journey(environment, login(environment, sign_in.email, sign_in.password)), 0
    yield _journey(environment, chat(environment, "{probe_id}")), 0


def _journey(environment: Environment, asked: Request, *, cached: bool = False) -> Journey:
    """At the environment's own addresses."""
    return Journey(
        name=asked.name,
        url=f"{getattr(environment.urls, asked.part)}{asked.path}",
        method=asked.method,
        headers=environment.headers_at(asked.part),
        body=asked.body,
        expect=asked.expect,
        signed_in=asked.signed_in,
        cached=cached,
    )
