"""The kinds of item that a rollback plan consists of, each with its figures.

Naming of figures: quantity, unit, bound. A rate, a time or an amount is good below its ``_max`` and triggers a rollback
above it; exactly at it, it is neither (the plan writes "<" and ">"). Counts and recovery times may reach ``_max``.
Units: ``_s`` seconds, ``_ms`` milliseconds, ``_pct`` per cent, ``_mb`` megabytes of 10^6 bytes.

Each figure that an environment may override says which direction makes it easier to get a GO (``Relaxed``).

In one module: a class for each kind of item, to be looked up beside the plan.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, ClassVar, Literal, get_args, get_origin

from pydantic import Field, Strict, model_validator

from pam_rollback.core.configuration import Table
from pam_rollback.plan.flags import Flag, FlagName


class Relaxed(Enum):
    """The direction in which a figure becomes easier than the plan wants it."""

    BY_RAISING = "raised"
    BY_LOWERING = "lowered"


Text = Annotated[str, Field(min_length=1)]
Anchor = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Texts = Annotated[tuple[Text, ...], Strict(False)]  # noqa: FBT003 - TOML has lists, the plan is fixed
Seconds = Annotated[float, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100)]
Growth = Annotated[float, Field(ge=0)]

SecondsAtMost = Annotated[Seconds, Relaxed.BY_RAISING]
SecondsAtLeast = Annotated[Seconds, Relaxed.BY_LOWERING]
PercentAtMost = Annotated[Percent, Relaxed.BY_RAISING]
GrowthAtMost = Annotated[Growth, Relaxed.BY_RAISING]
MillisecondsAtMost = Annotated[float, Field(gt=0), Relaxed.BY_RAISING]
MegabytesAtMost = Annotated[float, Field(gt=0), Relaxed.BY_RAISING]
CountAtMost = Annotated[int, Field(ge=0), Relaxed.BY_RAISING]
CountAtLeast = Annotated[int, Field(gt=0), Relaxed.BY_LOWERING]


def _notes_of_choices(annotation: object) -> Iterator[object]:
    for choice in get_args(annotation):
        if get_origin(choice) is Annotated:
            yield from get_args(choice)[1:]


class Item(Table):
    """One thing that the plan asks for. ``id`` is permanent: reports, markers and waivers name it."""

    id: Annotated[str, Field(exclude=True)]  # not in the file: it is the name of the table
    title: Text
    anchor: Anchor
    judged_by: Literal["suite", "person"] = "suite"
    """``person``: no data source can tell; the suite asks for an acknowledgement and never passes it by itself."""

    @property
    def runbook(self) -> str:
        """Where the runbook goes on when this item is red."""
        return f"docs/runbook.md#{self.anchor}"

    def figures(self) -> Iterator[tuple[str, float, Relaxed]]:
        """Give the figures that an environment may override: key, value, and what relaxes it."""
        for key, field in type(self).model_fields.items():
            value = getattr(self, key)
            for note in (*field.metadata, *_notes_of_choices(field.annotation)):
                if isinstance(note, Relaxed) and value is not None:
                    yield key, value, note


# --- criteria for rolling back: true when the bound is passed for longer than the duration --------------------------


class DowntimeTrigger(Item):
    """No service at all for longer than ``duration_s``."""

    duration_s: SecondsAtMost


class RecordLossTrigger(Item):
    """More than ``affected_records_max`` records of users are lost or corrupted."""

    affected_records_max: CountAtMost


class SlowdownTrigger(Item):
    """Response times are ``response_time_increase_pct_max`` above the baseline for longer than ``duration_s``."""

    response_time_increase_pct_max: GrowthAtMost
    duration_s: SecondsAtMost


class ErrorRateTrigger(Item):
    """More than ``error_rate_pct_max`` of the requests fail for longer than ``duration_s``."""

    error_rate_pct_max: PercentAtMost
    duration_s: SecondsAtMost


class MemoryTrigger(Item):
    """Memory in use keeps growing and is above ``memory_mb_max``."""

    memory_mb_max: MegabytesAtMost


class UserShareTrigger(Item):
    """A core feature fails for more than ``affected_users_pct_max`` of the users."""

    affected_users_pct_max: PercentAtMost


class NoticeableSlowdownTrigger(Item):
    """Response times rose by ``response_time_increase_pct_min`` or more; what is beyond IR-4's limit is IR-4's."""

    response_time_increase_pct_min: GrowthAtMost


class MitigatedTrigger(Item):
    """A condition without a figure that something milder than a rollback may answer (``mitigation``)."""

    mitigation: Text | None = None


class OwnTrigger(MitigatedTrigger):
    """A criterion beside the plan's: above ``limit``, where it has one, it holds. What that counts, its title says."""

    limit: Annotated[float, Field(ge=0), Relaxed.BY_RAISING] | None = None


