"""Strategy 4 of the plan: features off, stable front end, stable back end, empty caches, the message. Objective: 10 to 15 minutes (RTO-4).

The plan's script does one thing after the other, looks at no answer, clears the caches before anything is live and always ends with success
(docs/plan-audit.md, C2, G12). Done here: what does not depend on each other goes side by side, what failed is not called done and keeps
nothing else from being done, caches are emptied only of a release that is live no more, and the message says what really is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.journal.journal import Journal
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagName
from pam_rollback.rollback.backend import DEPLOY_STEPS, BackendAction, BackendRollback
from pam_rollback.rollback.backend import SERVED as BACKEND_SERVED
from pam_rollback.rollback.backend_host import BackendTools
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.feature_flag import FlagOutcome
from pam_rollback.rollback.flag_writing import lower_flags, note_setting
from pam_rollback.rollback.frontend import CANCEL, LOCK, LOOK, RESTORE, FrontendAction, FrontendRollback
from pam_rollback.rollback.frontend import SERVED as FRONTEND_SERVED
from pam_rollback.rollback.frontend_host import FrontendTools
from pam_rollback.rollback.steps import Step, StepRecord
from pam_rollback.rollback.telling import TELL, Telling, notice_problem

FLAGS = "switch the features off"
FLAGS_OFF = "see that the features are off"
FRONT, BACK = "front end: ", "back end: "
API_CACHE = "empty the API's cache"
SITE_CACHE = "empty the site's cache"
STEPS = (
    FLAGS,
    *(FRONT + step for step in (LOOK, RESTORE, LOCK, CANCEL, FRONTEND_SERVED)),
    *(BACK + step for step in DEPLOY_STEPS[:-1]),
    FLAGS_OFF,
    SITE_CACHE,
    API_CACHE,
    TELL,
)
_OFF = Flag(enabled=False, rollout_pct=0)


@dataclass(frozen=True)
class FullSystemTools:
    """What the action works with; what the environment has not is None, and its steps are not there."""

    flags: FlagAdmin | None
    frontend: FrontendTools
    backend: BackendTools
    clear_api_cache: Callable[[], str] | None
    clear_site_cache: Callable[[], str] | None
    telling: Telling


@dataclass(frozen=True)
class FullSystemTarget:
    """To what everything is taken back; or why that is not known of a part, of which nothing is done then."""

    frontend: Deploy | ActionFailed
    backend: Deploy | ActionFailed


@dataclass(frozen=True)
class FullSystemRollback:
    """The facts of one rollback of everything. Times are monotonic seconds; ``decided_s`` is when acting was decided."""

    decided_s: float
    finished_s: float
    before: Mapping[FlagName, Flag]
    """The flags that were on; empty where there is no flag API."""
    read_back: Mapping[FlagName, Flag]
    """All flags in the end; empty where there is no flag API."""
    frontend: FrontendRollback
    backend: BackendRollback
    notice_problem: str | None
    steps: tuple[StepRecord, ...]

    @property
    def changed(self) -> bool:
        """Something was touched."""
        return bool(self.before) or self.frontend.changed or self.backend.changed

    @property
    def outcome(self) -> FlagOutcome:
        """The flags as read back. Raises MeasurementFailed where there is no flag API."""
        if not self.read_back:
            raise MeasurementFailed("the flags were not read: this environment has no flag API")
        return FlagOutcome(self.read_back)


@dataclass
class _Found:
    before: dict[FlagName, Flag] = field(default_factory=dict)
    read_back: Mapping[FlagName, Flag] = field(default_factory=dict)


def roll_back_everything(tools: FullSystemTools, target: FullSystemTarget, *, decided_s: float) -> FullSystemRollback:
    """Take all of it back. Raises StepsFailed when something that helps users was not done, after everything else was."""
    site, api = _known(target.frontend), _known(target.backend)
    front = FrontendAction(tools.frontend, target=site.id, commit=site.commit)
    back = BackendAction(tools.backend, commit=api.commit)
    found = _Found()
    steps = [
        *_flag_steps(tools, found),
        *_if_known(target.frontend, [front.looking(FRONT), *_seen_after_cache(front.publishing(FRONT), tools)]),
        *_if_known(
            target.backend, [*back.looking(BACK), *back.running(lambda listed: back.rolled_back(api, listed), BACK)]
        ),
        *_cache_steps(tools),
    ]
    records = tools.telling.run(steps)
    return FullSystemRollback(
        decided_s=decided_s,
        finished_s=tools.telling.clock.monotonic_s(),
        before=found.before,
        read_back=found.read_back,
        frontend=front.facts(_of(records, FRONT), decided_s),
        backend=back.facts(_of(records, BACK), decided_s),
        notice_problem=notice_problem(records),
        steps=records,
    )


def _known(target: Deploy | ActionFailed) -> Deploy:
    return target if isinstance(target, Deploy) else Deploy("", "")


def _if_known(target: Deploy | ActionFailed, steps: list[Step]) -> list[Step]:
    """The steps of a part: without a target the first one fails, which all others need."""
    if isinstance(target, Deploy):
        return steps

    def fail() -> str:
        raise target

    return [replace(steps[0], run=fail), *steps[1:]]


def _flag_steps(tools: FullSystemTools, found: _Found) -> list[Step]:
    """Once at once, and once more when the back end is the stable one: the API that holds the flags may be the thing that was down."""
    if tools.flags is None:
        return []
    admin = tools.flags
    return [
        Step(FLAGS, lambda: _switch_off(admin, tools.telling.journal, found), essential=False, changes=True),
        Step(FLAGS_OFF, lambda: _see_off(admin, tools.telling.journal, found), after=(FLAGS, BACK + BACKEND_SERVED)),
    ]


def _switch_off(admin: FlagAdmin, journal: Journal, found: _Found) -> str:
    """Every feature, whatever its name: what the plan's disable-all-pam means."""
    flags = admin.read_flags()
    on = {name: flag for name, flag in flags.items() if not flag.off_for_all}
    if not on:
        return f"all {len(flags)} were off already"
    found.before |= on
    lower_flags(admin, journal, dict.fromkeys(on, _OFF))
    return f"{', '.join(sorted(on))} off"


def _see_off(admin: FlagAdmin, journal: Journal, found: _Found) -> str:
    _switch_off(admin, journal, found)
    found.read_back = admin.read_flags()
    on = sorted(name for name, flag in found.read_back.items() if not flag.off_for_all)
    note_setting(journal, found.read_back, done=True)
    if on or not found.read_back:
        raise ActionFailed(f"accepted, but {', '.join(on) or 'no flag is there at all'} can still be had")
    return f"all {len(found.read_back)} are off"


def _seen_after_cache(steps: list[Step], tools: FullSystemTools) -> list[Step]:
    """What visitors get is seen when the cache is empty: it may be the cache that gives them the bad release."""
    if tools.clear_site_cache is None:
        return steps
    seen = FRONT + FRONTEND_SERVED
    return [replace(step, after=(*step.after, SITE_CACHE)) if step.name == seen else step for step in steps]


def _cache_steps(tools: FullSystemTools) -> list[Step]:
    steps = []
    if tools.clear_api_cache is not None:
        steps.append(Step(API_CACHE, tools.clear_api_cache, needs=(BACK + BACKEND_SERVED,)))
    if tools.clear_site_cache is not None:
        steps.append(Step(SITE_CACHE, tools.clear_site_cache, needs=(FRONT + RESTORE,)))
    return steps


def _of(records: tuple[StepRecord, ...], prefix: str) -> tuple[StepRecord, ...]:
    return tuple(record for record in records if record.name.startswith(prefix))
