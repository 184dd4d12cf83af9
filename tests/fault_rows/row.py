"""One line of the fault matrix."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pam_rollback.target.known_before import Finding

_WAITS = {
    "baseline": "windows of a baseline",
    "accessibility": "browser, accessibility",
    "journey": "browser, journeys",
    "performance": "browser and probes, performance",
    "window": "windows",
}


@dataclass(frozen=True)
class Row:
    """A fault of the sandbox, and the checks that it turns from passed to failed.

    A check is named as its test function, which means all its cases, or with the case in brackets: ``test_page[chat-dark]``. The
    situation is no part of it.
    """

    id: str
    fault: str
    """A name of the sandbox's catalogue; empty: none, see ``environment``."""
    red: frozenset[str]
    """The checks that fail; every other selected check stays green."""
    words: str
    """What the terminal says of it, however the lines are wrapped."""
    parameters: Mapping[str, str | float] = field(default_factory=dict)
    select: str = "health"
    """The `-m` expression of the session: everything that could depend on the fault."""
    file: str = ""
    """The file of ``folder`` that the session is about; empty: all of them."""
    folder: str = "checks"
    """Where that file is."""
    unknown: frozenset[str] = frozenset()
    """The checks that cannot be measured under this fault, and say so."""
    red_anyway: frozenset[str] = frozenset()
    """The checks that fail on the healthy product as well, by a fault of every release."""
    undone: frozenset[str] = frozenset()
    """The tests of a story that say that its rollback was not done."""
    uncertain: frozenset[str] = frozenset()
    """The checks that ask once, of a service that answers some requests with errors all the time: they pass or cannot be measured."""
    objective_s: Mapping[str, int] = field(default_factory=dict)
    """Recovery time objectives of the session's plan, by id: whoever waits for one that is missed waits for longer than it."""
    environment: str = ""
    """TOML that the environment's file has besides, such as a threshold; for what no fault of the sandbox can bring about in time."""
    setting: str = ""
    """TOML that both sessions have, the healthy one too: what the environment is like, such as the browsers that it demands."""
    situation: str = ""
    """Of the session, for what only a rollback shows: ``after-feature-flag``. Empty: as it is. The story's own tests are then red, too."""
    dialect: str = "product"
    """Whose tables the session looks at: ``plan`` for the checks that are about the rollback plan's own."""
    counted_before: bool = False
    """Whether the session knows a baseline with the rows that were there before the fault."""
    recorded: tuple[Finding, ...] = ()
    """What that baseline has of what is not as it should be."""
    beside: Mapping[str, str | float] = field(default_factory=dict)
    """The settings of a second planting of the same fault; none: it is planted once."""
    known: frozenset[str] = frozenset()
    """The checks that meet nothing but what is known, and say so."""
    files: tuple[str, ...] = ()
    """The files of ``checks/`` that the session is narrowed to; of a decision, the criteria of all others are answered for (``--ack``)."""
    product: str = "pam-plan"
    """Whose sandbox the session is about."""
    moved_to: str = ""
    """The release to which somebody moves everything at the hosts, under the fault, before the session begins."""
    verdict: str = ""
    """The verdict's word; empty: the worst of what is seen. Advisory checks leave it at GO."""
    elsewhere: str = ""
    """The file of tests that proves the row; empty: those that plant one fault after another."""

    @property
    def settings(self) -> str:
        """All the TOML that the session under the fault has besides."""
        # What stands in no table has to come before the first one.
        return "\n".join(filter(None, (self.setting, self.environment)))

    @property
    def planted(self) -> str:
        """The fault as a person plants it."""
        named = self.fault_with_settings
        twice = ", ".join(f"{name}={value}" for name, value in self.beside.items())
        named += f" and {twice}" if twice else ""
        objectives = ", ".join(f"{name} of {seconds} s" for name, seconds in self.objective_s.items())
        moved = f"a move to the {self.moved_to} release" if self.moved_to else ""
        of_today = "today's product" if self.product == "pam-today" else ""
        return " and ".join(filter(None, (named, moved, of_today, objectives, " ".join(self.settings.split()))))

    @property
    def fault_with_settings(self) -> str:
        """The fault alone."""
        settings = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.fault} ({settings})" if settings else self.fault

    @property
    def waits_for(self) -> str:
        """What makes the row's session long: a browser, a window, a rollback. Empty: nothing does, and it takes a second."""
        if self.situation:
            return f"after a rollback, {self.select}"
        if self.file == "test_servers_records.py":
            return "windows of the servers' records"
        return _WAITS.get(self.select, "")

    @property
    def word(self) -> str:
        """How the session ends."""
        return self.verdict or ("ACTION FAILED" if self.undone else "NO-GO" if self.red else "INCONCLUSIVE")


def cases_of(names: Iterable[str], cases: Iterable[str]) -> set[str]:
    """The cases that the names stand for. Raises AssertionError for a name that stands for none: it guards nothing."""
    cases = set(cases)
    found: set[str] = set()
    for name in names:
        meant = {case for case in cases if case == name or case.partition("[")[0] == name}
        assert meant, f"{name} is no check of this session: {sorted(cases)}"
        found |= meant
    return found