# --- what good looks like after a rollback --------------------------------------------------------------------------


class Window(Item):
    """A measure that is held below its limit for ``duration_s``, and what has to be seen for that to be known.

    Fewer samples than ``samples_min``, or a hole longer than ``gap_s_max`` between them: nothing is known. The pace divides ``duration_s``.
    """

    measure: ClassVar[str]
    duration_s: Annotated[float, Field(gt=0), Relaxed.BY_LOWERING]
    samples_min: Annotated[int, Field(gt=0), Relaxed.BY_LOWERING]
    gap_s_max: Annotated[float, Field(gt=0), Relaxed.BY_RAISING]

    @model_validator(mode="after")
    def _can_be_judged(self) -> "Window":
        if self.gap_s_max >= self.duration_s:
            raise ValueError(
                f"gap_s_max ({self.gap_s_max:g}) must be below duration_s ({self.duration_s:g}): nothing might be seen of the whole window"
            )
        return self


class AnswersWindow(Window):
    """A window over the users' answers. A run of wholly bad seconds that is longer than ``bad_run_s_max`` breaks it, whatever its share."""

    bad_run_s_max: SecondsAtMost

    @model_validator(mode="after")
    def _can_be_broken(self) -> "AnswersWindow":
        if self.bad_run_s_max >= self.duration_s:
            raise ValueError(
                f"bad_run_s_max ({self.bad_run_s_max:g}) must be below duration_s ({self.duration_s:g}): no outage could break the window"
            )
        return self


class ErrorRateGoal(AnswersWindow):
    """Less than ``error_rate_pct_max`` of the requests fail, held for ``duration_s``."""

    measure = "error_rate_pct"
    error_rate_pct_max: Annotated[float, Field(gt=0, le=100), Relaxed.BY_RAISING]


class P95Goal(AnswersWindow):
    """95 of 100 requests are answered in less than ``p95_ms_max``, held for ``duration_s``."""

    measure = "latency_p95_ms"
    p95_ms_max: MillisecondsAtMost


class MemoryGoal(Window):
    """Memory in use is stable below ``memory_mb_max`` for ``duration_s``."""

    measure = "memory_mb"
    memory_mb_max: MegabytesAtMost


class ErrorRateLimit(Item):
    """Less than ``error_rate_pct_max`` of the requests fail."""

    error_rate_pct_max: PercentAtMost


class ResponseTimeLimit(Item):
    """Response times are back at the baseline, below ``response_time_ms_max``."""

    response_time_ms_max: MillisecondsAtMost


class MemoryLimit(Item):
    """Memory in use is below ``memory_mb_max``."""

    memory_mb_max: MegabytesAtMost


class ExperienceGoal(Item):
    """What users see is no worse than the baseline by more than this; slower by less than ``response_time_unnoticed_ms`` is not worse."""

    response_time_increase_pct_max: GrowthAtMost
    response_time_unnoticed_ms: MillisecondsAtMost
    error_rate_increase_pp_max: PercentAtMost


class CorruptionLimit(Item):
    """At most ``corrupted_records_max`` records are corrupted."""

    corrupted_records_max: CountAtMost


