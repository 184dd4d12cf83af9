"""``make mutants``: each line of the rules that decide is changed in turn; whatever no test notices has to be listed with a reason."""

import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.changes import Mutant, mutants
from tests.mutants.session import TroubleError, run

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "pam_rollback"
LISTED = Path(__file__).with_name("survivors.toml")
RULES_OF_THE_GUARD = ("refusals", "_real", "_not_typed", "blank_texts", "_untouched", "_undeclared")


@dataclass(frozen=True)
class Rules:
    """A module, and the tests that hold it."""

    tests: tuple[str, ...]
    functions: tuple[str, ...] = ()
    """These alone are changed; empty: all of them, and the module's figures."""


MODULES: dict[str, Rules] = {
    "report/verdict.py": Rules(("report/test_verdict.py", "notify/rules/test_ending.py")),
    "probe/measure.py": Rules(
        (
            "probe/rules/test_measure.py",
            "probe/rules/test_window.py",
            "probe/rules/test_window_specs.py",
            "probe/rules/test_blocking.py",
            "probe/rules/test_parts.py",
            "probe/rules/test_memory_window.py",
            "records/rules/test_series_window.py",
        )
    ),
    "probe/window.py": Rules(
        (
            "probe/rules/test_window.py",
            "probe/rules/test_blocking.py",
            "probe/rules/test_window_specs.py",
        )
    ),
    "core/open_loop.py": Rules(("core/test_open_loop.py",)),
    "probe/held_window.py": Rules(("probe/test_held_window.py",)),
    "database/held_data.py": Rules(("database/rules/test_held_data.py",)),
    "decision/decision.py": Rules(
        (
            "decision/rules/test_decision.py",
            "decision/rules/test_decision_states.py",
            "decision/rules/test_decision_measures.py",
        )
    ),
    "decision/decision_measures.py": Rules(("decision/rules/test_decision_measures.py",)),
    "decision/decision_states.py": Rules(("decision/rules/test_decision_states.py",)),
    "probe/ledger_verdict.py": Rules(("probe/rules/test_ledger_verdict.py",)),
    "rollback/lock_targets.py": Rules(("rollback/rules/test_lock_targets.py",)),
    "plugin/guard.py": Rules(("plugin/test_guard.py",), RULES_OF_THE_GUARD),
}
"""What is changed. Of the guard the rules alone: how it gathers its facts is tested by whole sessions."""
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Survivor:
    """A change that no test notices, and why none can."""

    where: str
    before: str
    after: str
    why: str = ""

    @property
    def key(self) -> Key:
        """Which change it is."""
        return (self.where, self.before, self.after)

    def __str__(self) -> str:
        """As it is listed."""
        lines = [f"{name} = {_quoted(text)}" for name, text in vars(self).items()]
        return "\n".join(("[[survivor]]", *lines, ""))


def _quoted(text: str) -> str:
    return f"'{text}'" if "'" not in text else f"'''{text}'''" if not text.endswith("'") else f'"{text}"'


def of(mutant: Mutant) -> Survivor:
    """The mutant as it is listed."""
    where = f"{mutant.file.relative_to(SOURCES).as_posix()} {mutant.function}"
    return Survivor(where, mutant.before, mutant.after)


def problems(survived: Iterable[Survivor], listed: Sequence[Survivor], modules: Iterable[str]) -> list[str]:
    """What fails the command: survivors without a reason, and reasons without a survivor."""
    found = Counter(one.key for one in survived)
    reasons = Counter(one.key for one in listed if one.where.startswith(tuple(modules)))
    return [
        *(f"not listed in {LISTED.name}, {n} times:\n{Survivor(*key)}" for key, n in (found - reasons).items()),
        *(
            f"listed, but it does not survive any more, {n} times:\n{Survivor(*key)}"
            for key, n in (reasons - found).items()
        ),
        *(f"listed without a reason:\n{one}" for one in listed if not one.why.strip()),
    ]


def main(named: Sequence[str]) -> int:
    """All modules, or those named."""
    began_s = time.monotonic()
    modules = [name for name in MODULES if not named or any(part in name for part in named)]
    if not modules:
        print(f"mutants: no module is named like {' or '.join(named)}; there are {', '.join(MODULES)}", file=sys.stderr)  # noqa: T201 - a command
        return 2
    changes = [
        mutant
        for name in modules
        for mutant in mutants(SOURCES / name, (SOURCES / name).read_text(encoding="utf-8"), MODULES[name].functions)
    ]
    try:
        tests = dict.fromkeys(f"tests/{test}" for name in modules for test in MODULES[name].tests)
        tried = run(changes, tests, ROOT)
    except TroubleError as problem:
        print(f"mutants: nothing is known: {problem}", file=sys.stderr)  # noqa: T201 - a command
        return 2
    lived = [*tried.survived, *tried.untested]
    for name in modules:
        of_module = [[m for m in some if m.file == SOURCES / name] for some in (tried.killed, lived, tried.impossible)]
        killed, survived, impossible = map(len, of_module)
        tail = f", {impossible} could not be tried" if impossible else ""
        print(f"{name:32} {killed:4} killed, {survived:3} survived{tail}")  # noqa: T201 - the same
    listed = [Survivor(**one) for one in tomllib.loads(LISTED.read_text(encoding="utf-8")).get("survivor", [])]
    found = problems(map(of, lived), listed, modules)
    for line in found:
        print(line)  # noqa: T201 - the same
    print(  # noqa: T201 - the same
        f"mutants: {len(tried.killed)} of {len(changes)} killed, {len(lived)} survived, {len(found)} to look at "
        f"({time.monotonic() - began_s:.0f} s)"
    )
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
