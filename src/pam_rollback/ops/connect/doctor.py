"""Is the configuration complete? For each item of the plan: can it be judged here now, or after which command.

Doctor looks at files and variables and sends nothing. Whether a rollback could be done now asks preflight, and whether people and practice
are ready asks readiness.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from pam_rollback.core.figures import Fact, Measured
from pam_rollback.plan.held_tests import HeldTest
from pam_rollback.plan.stories import Story
from pam_rollback.target.hosts import HOSTS, KINDS, hosts_of


@dataclass(frozen=True)
class Way:
    """One way. ``what`` is for people, with ``{env}`` for the environment's name."""

    variables: tuple[str, ...] = ()
    declared: bool = False
    """It stands among the abilities of the environment's file, and is switched on there."""
    what: str = ""


_ATTACH = "docs/reference/environment.md"
_FLAG_SERVICE = "a flag service that the product uses, such as Unleash (docs/reference/environment.md#flags)"
_DECLARED = '"{ability}" in abilities of environments/{{env}}.toml'
WAYS: Mapping[str, Way] = {
    "browser": Way(declared=True),
    "test_account": Way(("TEST_USER_EMAIL", "TEST_USER_PASSWORD", "SUPABASE_ANON_KEY"), declared=True),
    "second_test_account": Way(("SECOND_TEST_USER_EMAIL", "SECOND_TEST_USER_PASSWORD"), declared=True),
    "supabase_key": Way(("SUPABASE_ANON_KEY",)),
    "database": Way(("PAM_DATABASE_DSN",), declared=True),
    **{
        f"{site}_host": Way(
            (" or ".join(host.variable for host in hosts_of(site)),),
            what=f"the table and the ability of {' or '.join(host.name for host in hosts_of(site))} in environments/{{env}}.toml",
        )
        for site in KINDS
    },
    **{ability: Way((host.variable,), declared=True) for host in HOSTS for ability in host.abilities},
    "slack": Way(("PAM_SLACK_WEBHOOK_URL",), declared=True),
    "prometheus": Way(what=f"the table [prometheus], where there is one ({_ATTACH}#prometheus)"),
    "git": Way(what=f'"git" in abilities of environments/{{env}}.toml ({_ATTACH}#git)'),
    "load": Way(what=f"the table [load], agreed on with whoever runs the service ({_ATTACH}#load)"),
    "statuspage": Way(("STATUSPAGE_API_KEY",), what="the table [statuspage] (docs/how-to/tell-people.md)"),
    "status_page": Way(what="[urls] status_page, where there is one"),
    "email": Way(what="the table [email] (docs/how-to/tell-people.md)"),
    "pagerduty": Way(("PAGERDUTY_ROUTING_KEY",), what="the table [pagerduty] (docs/how-to/tell-people.md)"),
    "staging_copy": Way(
        ("PAM_STAGING_COPY_DSN",),
        what='"staging_copy" in abilities of environments/{env}.toml (docs/how-to/redeploy.md)',
    ),
    "flag_admin": Way(("PAM_ADMIN_TOKEN",), what=_FLAG_SERVICE),
    "flag_evaluation": Way(what=_FLAG_SERVICE),
    "feature_check": Way(
        ("PAM_ADMIN_TOKEN",), what=f"a call that the product has to offer ({_ATTACH}#users-for-whom-pam-fails)"
    ),
    "emergency_endpoint": Way(("PAM_EMERGENCY_TOKEN",), what="an emergency endpoint that the product has to offer"),
    "cache_admin": Way(("PAM_ADMIN_TOKEN",), what="a call that the product has to offer"),
}


def way_to(ability: str) -> Way:
    """How an ability comes about."""
    return WAYS.get(ability) or Way(what=_DECLARED.format(ability=ability))


PLUGIN = "pam-doctor"
"""What the session calls the one who looks."""


_NEVER_A_PERSONS = ("SC-", "IR-", "CR-")
_CHECK_GONE = "a test in checks/ that names it: nothing asks for it"