class RecoveryTime(Item):
    """A recovery time objective: done within ``max_s`` of the decision; the plan expects no less than ``min_s``."""

    min_s: Seconds = 0
    max_s: SecondsAtMost

    @model_validator(mode="after")
    def _is_a_span(self) -> "RecoveryTime":
        if self.min_s > self.max_s:
            raise ValueError(f"min_s ({self.min_s:g}) is above max_s ({self.max_s:g})")
        return self


class WriteLossLimit(Item):
    """A recovery point objective: at most ``lost_writes_max`` acknowledged writes are gone."""

    lost_writes_max: CountAtMost


class ConfigurationLossLimit(Item):
    """A recovery point objective: settings of the last ``loss_s_max`` seconds may be gone."""

    loss_s_max: SecondsAtMost


class SessionLoss(Item):
    """Whether people may have to sign in again."""

    loss_allowed: bool


class HealthCheck(Item):
    """One health check. Where it is asked, and which answer counts as healthy, says the contract of the product."""


# --- what to do -----------------------------------------------------------------------------------------------------


class Method(Table):
    """One way of doing a strategy. Where a strategy has several, ``way`` names each in the file of ``drills/``."""

    way: Anchor | None = None
    title: Text


class FlagSetting(Table):
    """The state that a strategy brings a flag to: on or off, and for what share of users."""

    enabled: bool
    rollout_pct: Annotated[int, Field(ge=0, le=100)]


class Strategy(Item):
    """One strategy of the plan. ``rto`` is the id of its objective; the plan gives the emergency call none."""

    name: Anchor
    when_to_use: Texts
    rto: str | None = None
    methods: Annotated[tuple[Method, ...], Strict(False)] = Field(min_length=1)  # noqa: FBT003 - as above
    flags: Mapping[Text, FlagSetting] = {}
    rollout_steps_pct: Annotated[tuple[Percent, ...], Strict(False)] = ()  # noqa: FBT003 - as above
    """The shares of users that the flags are brought down to, one after the other."""
    rollout_hold_s: Seconds | None = None
    """How long users are watched at each share before the next one."""
    team_message: Text
    """What the incident channel is told when the strategy was carried out."""

    @property
    def flag_changes(self) -> dict[FlagName, Flag]:
        """The state that each flag gets, as the flag API is asked for it."""
        return {name: Flag(setting.enabled, setting.rollout_pct) for name, setting in self.flags.items()}

    def message(self, *, environment: str, why: str, run: str) -> str:
        """What the incident channel is told when it was carried out."""
        return f"{self.team_message} · {environment} · {why} · run {run}"

    @property
    def ways(self) -> dict[str, Method]:
        """Its ways by the name of their file in ``drills/``, in the order in which they are recommended."""
        several = len(self.methods) > 1
        return {f"{self.name}-{method.way}" if several else self.name: method for method in self.methods}

    @model_validator(mode="after")
    def _has_files(self) -> "Strategy":
        ways = [method.way for method in self.methods]
        if len(ways) > 1 and (None in ways or len(set(ways)) < len(ways)):
            raise ValueError(f"methods: of several, each needs a way of its own, found {', '.join(map(str, ways))}")
        if len(ways) == 1 and ways[0] is not None:
            raise ValueError(
                f"methods: the only one needs no way, found {ways[0]!r}: its file is called by the strategy"
            )
        return self

    @model_validator(mode="after")
    def _goes_down(self) -> "Strategy":
        shares = list(self.rollout_steps_pct)
        if shares and (shares != sorted(set(shares), reverse=True) or shares[-1] != 0):
            raise ValueError(f"rollout_steps_pct must go down step by step, to 0 in the end, found {shares}")
        return self


class TimeFrame(Item):
    """When, counted from the rollback, the checks or checklist items of a section are due."""

    section: Text
    from_s: SecondsAtMost
    until_s: SecondsAtMost

    @model_validator(mode="after")
    def _is_a_span(self) -> "TimeFrame":
        if self.from_s > self.until_s:
            raise ValueError(f"from_s ({self.from_s:g}) is above until_s ({self.until_s:g})")
        return self


