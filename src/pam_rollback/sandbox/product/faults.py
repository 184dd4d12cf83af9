"""What can be made to go wrong inside a release, by name.

A fault that names a flag sits in the code that this flag switches: it shows only in a release that has the new features, and only for
users who get the flag; taking the flag away takes the fault's effect away, which is what a feature-flag rollback relies on.

In one module: what a fault takes, its entry and what it does while it is on are changed together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.sandbox.product.leak import Leak
from pam_rollback.sandbox.product.rollout import bucket

# Multiples of the golden ratio's fraction spread evenly over 0 to 1 and never repeat: any run of requests holds the wanted share.
# Every 8th or 13th of them does not, so each kind of request is counted by itself: else all writes of some seconds could fail, and
# all reads succeed.
_GOLDEN = (math.sqrt(5) - 1) / 2


Reply = TypeVar("Reply")


class Parameters(BaseModel):
    """Parameters of a fault that has none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ErrorsParameters(Parameters):
    """How many of a user's requests fail."""

    share: float = Field(default=0.6, ge=0, le=1, allow_inf_nan=False)


class LatencyParameters(Parameters):
    """How much later an answer begins."""

    ms: float = Field(default=900, ge=0, le=120_000, allow_inf_nan=False)


class PartialParameters(Parameters):
    """How many users keep every feature: of all ids that somebody may ask for, or of those only who have an account."""

    percent: float = Field(default=5, ge=0, le=100, allow_inf_nan=False)
    who: Literal["anybody", "accounts"] = "anybody"


class LeakParameters(Parameters):
    """How much memory is lost at once, and with each second from then on."""

    mb: float = Field(default=150, ge=0, le=500, allow_inf_nan=False)
    mb_per_s: float = Field(default=0, ge=0, le=20, allow_inf_nan=False)


WITHOUT_TOKEN, ANY_TOKEN, UNVERIFIED_TOKEN = "missing", "wrong", "unverified"
EXPIRED_TOKEN, USER_AS_ADMIN, ANY_PASSWORD = "expired", "users-as-admins", "any-password"
OF_ANY_USER_ID = "user-id"


class BypassParameters(Parameters):
    """Which tokens open the door.

    missing: none at all, in both APIs; wrong: any text, in both APIs; unverified: the account that a token claims, whoever signed it;
    expired: one that was good; users-as-admins: the admin API takes every user's token; any-password: no token, but the sign-in gives
    one for any password.
    """

    accepts: Literal["missing", "wrong", "unverified", "expired", "users-as-admins", "any-password"] = "missing"


class OthersParameters(Parameters):
    """What shows other users' rows.

    expenses, messages, settings, tickets: everybody's newest in this list; profile: the same person's for all; user-id: those of the
    account that `?user_id=` names.
    """

    what: Literal["expenses", "messages", "settings", "tickets", "profile", "user-id"] = "expenses"


class ApologyParameters(Parameters):
    """What is said in place of an answer."""

    says: Literal["apology", "traceback"] = "apology"


class FalsifiedParameters(Parameters):
    """What becomes of an expense: shown as a hundred times as much, stored as a tenth, or stored twice."""

    how: Literal["shown", "stored", "doubled"] = "shown"


class SomeUsersParameters(Parameters):
    """How many users a feature fails for: always the same ones, by their id."""

    percent: float = Field(default=30, ge=0, le=100, allow_inf_nan=False)
    what: Literal["chat", "expenses"] = "chat"


class ForgottenParameters(Parameters):
    """Which writes are acknowledged and not stored."""

    what: Literal["expenses", "settings", "messages", "deletions"] = "expenses"


