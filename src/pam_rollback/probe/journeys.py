"""What is probed and how an answer is judged.

The configuration that travels to an observer's process as one line of JSON.
"""

from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pam_rollback.core.answer import Answer
from pam_rollback.core.open_loop import rotation
from pam_rollback.target.expectation import Expect

FRONT_PAGE = "front page"
CACHED_FRONT_PAGE = "cached front page"
"""Asked for as visitors ask: a cache on the way may answer, and what it keeps is what people get."""
PAGES = (FRONT_PAGE, CACHED_FRONT_PAGE)
HEALTH_JOURNEY: Final = "health"
BROWSER_JOURNEY: Final = "as a browser"
"""The read of the back end that is asked as a browser asks."""
LOGIN_JOURNEY = "login"

_BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36"
)
"""A usual browser: what turns our name away, or welcomes it, does not know this one."""
FOREIGN = "the answer belongs to another account"

RATE_HZ_MAX = 200.0
"""Probes a second; a load beyond that is for a load test."""


class Facts(BaseModel):
    """Base of the configuration: nothing unknown, nothing changed later, no secret in an error message."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SignIn(Facts):
    """How to sign in as the environment's own test account. Given to the child over its stdin only."""

    url: str
    email: str
    password: str = Field(repr=False)
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    part: str = ""
    """The part of the product that signs in."""


class Journey(Facts):
    """One request that is repeated."""

    name: str = Field(min_length=1)
    part: str = ""
    """The part of the product that it asks (``probe/parts.py``)."""
    url: str
    """``{user_id}`` in it stands for the id of the test account."""
    method: str = "GET"
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    body: dict[str, Any] | None = Field(default=None, repr=False)
    """Sent as JSON; ``{probe_id}`` in it is replaced, so that every write can be told apart."""
    expect: Expect = Expect()
    weight: int = Field(default=1, ge=1, le=100)
    """How often it takes its turn in the rotation."""
    cached: bool = False
    """Ask for exactly this address, so that caches may answer; else every address is unique."""
    signed_in: bool = False
    """Send the test account's token."""
    as_browser_of: str = ""
    """The site on whose pages a browser would ask: its headers are sent in place of our name. Empty: asked as ourselves."""
    owner: str = ""
    """The key of the answer, or of each of its rows, that holds the id of the account whose it is."""

    @property
    def browser_headers(self) -> dict[str, str]:
        """What a browser sends when it opens a page, or when a page of that site asks the API."""
        fetch = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
        accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        if self.signed_in:
            accept = "application/json, text/plain, */*"
            fetch = {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site"}
            fetch |= {"Origin": self.as_browser_of, "Referer": f"{self.as_browser_of}/"}
        return {"User-Agent": _BROWSER, "Accept": accept, "Accept-Language": "en-US,en;q=0.9", **fetch}

    def is_of_another(self, answer: Answer, user_id: str) -> bool:
        """Return whether the answer, or one of its rows, names another account than this one as its owner."""
        body: Any = None if answer.problem or not self.owner else answer.json
        rows = body if isinstance(body, list) else [body]
        named = [str(row[self.owner]) for row in rows if isinstance(row, dict) and row.get(self.owner)]
        return bool(user_id) and any(one != user_id for one in named)


class ObserverConfig(Facts):
    """What every observer is told: a prober and a writer of the ledger."""

    rate_hz: float = Field(gt=0, le=RATE_HZ_MAX)
    timeout_s: float = Field(gt=0, le=30)
    """From leaving to the end of the body."""
    max_run_s: float = Field(default=4 * 3600, gt=0)
    """It ends by itself after so long, whatever became of its parent."""
    outstanding_max: int = Field(default=256, ge=1)
    """Requests in flight; one more is not sent."""
    sign_in: SignIn | None = None
    run: str = Field(default="local", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    """Names the run in the User-Agent, so that the target's people can find these requests."""

    @property
    def longest_s(self) -> float:
        """How long what was sent last may be on its way."""
        return self.timeout_s


class ProbeConfig(ObserverConfig):
    """A whole prober."""

    journeys: tuple[Journey, ...] = Field(min_length=1)
    body_bytes_max: int = Field(default=1 << 20, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [journey.name for journey in self.journeys]
        if len(set(names)) < len(names):
            raise ValueError(f"journeys need names of their own, these are {names}")
        if self.sign_in is None and (eager := [journey.name for journey in self.journeys if journey.signed_in]):
            raise ValueError(f"journeys {eager} act as the test account, but no sign_in is given")
        return self

    @property
    def rotation(self) -> tuple[Journey, ...]:
        """The order in which the journeys take turns: each as often as its weight, as evenly spread as can be."""
        by_name = {journey.name: journey for journey in self.journeys}
        return tuple(by_name[name] for name in rotation({name: journey.weight for name, journey in by_name.items()}))


def users_journeys(config: ProbeConfig) -> tuple[str, ...]:
    """Return the journeys of users. Where nobody can sign in, health is all that is known of what lies behind the front page."""
    signed_in = config.sign_in is not None
    return tuple(one.name for one in config.journeys if not (signed_in and one.name == HEALTH_JOURNEY))