class Contact(Item):
    """Somebody of the immediate response team."""

    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class Escalation(Item):
    """Who is told from ``from_s`` seconds of the incident on."""

    from_s: SecondsAtMost
    who: Annotated[Texts, Field(min_length=1)]
    contacts: Texts = ()
    """The contacts behind ``who``, by their ids; without any, the incident channel alone is told."""


class Channel(Item):
    """Where an audience is told: the team from the first level on, everybody else once customers are told."""

    audience: Literal["internal", "public", "users"]
    address: Text | None = None


class ChecklistItem(Item):
    """One line of a checklist; ``stable_s_min`` is how long the good state must have held, where the plan says so."""

    stable_s_min: SecondsAtLeast | None = None


class RecoveryStage(Item):
    """One stage of the way back after a rollback; without times where the plan has none."""

    min_s: Seconds | None = None
    max_s: Seconds | None = None
    steps: Annotated[Texts, Field(min_length=1)]

    @model_validator(mode="after")
    def _is_a_span(self) -> "RecoveryStage":
        if self.min_s is not None and self.max_s is not None and self.min_s > self.max_s:
            raise ValueError(f"min_s ({self.min_s:g}) is above max_s ({self.max_s:g})")
        return self


class RampStage(Item):
    """One stage of the re-deployment: the share of users, and how long it is watched before the next one may start."""

    rollout_pct: PercentAtMost
    hold_s_min: SecondsAtLeast | None = None


class GateCommand(Item):
    """One command that must succeed before the re-deployment; one that takes longer than ``deadline_s`` is ended and has not."""

    command: Annotated[str, Field(pattern=r"^npm (run )?[A-Za-z0-9:_-]+$")]
    deadline_s: Annotated[float, Field(gt=0)]

    @property
    def script(self) -> str:
        """The script of package.json."""
        return self.command.split()[-1]


# --- what a release has to bear before it goes to users again ------------------------------------------------------


class LoadLatencyLimit(Item):
    """Under load ``pct`` of 100 requests are answered in less than ``response_time_ms_max``, over at least ``answers_min`` of them."""

    pct: Annotated[float, Field(ge=50, lt=100)]
    response_time_ms_max: MillisecondsAtMost
    answers_min: CountAtLeast


class LoadErrorLimit(Item):
    """Under load less than ``error_rate_pct_max`` of the requests fail, over at least ``answers_min`` of them."""

    error_rate_pct_max: Annotated[float, Field(gt=0, le=100), Relaxed.BY_RAISING]
    answers_min: CountAtLeast


class LoadOutageLimit(Item):
    """No run of bad seconds is longer than ``bad_run_s_max``. An answer that takes ``slow_ms`` or longer is bad there, as a failed one."""

    bad_run_s_max: SecondsAtMost
    slow_ms: MillisecondsAtMost


class LoadStepLimit(Item):
    """Each step of the load is judged by itself, by at least ``step_answers_min`` answers."""

    step_answers_min: CountAtLeast


class LoadReachedLimit(Item):
    """At least ``reached_pct_min`` of the asked load was put on the service and answered well; ``late_ms`` after its time is late.

    More late requests than ``late_pct_max``: the generator was not fit to judge the service by.
    """

    reached_pct_min: Annotated[Percent, Relaxed.BY_LOWERING]
    late_ms: MillisecondsAtMost
    late_pct_max: PercentAtMost


class LoadSlowdownLimit(Item):
    """Under the same load the candidate is no slower than the stable release by more than this; below ``_unnoticed_ms`` nobody notices."""

    response_time_increase_pct_max: GrowthAtMost
    response_time_unnoticed_ms: MillisecondsAtMost
    p99_increase_pct_max: GrowthAtMost
    p99_unnoticed_ms: MillisecondsAtMost


class LoadErrorIncreaseLimit(Item):
    """Under the same load the candidate fails no more often than the stable release by more than this."""

    error_rate_increase_pp_max: PercentAtMost


class QuickReference(Item):
    """An address to have at hand."""

    url: Annotated[str, Field(pattern=r"^https://[^\s@]+$")]