class State(Enum):
    """What can be said of an item; the value is its sign."""

    NOW = "[x]"
    """All that judges it can be asked."""
    PARTIAL = "[~]"
    """Something judges it, and more could."""
    MISSING = "[ ]"
    """Nothing judges it until something is done."""
    NOT_AVAILABLE = "[-]"
    """Nothing could: the product has no such thing, or it is a person's to say, or no test is about it."""
    CRASHED = "[!]"
    """Finding out failed: that is a fault of ours."""


@dataclass(frozen=True)
class Judge:
    """A test, or a way of a rollback, and what keeps it from telling anything here."""

    name: str
    items: tuple[str, ...]
    phases: tuple[str, ...]
    abilities: tuple[str, ...] = ()
    """That it stands on, and that are not declared."""
    why: str = ""
    """Another reason why it is left out."""
    by_contract: bool = False
    """The product has nothing to be judged: no command changes that."""
    later: bool = False
    """It is about something that has not happened yet, such as a rollback: nothing is missing."""
    crashed: str = ""
    """What failed when that was to be found out."""

    @property
    def can(self) -> bool:
        """It tells something."""
        return not (self.abilities or self.why or self.crashed) or self.later


@dataclass(frozen=True)
class Judged:
    """One item of the plan."""

    item: str
    title: str
    state: State
    why: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """Commands, and what to do where no command does it."""
    command: str = ""
    """The command that judges it now."""


@dataclass(frozen=True, repr=False)
class Completeness(Fact):
    """All items, in the plan's order."""

    judged: tuple[Judged, ...]

    @property
    def open(self) -> tuple[Judged, ...]:
        """What keeps the configuration from being complete."""
        return tuple(one for one in self.judged if one.state in {State.MISSING, State.CRASHED})

    @property
    def complete(self) -> bool:
        """Every item that can be judged at all can be judged now."""
        return not self.open

    @property
    def measured(self) -> Measured:
        """How many items nothing judges."""
        n, names = len(self.judged), " ".join(one.item for one in self.open)
        said = f"{len(self.open)} of {n} plan items cannot be judged here yet: {names}"
        if self.complete:
            said = f"every plan item can be judged here, as far as it can be at all ({n} items)"
        return Measured("plan items that nothing judges here", asked="0", value=len(self.open), n=n, sentence=said)


def completeness(
    items: Mapping[str, str], judges: Iterable[Judge], environment: str, *, waived: Mapping[str, str] | None = None
) -> Completeness:
    """``items``: ids and titles. ``waived``: items that somebody approved to go without, with the words."""
    by_item: dict[str, list[Judge]] = {item: [] for item in items}
    for judge in judges:
        for item in judge.items:
            by_item.setdefault(item, []).append(judge)
    return Completeness(
        tuple(
            _judged(item, title, by_item[item], environment, (waived or {}).get(item, ""))
            for item, title in items.items()
        )
    )


def as_lines(found: Completeness) -> Iterator[str]:
    """For people: grouped by what has to be done."""
    now = [one for one in found.judged if one.command]
    yield f"{len(now)} of {len(found.judged)} plan items can be judged now"

    def of(state: State, told: Callable[[Judged], Sequence[str]]) -> dict[str, list[str]]:
        return _grouped((one for one in found.judged if one.state is state), told)

    for why, crashed in of(State.CRASHED, lambda one: one.why).items():
        yield f"{State.CRASHED.value} the check itself failed: {why}: {' '.join(crashed)}"
    missing, partial = of(State.MISSING, lambda one: one.after), of(State.PARTIAL, lambda one: one.after)
    for way, ids in missing.items():
        more = f" (and more of {' '.join(partial[way])})" if way in partial else ""
        yield f"{State.MISSING.value} after: {way}: {' '.join(ids)}{more}"
    for way in (one for one in partial if one not in missing):
        yield f"{State.PARTIAL.value} more after: {way}: {' '.join(partial[way])}"
    for why, ids in of(State.NOT_AVAILABLE, lambda one: one.why).items():
        yield f"{State.NOT_AVAILABLE.value} not available: {why}: {' '.join(ids)}"
    for how, ids in _grouped(now, lambda one: [one.command]).items():
        yield f"{State.NOW.value} now: {how}: {' '.join(ids)}"


