"""What is probed and how an answer is judged.

The configuration that travels to the prober's process as one line of JSON.
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pam_rollback.core.answer import Answer
from pam_rollback.observation.rotation import rotation

_SHOWN_CHARACTERS = 40


class Facts(BaseModel):
    """Base of the configuration: nothing unknown, nothing changed later, no secret in an error message."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Expect(Facts):
    """What a good answer looks like. Every part that is given must hold."""

    status: int = 200
    content_type: str = ""
    """The content type begins so."""
    json_values: dict[str, Any] = Field(default_factory=dict)
    """Values at the top level of the JSON body."""
    json_keys: tuple[str, ...] = ()
    """Keys that the top level of the JSON body must have."""
    text: str = ""
    """Text that occurs in the body."""

    def shortcomings(self, answer: Answer) -> str:
        """Say what is wrong with the answer, in words; empty when nothing is. The body comes first.

        It names what ails.
        """
        if answer.problem:
            return answer.problem
        found = [*self._of_body(answer)]
        if answer.http_status != self.status:
            found.append(f"HTTP {answer.http_status} instead of {self.status}")
        if not answer.content_type.lower().startswith(self.content_type.lower()):
            found.append(f"content type {answer.content_type!r} instead of {self.content_type!r}")
        return "; ".join(found)

    def _of_body(self, answer: Answer) -> list[str]:
        found = []
        if self.json_values or self.json_keys:
            body = answer.json
            if not isinstance(body, dict):
                return [f"not a JSON object: {answer.text[:_SHOWN_CHARACTERS]!r}"]
            found += [
                f"{key} is {str(body.get(key))[:_SHOWN_CHARACTERS]!r} instead of {value!r}"
                for key, value in self.json_values.items()
                if key not in body or body[key] != value
            ]
            found += [f"without {key!r}" for key in self.json_keys if key not in body]
        if self.text and self.text.encode() not in answer.body:
            found.append(f"without the text {self.text!r}")
        return found


class SignIn(Facts):
    """How to sign in as the environment's own test account. Given to the child over its stdin only."""

    url: str
    email: str
    password: str = Field(repr=False)


class Journey(Facts):
    """One request that is repeated."""

    name: str = Field(min_length=1)
    url: str
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
    release_key: str = "release"
    """Where a JSON body names the release."""


class ProbeConfig(Facts):
    """A whole prober."""

    journeys: tuple[Journey, ...] = Field(min_length=1)
    rate_hz: float = Field(gt=0, le=200)
    timeout_s: float = Field(gt=0, le=30)
    """From leaving to the end of the body."""
    max_run_s: float = Field(default=4 * 3600, gt=0)
    """It ends by itself after so long, whatever became of its parent."""
    outstanding_max: int = Field(default=256, ge=1)
    """Probes in flight; one more is recorded as not sent."""
    body_bytes_max: int = Field(default=1 << 20, ge=1)
    sign_in: SignIn | None = None
    run: str = Field(default="local", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    """Names the run in the User-Agent, so that the target's people can find these requests."""

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
