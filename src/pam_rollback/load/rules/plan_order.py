"""What a load test asks of an environment: whom, for what, how often and for how long."""

from collections.abc import Iterator

from pam_rollback.environment.environment import Environment
from pam_rollback.load.rules.order import LoadJourney, LoadOrder, LoadShape, LoadSignIn, LoadTarget, LoadWorkers
from pam_rollback.load.rules.record import CANDIDATE, STABLE
from pam_rollback.plan.plan_terms import LoadTerms
from pam_rollback.product.rules.contract import BACKEND
from pam_rollback.product.rules.expectation import Expect, healthy

PAGE, HEALTH = "front page", "health"
"""The journeys that the API's servers do not count, or need not."""
_JSON = "application/json"


def load_order(environment: Environment, terms: LoadTerms, workers: LoadWorkers, *, pace: float, run: str) -> LoadOrder:
    """The load of the plan, for the candidate and, where the stable release can be asked too, for both in turns: each gets all of it."""
    targets = _targets(environment)
    signed_in = "test_account" in environment.abilities
    usual = [(journey, journey.weight) for journey in _of_everybody(environment)]
    if signed_in:
        usual += [(journey, journey.weight) for journey in _of_the_account(environment)]
        usual.append((_login(environment), 0))  # nobody is asked to bear it who did not say so
    weights = {str(name): weight for name, weight in environment.load.weights.items()}
    asked = [(journey, weights.get(journey.name, weight)) for journey, weight in usual]
    return LoadOrder(
        targets=targets,
        journeys=tuple(journey.model_copy(update={"weight": weight}) for journey, weight in asked if weight),
        shape=LoadShape(
            name=terms.shape, rate_hz=environment.load.rate_hz * len(targets), shares_pct=tuple(terms.steps_pct)
        ),
        duration_s=terms.duration_s / pace,
        sign_in=_sign_in(environment) if signed_in else None,
        timeout_s=environment.load.timeout_s,
        workers=workers,
        run=run,
    )


def _targets(environment: Environment) -> tuple[LoadTarget, ...]:
    urls = environment.urls
    live = {"frontend": urls.frontend, "api": urls.api, "backend": urls.backend, "supabase": urls.supabase}
    live = {name: address for name, address in live.items() if address}
    if "second_release" not in environment.abilities:
        return (LoadTarget(addresses=live),)
    # The front end is the same for both: pages are files, and what is compared is the service behind them.
    stable = {**live, "api": environment.load.stable_api, "backend": environment.load.stable_backend}
    return LoadTarget(name=STABLE, addresses=stable), LoadTarget(name=CANDIDATE, addresses=live)


def _of_everybody(environment: Environment) -> Iterator[LoadJourney]:
    yield LoadJourney(
        name=PAGE, part="frontend", path=environment.pages.home, expect=Expect(content_type="text/html", site=True)
    )
    backend = environment.contract.health[BACKEND]
    yield LoadJourney(name=HEALTH, part=str(backend.site), path=str(backend.path), expect=healthy(backend))


def _of_the_account(environment: Environment) -> Iterator[LoadJourney]:
    """As the test account: most look at what they have, some ask PAM. What is asked stays in the account's own history."""
    for name, query, weight in (("history", "limit=20", 3), ("expenses", "limit=20", 2), ("profile", "", 1)):
        done = environment.contract.operation(name)
        if not done.address or done.site == "supabase":
            continue  # the rows of users are another service's: it is no part of what is compared
        sign = "&" if "?" in done.address else "?"
        yield LoadJourney(
            name=name,
            part=done.site,
            path=done.address + (f"{sign}{query}" if query else ""),
            method=done.method,
            body=done.body_with(""),
            weight=weight,
            expect=Expect(content_type=_JSON, good=done.good),
            signed_in=True,
            cached=True,
        )
    chat = environment.contract.operation("chat")
    yield LoadJourney(
        name="chat",
        part=chat.site,
        path=chat.address,
        method=chat.method,
        body=chat.body_with("Where can I stop for the night? ({request_id})"),
        expect=Expect(chat=environment.chat_intent, good=environment.chat_good),
        weight=2,
        signed_in=True,
        cached=True,
    )


def _login(environment: Environment) -> LoadJourney:
    return LoadJourney(
        name="login",
        part=environment.contract.sign_in.site,
        path=environment.contract.sign_in.address,
        method="POST",
        body={"email": "{email}", "password": "{password}"},
        expect=Expect(json_keys=("access_token",)),
        cached=True,
    )


def _sign_in(environment: Environment) -> LoadSignIn:
    named = environment.secret_variables
    sign_in = environment.contract.sign_in
    return LoadSignIn(
        part=sign_in.site,
        path=sign_in.address,
        apikey=environment.sign_in_headers.get("apikey", ""),
        apikey_variable=(named.supabase_key_env or "") if sign_in.kind == "supabase" else "",
        email=environment.secret("test_user_email"),
        password=environment.secret("test_user_password"),
        email_variable=named.test_user_email_env or "",
        password_variable=named.test_user_password_env or "",
    )
