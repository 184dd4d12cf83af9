"""What the load engine is told to do: whom it asks for what, how often, for how long, and with how many generators.

It travels to a session's load process as one line of JSON on its stdin. ``load/record.py`` is what comes back.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.core.errors import Refused
from pam_rollback.core.open_loop import Steady, beyond, rotation
from pam_rollback.plan.plan_terms import LoadTerms
from pam_rollback.probe import parts as catalogue
from pam_rollback.redeploy.load.record import CANDIDATE, STABLE, LoadStep
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_tables import undeclared_load
from pam_rollback.target.expectation import Expect

_START_UP_S = 45.0
_AFTERWARDS_S = 45.0
"""Both with three looks at which release answers."""


class _Part(BaseModel):
    """Base of the order: nothing unknown, nothing changed later, no secret in an error message."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class LoadTarget(_Part):
    """One release that is asked. In a comparison there are two, called ``stable`` and ``candidate``; every due time alternates."""

    name: str = ""
    addresses: Mapping[str, str] = Field(min_length=1)
    """Where its parts are: ``frontend``, ``api``, ``backend``, each without a slash at its end."""


class LoadJourney(_Part):
    """One request that users make, and how often beside the others."""

    name: str = Field(min_length=1)
    part: str = "api"
    """Which of the target's addresses it is below."""
    path: str = Field(pattern=r"^/")
    method: str = "GET"
    body: Mapping[str, Any] | None = Field(default=None, repr=False)
    """Sent as JSON. ``{request_id}`` in it is replaced, so that every write can be told apart; ``{email}`` and ``{password}`` are those of
    the sign-in."""
    expect: Expect = Expect()
    weight: int = Field(default=1, ge=1, le=1000)
    cached: bool = False
    """Ask for exactly this address, so that caches may answer; else every address is unique."""
    signed_in: bool = False
    """Send the test account's token."""


class LoadSignIn(_Part):
    """How to sign in as the environment's own test account, at each target."""

    part: str = "api"
    path: str = Field(pattern=r"^/")
    email: str = Field(repr=False)
    password: str = Field(repr=False)
    apikey: str = Field(default="", repr=False)
    """The key of the pages, where Supabase signs in; empty: none is sent."""