class LostConfigurationParameters(Parameters):
    """What the next change of a flag takes away: all other flags, or all settings first written more than an hour ago."""

    what: Literal["flags", "settings"] = "settings"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One named fault; `flag` is the feature that it hides behind."""

    name: str
    summary: str
    flag: str | None = None
    parameters: type[Parameters] = Parameters

    def described(self) -> dict[str, Any]:
        """For the catalogue: parameters with their defaults."""
        return {
            "name": self.name,
            "summary": self.summary,
            "flag": self.flag,
            "parameters": self.parameters().model_dump(),
        }


ERRORS = FaultKind("errors", "a share of the users' requests answers 500", "PAM_ENHANCED_UI", ErrorsParameters)
CODE_ERRORS = FaultKind(
    "code-errors", "a share of the users' requests answers 500, whatever the flags say", parameters=ErrorsParameters
)
AI_ROUTER = "PAM_AI_ROUTER"
ROUTER_FAILS = FaultKind(
    "router-fails",
    "a share of the users' requests answers 500 while the model router is on",
    AI_ROUTER,
    ErrorsParameters,
)
LATENCY = FaultKind("latency", "the users' requests take longer", "PAM_PERFORMANCE_OPTIMIZATIONS", LatencyParameters)
VOICE = FaultKind("voice", "voice requests answer 503", "PAM_VOICE_FEATURES")
FLAGS_IGNORED = FaultKind("flags-ignored", "the admin API says 200 and changes nothing")
FLAGS_PARTIAL = FaultKind(
    "flags-partial", "a share of the users keeps the features whatever the flags say", parameters=PartialParameters
)
MEMORY_LEAK = FaultKind("memory-leak", "the process holds more and more memory", parameters=LeakParameters)
CHAT_APOLOGISES = FaultKind(
    "chat-apologises",
    "PAM answers every question with an apology and no intent, or with the end of a program",
    parameters=ApologyParameters,
)
FAILURE_BESIDE = FaultKind("failure-beside", "what chat, profile and expenses answer says besides that it failed")
EXPENSES_FALSIFIED = FaultKind(
    "expenses-falsified", "an expense is not what was entered", parameters=FalsifiedParameters
)
ANOTHERS_WORDS = FaultKind(
    "chat-answers-anothers-words",
    "PAM's answers are kept by what they are about, and given to whoever asks about that next",
)
MODEL_DOWN = FaultKind("model-down", "whoever thinks of PAM's answers does not answer")
WRITES_FORGOTTEN = FaultKind(
    "writes-forgotten", "writes are acknowledged and not stored", parameters=ForgottenParameters
)
ADMIN_REFUSES = FaultKind("admin-refuses", "the admin API answers 401 to the right token")
AUTH_BYPASS = FaultKind("auth-bypass", "requests are served without a right token", parameters=BypassParameters)
CROSS_USER_READ = FaultKind("cross-user-read", "users are shown what belongs to others", parameters=OthersParameters)
FEATURE_FAILS = FaultKind(
    "feature-fails-for-some",
    "a core feature answers 500 to a share of the users, always the same ones",
    "PAM_ENHANCED_UI",
    SomeUsersParameters,
)
CONFIGURATION_LOST = FaultKind(
    "configuration-lost", "a change of flags takes older configuration away", parameters=LostConfigurationParameters
)
CATALOGUE: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        *(
            ERRORS,
            CODE_ERRORS,
            ROUTER_FAILS,
            LATENCY,
            VOICE,
            FLAGS_IGNORED,
            FLAGS_PARTIAL,
            ADMIN_REFUSES,
            MEMORY_LEAK,
            CHAT_APOLOGISES,
            MODEL_DOWN,
            WRITES_FORGOTTEN,
            EXPENSES_FALSIFIED,
            FAILURE_BESIDE,
            ANOTHERS_WORDS,
        ),
        *(AUTH_BYPASS, CROSS_USER_READ, FEATURE_FAILS, CONFIGURATION_LOST),
    )
}


@dataclass(slots=True)
class Faults:
    """The faults of this process; they end with it."""

    _active: dict[str, Parameters] = field(default_factory=dict)
    _requests: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Requests counted by user and kind."""
    _answered: dict[str | None, tuple[object, Any]] = field(default_factory=dict)
    """Whom PAM answered last about each topic, and what."""
    _leak: Leak = field(default_factory=Leak)
    _flags_kept: frozenset[str] | None = None
    """The flags that the latest change named, since older configuration is to be lost; None: nothing is lost."""

    def plant(self, name: str, parameters: Parameters) -> None:
        """Switch a fault on, or give it other parameters."""
        self._active[name] = parameters
        if isinstance(parameters, LeakParameters):
            self._leak.begin(parameters.mb, parameters.mb_per_s)

    def clear(self, name: str) -> None:
        """Switch a fault off; one that is off stays off."""
        self._active.pop(name, None)
        if name == MEMORY_LEAK.name:
            self._leak.end()
        if name == CONFIGURATION_LOST.name:
            self._flags_kept = None

    def flags_changed(self, names: Iterable[str]) -> None:
        """Note a change of flags: with the fault, whatever it does not name is lost from now on."""
        if self.is_on(CONFIGURATION_LOST):
            self._flags_kept = frozenset(names)

    def has_lost(self, what: str) -> bool:
        """Whether older configuration of this kind is gone."""
        parameters = self._active.get(CONFIGURATION_LOST.name)
        return (
            isinstance(parameters, LostConfigurationParameters)
            and parameters.what == what
            and self._flags_kept is not None
        )

    def has_lost_flag(self, name: str) -> bool:
        """Whether this flag is back at its default, which is off."""
        return self.has_lost("flags") and name not in (self._flags_kept or ())

    def leak(self) -> None:
        """Lose the memory that is due by now, if any is to be lost."""
        if self.is_on(MEMORY_LEAK):
            self._leak.grow()

    def active(self) -> list[dict[str, Any]]:
        """For the catalogue: what is on, with its parameters."""
        return [{"name": name, **parameters.model_dump()} for name, parameters in self._active.items()]

    def is_on(self, kind: FaultKind) -> bool:
        """Whether a fault is planted, whoever it hits."""
        return kind.name in self._active

    def hits(self, kind: FaultKind, features: frozenset[str]) -> bool:
        """Whether a fault is planted and the user has the feature that it hides behind."""
        return self.is_on(kind) and (kind.flag is None or kind.flag in features)

    def delay_s(self, features: frozenset[str]) -> float:
        """How long this user's request is held back."""
        parameters = self._active.get(LATENCY.name)
        if not isinstance(parameters, LatencyParameters) or not self.hits(LATENCY, features):
            return 0.0
        return parameters.ms / 1000

    def forgets(self, what: str) -> bool:
        """Whether writes of this kind are acknowledged and not stored."""
        parameters = self._active.get(WRITES_FORGOTTEN.name)
        return isinstance(parameters, ForgottenParameters) and parameters.what == what

    def answer_says(self) -> str:
        """What is said in place of every answer; empty when answers are given."""
        parameters = self._active.get(CHAT_APOLOGISES.name)
        return parameters.says if isinstance(parameters, ApologyParameters) else ""

    def mistaken(self, whose: object, about: str | None, reply: Reply) -> Reply:
        """The answer that is given: with the fault, what somebody else was answered about the same just before."""
        if not self.is_on(ANOTHERS_WORDS):
            return reply
        before, given = self._answered.get(about, (whose, reply))
        self._answered[about] = whose, reply
        return reply if before == whose else given

    def beside(self) -> dict[str, Any]:
        """What stands beside what is asked for."""
        return {"success": False, "error": "model unreachable"} if self.is_on(FAILURE_BESIDE) else {}

    def falsifies(self, how: str) -> bool:
        """Whether expenses are made something else in this way."""
        parameters = self._active.get(EXPENSES_FALSIFIED.name)
        return isinstance(parameters, FalsifiedParameters) and parameters.how == how

    def lets_in(self, way: str) -> bool:
        """Whether the users' API serves requests that come this way."""
        parameters = self._active.get(AUTH_BYPASS.name)
        return isinstance(parameters, BypassParameters) and parameters.accepts == way

    def opens_admin_api(self, *, has_token: bool, is_user: bool) -> bool:
        """Whether the admin API serves a request without its token."""
        if not has_token:
            return self.lets_in(WITHOUT_TOKEN)
        return self.lets_in(ANY_TOKEN) or (is_user and self.lets_in(USER_AS_ADMIN))

    def shows_others(self, what: str) -> bool:
        """Whether users see what belongs to others here."""
        parameters = self._active.get(CROSS_USER_READ.name)
        return isinstance(parameters, OthersParameters) and parameters.what == what

    def fails_for(self, user_id: str, what: str, features: frozenset[str]) -> bool:
        """Whether the feature never works for this user."""
        parameters = self._active.get(FEATURE_FAILS.name)
        if not isinstance(parameters, SomeUsersParameters) or not self.hits(FEATURE_FAILS, features):
            return False
        return parameters.what == what and bucket(f"fails-for:{user_id}") < parameters.percent

    def fails(self, user_id: str, what: str, features: frozenset[str]) -> bool:
        """Whether this request of the user is one of those of its kind that fail; counts it."""
        shares = [
            parameters.share
            for kind in (ERRORS, CODE_ERRORS, ROUTER_FAILS)
            if isinstance(parameters := self._active.get(kind.name), ErrorsParameters) and self.hits(kind, features)
        ]
        if not shares:
            return False
        kinds = self._requests[user_id]
        # Each kind begins elsewhere: who asks for each thing once meets the wanted share, too.
        kinds[what] = kinds.get(what, len(kinds)) + 1
        return (kinds[what] * _GOLDEN) % 1 < max(shares)

    def keeps_features(self, user_id: str) -> bool:
        """Whether the user has every feature whatever the flags say."""
        parameters = self._active.get(FLAGS_PARTIAL.name)
        return isinstance(parameters, PartialParameters) and bucket(f"keeps:{user_id}") < parameters.percent

    @property
    def keeps_accounts_only(self) -> bool:
        """Whether only who has an account keeps them."""
        parameters = self._active.get(FLAGS_PARTIAL.name)
        return isinstance(parameters, PartialParameters) and parameters.who == "accounts"
