"""The load test of an environment: its journeys with their weights, and whether it may be loaded like this."""

from collections.abc import Iterator

from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import Refused
from pam_rollback.core.expectation import Expect
from pam_rollback.core.load_limits import objections
from pam_rollback.core.load_order import LoadJourney, LoadOrder, LoadShape, LoadSignIn, LoadTarget, LoadWorkers

_JSON = "application/json"


def load_order(
    environment: Environment,
    shape: LoadShape,
    duration_s: float,
    *,
    run: str,
    targets: tuple[LoadTarget, ...] = (),
    workers: LoadWorkers | None = None,
) -> LoadOrder:
    """What users do there, as much as the shape asks for. ``targets``: the releases to ask, else the environment's own addresses.

    Raises Refused with all reasons when the environment does not allow that.
    """
    signed_in = "test_account" in environment.abilities
    order = LoadOrder(
        targets=targets or (target_of(environment),),
        journeys=tuple(_weighted(environment, signed_in=signed_in)),
        shape=shape,
        duration_s=duration_s,
        sign_in=_sign_in(environment) if signed_in else None,
        timeout_s=environment.probing.timeout_s,
        workers=workers or LoadWorkers(),
        run=run,
    )
    place = f"{environment.name} ({environment.file})"
    reasons = list(objections(order, environment.load, place=place, is_sandbox=environment.is_sandbox))
    if reasons:
        raise Refused("\n".join(f"  - {reason}" for reason in reasons))
    return order


def target_of(environment: Environment, name: str = "") -> LoadTarget:
    """The environment's own addresses, which the live release answers at."""
    urls = environment.urls
    return LoadTarget(name=name, addresses={"frontend": urls.frontend, "api": urls.api, "backend": urls.backend})


def _weighted(environment: Environment, *, signed_in: bool) -> Iterator[LoadJourney]:
    asked = {str(name): weight for name, weight in environment.probing.weights.items()}
    if environment.load is not None:
        asked |= {str(name): weight for name, weight in environment.load.weights.items()}
    usual = [*_of_everybody(environment), *(_of_the_account(environment) if signed_in else ())]
    for journey, weight in usual:
        # A journey that is weighed 0 is not made; one that only the environment asks for has no weight of its own.
        if asked.get(journey.name, weight):
            yield journey.model_copy(update={"weight": asked.get(journey.name, weight)})


def _of_everybody(environment: Environment) -> Iterator[tuple[LoadJourney, int]]:
    page = LoadJourney(name="front page", part="frontend", path="/", expect=Expect(content_type="text/html"))
    yield page, 2
    yield page.model_copy(update={"name": "cached front page", "cached": True}), 1
    healthy = Expect(json_values={"status": "healthy"})
    yield LoadJourney(name="health", part="backend", path=environment.paths.backend_health, expect=healthy), 1


def _of_the_account(environment: Environment) -> Iterator[tuple[LoadJourney, int]]:
    """As the test account. All but the chat only read; what is asked there stays in the account's own history."""
    paths = environment.paths
    for name, path in (("history", paths.history), ("expenses", paths.expenses)):
        expect = Expect(content_type=_JSON)
        yield LoadJourney(name=name, path=f"{path}?limit=20", expect=expect, signed_in=True), 3
    login = {"email": "{email}", "password": "{password}"}
    expect = Expect(json_keys=("access_token",))
    yield LoadJourney(name="login", method="POST", path=paths.login, body=login, expect=expect), 0
    chat = {"message": "Where can I stop for the night? ({request_id})"}
    expect = Expect(json_keys=("response",))
    yield LoadJourney(name="chat", method="POST", path=paths.chat, body=chat, expect=expect, signed_in=True), 0


def _sign_in(environment: Environment) -> LoadSignIn:
    names = environment.secret_variables
    return LoadSignIn(
        path=environment.paths.login,
        email=environment.secret("test_user_email"),
        password=environment.secret("test_user_password"),
        email_variable=names.test_user_email_env or "",
        password_variable=names.test_user_password_env or "",
    )