def _grouped(items: Iterable[Judged], told: Callable[[Judged], Sequence[str]]) -> dict[str, list[str]]:
    """Ids by the first that is told of each."""
    groups: dict[str, list[str]] = {}
    for one in items:
        groups.setdefault(next(iter(told(one)), ""), []).append(one.item)
    return groups


def _judged(item: str, title: str, judges: Sequence[Judge], environment: str, waived: str) -> Judged:
    crashed = [one for one in judges if one.crashed]
    if crashed:
        return Judged(item, title, State.CRASHED, tuple(dict.fromkeys(f"{one.name}: {one.crashed}" for one in crashed)))
    able, unable = [one for one in judges if one.can], [one for one in judges if not one.can]
    helped = [one for one in unable if not one.by_contract]
    ways = _ways(helped, environment)
    why = tuple(dict.fromkeys(_why(one) for one in unable))
    if able:
        state = State.PARTIAL if helped else State.NOW
        return Judged(item, title, state, why, ways, _command(able, environment))
    if waived:
        return Judged(item, title, State.NOT_AVAILABLE, (waived,))
    if not judges and item.startswith(_NEVER_A_PERSONS):
        return Judged(item, title, State.MISSING, ("no test is about it",), (_CHECK_GONE,))
    if not helped:
        return Judged(item, title, State.NOT_AVAILABLE, why or ("a person's to say, or no test is about it",))
    return Judged(item, title, State.MISSING, why, ways)


def _why(judge: Judge) -> str:
    return judge.why or f"no {', '.join(judge.abilities)}"


def _ways(judges: Sequence[Judge], environment: str) -> tuple[str, ...]:
    """What would let one of them judge: the fewest steps first."""
    found: dict[str, tuple[int, bool]] = {}
    for judge in judges:
        ways = {ability: way_to(ability) for ability in judge.abilities} or {"": Way(what=judge.why)}
        # What an export and a word bring about goes before what somebody has to set up.
        found.setdefault(_together(ways, environment), (len(ways), any(way.what for way in ways.values())))
    return tuple(sorted(found, key=lambda text: found[text]))


def _together(ways: Mapping[str, Way], environment: str) -> str:
    """One line for several abilities: variables are exported together, and abilities are declared together."""
    variables = dict.fromkeys(name for way in ways.values() for name in way.variables)
    declared = [f'"{ability}"' for ability, way in ways.items() if way.declared]
    words = [f"export {' '.join(f'{name}=…' for name in variables)}"] if variables else []
    if declared:
        words.append(f"{' and '.join(declared)} in abilities of environments/{environment}.toml")
    words += dict.fromkeys(way.what.format(env=environment) for way in ways.values() if way.what)
    return "; ".join(words)


def _command(judges: Sequence[Judge], environment: str) -> str:
    phases = dict.fromkeys(phase for judge in judges for phase in judge.phases)
    return ", ".join(f"pytest -m {phase} --env {environment}" for phase in phases) or "a rollback (drills/)"


def of_stories(
    stories: Mapping[str, Story],
    held: Mapping[str, Sequence[HeldTest]],
    objectives: Mapping[str, str],
    declared: Collection[str],
) -> Iterator[Judge]:
    """``held``: by story, the tests of its file. ``objectives``: by story, the recovery time that it is held against."""
    for name, story in stories.items():
        missing = tuple(ability for ability in story.abilities if ability not in declared)
        for test in held.get(name, ()):
            yield Judge(f"{name}::{test.name}", tuple(sorted(test.items)), (), missing)
        if name in objectives:
            yield Judge(name, (objectives[name],), (), missing)
