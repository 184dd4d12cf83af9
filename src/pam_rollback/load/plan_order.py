"""What a load test asks of an environment: whom, for what, how often and for how long."""

from collections.abc import Iterator

from pam_rollback.environment.environment import Environment
from pam_rollback.load.order import LoadJourney, LoadOrder, LoadShape, LoadSignIn, LoadTarget
from pam_rollback.load.record import CANDIDATE, STABLE
from pam_rollback.observation import probed_journeys as catalogue
from pam_rollback.observation.journeys import FRONT_PAGE, HEALTH_JOURNEY
from pam_rollback.plan.plan_terms import LoadTerms

PAGE, HEALTH = FRONT_PAGE, HEALTH_JOURNEY
"""The journeys that the API's servers do not count, or need not."""
_LOOKED_AT = {catalogue.HISTORY: 3, catalogue.EXPENSES: 2, catalogue.PROFILE: 1}


def load_order(environment: Environment, terms: LoadTerms, *, pace: float, run: str, workers: int = 1) -> LoadOrder:
    """The load of the plan, for the candidate and, where the stable release can be asked too, for both in turns: each gets all of it."""
    targets = _targets(environment)
    return LoadOrder(
        targets=targets,
        journeys=_journeys(environment),
        shape=_shape(environment, terms, targets),
        duration_s=terms.duration_s / pace,
        sign_in=_sign_in(environment) if "test_account" in environment.abilities else None,
        timeout_s=environment.load.timeout_s,
        workers=workers,
        version_path=environment.paths.version,
        run=run,
    )


def _shape(environment: Environment, terms: LoadTerms, targets: tuple[LoadTarget, ...]) -> LoadShape:
    rate_hz = environment.load.rate_hz * len(targets)
    return LoadShape(name=terms.shape, rate_hz=rate_hz, shares_pct=tuple(terms.steps_pct))


def _journeys(environment: Environment) -> tuple[LoadJourney, ...]:
    usual = [(journey, journey.weight) for journey in _of_everybody(environment)]
    if "test_account" in environment.abilities:
        usual += [(journey, journey.weight) for journey in _of_the_account(environment)]
        usual.append((_login(environment), 0))  # nobody is asked to bear it who did not say so
    weights = {str(name): weight for name, weight in environment.load.weights.items()}
    weighted = [(journey, weights.get(journey.name, weight)) for journey, weight in usual]
    return tuple(journey.model_copy(update={"weight": weight}) for journey, weight in weighted if weight)


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
    yield _journey(catalogue.front_page(environment))
    yield _journey(catalogue.back_end_health(environment))


def _of_the_account(environment: Environment) -> Iterator[LoadJourney]:
    """As the test account: most look at what they have, some ask PAM. What is asked stays in the account's own history."""
    for read in catalogue.read_by_the_account(environment, *_LOOKED_AT):
        if read.part != "supabase":  # the rows of users are another service's: it is no part of what is compared
            yield _journey(read, weight=_LOOKED_AT[read.name], cached=True)
    yield _journey(catalogue.chat(environment, "{request_id}"), weight=2, cached=True)


def _login(environment: Environment) -> LoadJourney:
    return _journey(catalogue.login(environment, "{email}", "{password}"), cached=True)


def _journey(asked: catalogue.Request, *, weight: int = 1, cached: bool = False) -> LoadJourney:
    """At whichever target takes its turn."""
    return LoadJourney(
        name=asked.name,
        part=asked.part,
        path=asked.path,
        method=asked.method,
        body=asked.body,
        expect=asked.expect,
        weight=weight,
        signed_in=asked.signed_in,
        cached=cached,
    )


def _sign_in(environment: Environment) -> LoadSignIn:
    sign_in = environment.contract.sign_in
    return LoadSignIn(
        part=sign_in.site,
        path=sign_in.address,
        apikey=environment.sign_in_headers.get("apikey", ""),
        email=environment.secret("test_user_email"),
        password=environment.secret("test_user_password"),
    )
