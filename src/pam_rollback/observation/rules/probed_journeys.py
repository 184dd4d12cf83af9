"""What the prober asks of an environment, and how often each journey takes its turn."""

from collections.abc import Iterator

from pam_rollback.environment.environment import Environment
from pam_rollback.observation.rules.journeys import (
    CACHED_FRONT_PAGE,
    HEALTH_JOURNEY,
    LOGIN_JOURNEY,
    PAGES,
    Journey,
    ProbeConfig,
    SignIn,
)
from pam_rollback.product.rules.contract import BACKEND
from pam_rollback.product.rules.expectation import Expect, healthy

_JSON = "application/json"


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
        url, expect = environment.urls.frontend + "/", Expect(content_type="text/html", site=True)
        yield Journey(name=name, url=url, expect=expect, cached=name == CACHED_FRONT_PAGE), 1
    backend = environment.contract.health[BACKEND]
    yield Journey(name=HEALTH_JOURNEY, url=environment.health_url(backend), expect=healthy(backend)), 1


def _of_the_account(environment: Environment) -> Iterator[tuple[Journey, int]]:
    """As the test account. All but the chat only read; what is asked there stays in the account's own history."""
    for name in ("history", "expenses"):
        done, where = environment.contract.operation(name), environment.url_of(name)
        if where:
            journey = Journey(
                name=name,
                url=f"{where}{'&' if '?' in where else '?'}limit=20",
                method=done.method,
                headers=environment.headers_of(name),
                body=done.body_with(""),
                expect=Expect(content_type=_JSON, good=done.good),
                signed_in=True,
                cached=done.site == "supabase",  # takes a parameter that it does not know for a column
            )
            yield journey, 2
    sign_in = sign_in_of(environment)
    yield (
        Journey(
            name=LOGIN_JOURNEY,
            url=sign_in.url,
            method="POST",
            headers=sign_in.headers,
            body={"email": sign_in.email, "password": sign_in.password},
            expect=Expect(json_keys=("access_token",)),
        ),
        0,
    )
    chat = environment.contract.operation("chat")
    yield (
        Journey(
            name="chat",
            url=environment.url_of("chat"),
            method=chat.method,
            body=chat.body_with("Where can I stop for the night? ({probe_id})"),
            expect=Expect(chat=environment.chat_intent, good=environment.chat_good),
            signed_in=True,
        ),
        0,
    )
