"""What the load engine is told to do: whom it asks for what, how often, for how long, and with how many generators.

It travels to a session's load process as one line of JSON on its stdin. ``load/record.py`` is what comes back.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pam_rollback.product.expectation import Expect

ShapeName = Literal["steady", "steps", "spike", "soak", "arrivals"]

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
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)
    """Sent with every request, where a header says which release answers. Nothing secret: they travel to the workers as they are."""


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


class LoadShape(_Part):
    """How much is asked for, and when: ``load/shapes.py`` says it second by second.

    Requests leave when they are due, whatever became of those before (the open model).
    """

    name: ShapeName
    rate_hz: float = Field(gt=0, le=20_000)
    """The 100 % of ``steps``, the base of ``spike``, all of the others."""
    shares_pct: tuple[Annotated[float, Field(gt=0, le=100)], ...] = Field(default=(10, 25, 50, 100), min_length=1)
    """``steps`` only: each for an equal part of the duration."""
    spike_factor: float = Field(default=5, gt=1)
    """``spike`` only: so many times the base ..."""
    spike_share: float = Field(default=0.2, gt=0, lt=1)
    """... for this share of the duration, in its middle."""


class LoadOrder(_Part):
    """A whole run."""

    targets: tuple[LoadTarget, ...] = Field(min_length=1, max_length=2)
    journeys: tuple[LoadJourney, ...] = Field(min_length=1)
    shape: LoadShape
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
    deadline_s: float = Field(default=0, ge=0)
    """Everything is over after so long, whatever became of it. 0: the duration and what start and end take at most."""
    run: str = Field(default="local", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    """Names the run in the User-Agent, so that the target's people can find these requests."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for what, names in (
            ("targets", [one.name for one in self.targets]),
            ("journeys", [one.name for one in self.journeys]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"{what} need names of their own, these are {names}")
        if self.sign_in is None and (eager := [journey.name for journey in self.journeys if journey.signed_in]):
            raise ValueError(f"journeys {eager} act as the test account, but no sign_in is given")
        needed = {journey.part for journey in self.journeys} | ({self.sign_in.part} if self.sign_in else set())
        for target in self.targets:
            if missing := sorted(needed - set(target.addresses)):
                raise ValueError(f"target {target.name!r} has no address for {', '.join(missing)}")
        return self

    @property
    def without_secrets(self) -> Self:
        """What may be written down."""
        sign_in = self.sign_in and self.sign_in.model_copy(update={"email": "", "password": "", "apikey": ""})
        return self.model_copy(update={"sign_in": sign_in})

    @property
    def ends_within_s(self) -> float:
        """The whole run's deadline, from the start of its process."""
        return self.deadline_s or _START_UP_S + self.duration_s + self.timeout_s + _AFTERWARDS_S