class LoadOrder(_Part):
    """A whole run. Requests leave when they are due, whatever became of those before (the open model)."""

    targets: tuple[LoadTarget, ...] = Field(min_length=1, max_length=2)
    journeys: tuple[LoadJourney, ...] = Field(min_length=1)
    rate_hz: float = Field(gt=0, le=20_000)
    """At full load, of all targets together."""
    steps_pct: tuple[Annotated[float, Field(gt=0, le=100)], ...] = Field(default=(100,), min_length=1)
    """The shares of full load, one after the other, each for an equal part of the duration."""
    duration_s: float = Field(gt=0, le=24 * 3600)
    sign_in: LoadSignIn | None = None
    timeout_s: float = Field(default=10, gt=0, le=60)
    """From leaving to the end of the body."""
    outstanding_max: int = Field(default=1000, ge=1, le=20_000)
    """Requests of one generator in flight. One more is recorded as never sent."""
    workers: int = Field(default=1, ge=1, le=200)
    """Generators that share the due times."""
    version_path: str = ""
    """Where the API says which release it is; empty: it is not asked."""
    run: str = Field(default="local", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    """Names the run in the User-Agent, so that the target's people can find these requests."""

    @property
    def without_secrets(self) -> Self:
        """What may be written down."""
        sign_in = self.sign_in and self.sign_in.model_copy(update={"email": "", "password": "", "apikey": ""})
        return self.model_copy(update={"sign_in": sign_in})

    def redacted(self, text: str) -> str:
        """Take the account's name and password out of a text."""
        for secret in filter(None, (self.sign_in.password, self.sign_in.email) if self.sign_in else ()):
            text = text.replace(secret, "[redacted]")
        return text

    @property
    def ends_within_s(self) -> float:
        """The whole run's deadline, from the start of its process."""
        return _START_UP_S + self.duration_s + self.timeout_s + _AFTERWARDS_S


class Due(NamedTuple):
    """One request."""

    due_s: float
    """From the beginning of the run."""
    target: int
    journey: int


def steps_of(order: LoadOrder, *, began_s: float = 0) -> tuple[LoadStep, ...]:
    """Return what is asked for, one after the other."""
    each_s, most = order.duration_s / len(order.steps_pct), max(order.steps_pct)
    return tuple(
        LoadStep(
            from_s=began_s + number * each_s,
            until_s=began_s + (number + 1) * each_s,
            rate_hz=order.rate_hz * (share / 100),
            share_pct=100 * share / most,
        )
        for number, share in enumerate(order.steps_pct)
    )


def due_times(order: LoadOrder, *, worker: int = 0, workers: int = 1) -> Iterator[Due]:
    """When the requests of one of so many workers are due, in order: together, they are the whole shape.

    Each due time alternates between the targets. Journeys take turns by weight at each target, at another place of the round for each
    target and worker, so that no target is always asked for what another has just warmed up.
    """
    turns = rotation({index: journey.weight for index, journey in enumerate(order.journeys)})
    targets = len(order.targets)
    moments = (
        step.from_s + number / step.rate_hz
        for step in steps_of(order)
        for number in range(round(step.rate_hz * order.duration_s / len(order.steps_pct)))
    )
    for number, due_s in enumerate(moments):
        pair, target = divmod(number, targets)
        if pair % workers == worker:
            place = pair // workers + worker + target * len(turns) // targets
            yield Due(due_s, target, turns[place % len(turns)])


_LOOKED_AT = {catalogue.HISTORY: 3, catalogue.EXPENSES: 2, catalogue.PROFILE: 1}


def load_order(environment: Environment, terms: LoadTerms, *, pace: float, run: str, workers: int = 1) -> LoadOrder:
    """The load of the plan, for the candidate and, where the stable release can be asked too, for both in turns: each gets all of it."""
    targets = _targets(environment)
    return LoadOrder(
        targets=targets,
        journeys=_journeys(environment),
        rate_hz=environment.load.rate_hz * len(targets),
        steps_pct=terms.steps_pct,
        duration_s=terms.duration_s / pace,
        sign_in=_sign_in(environment) if "test_account" in environment.abilities else None,
        timeout_s=environment.load.timeout_s,
        workers=workers,
        version_path=environment.paths.version,
        run=run,
    )


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
    request = {name: value for name, value in vars(asked).items() if name in LoadJourney.model_fields}
    return LoadJourney(**request, weight=weight, cached=cached)


def _sign_in(environment: Environment) -> LoadSignIn:
    sign_in = environment.contract.sign_in
    return LoadSignIn(
        part=sign_in.site,
        path=sign_in.address,
        apikey=environment.sign_in_headers.get("apikey", ""),
        email=environment.secret("test_user_email"),
        password=environment.secret("test_user_password"),
    )


_MINUTE_S = 60.0


def permit(order: LoadOrder, environment: Environment) -> LoadOrder:
    """Give the order back where it may be carried out. Raises Refused with all reasons where not: nothing was sent."""
    reasons = list(_objections(order, environment))
    if reasons:
        raise Refused("\n".join(f"  - {reason}" for reason in reasons))
    return order


def _objections(order: LoadOrder, environment: Environment) -> Iterator[str]:
    """What the place allows, and what the product's API would refuse, or ban this machine for."""
    load, place = environment.load, f"{environment.name} ({environment.file})"
    if "load" not in environment.abilities:
        yield undeclared_load(place)
        return
    wanted_hz = max(step.rate_hz for step in steps_of(order))
    if wanted_hz > load.rate_hz_max:
        yield (
            f"{place} allows {load.rate_hz_max:g} requests a second ([load] rate_hz_max), full load asks for {wanted_hz:g}; "
            "ask for less, or agree on more"
        )
    # Each release is asked its share, from the same address.
    each_hz = wanted_hz / len(order.targets) / sum(journey.weight for journey in order.journeys)
    asked_for = [
        Steady(journey.path, each_hz * journey.weight * _MINUTE_S, token=journey.signed_in)
        for journey in order.journeys
        if journey.part in {"api", "backend"}
    ]
    for fact, _ in beyond(asked_for, **environment.contract.limits.ours().model_dump()):
        yield f"{place}: full load makes {fact}; where this machine may ask more, say so in [contract.limits]"
