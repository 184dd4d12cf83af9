"""Collects ``checks/integrity/*.sql``: each file becomes a test, and is for pytest a module like any other."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest

from pam_rollback.core.configuration import ConfigurationError, Problem, label
from pam_rollback.core.figures import Scored
from pam_rollback.plugin import markers
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.target.environment import Environment
from pam_rollback.target.invariants import Invariant, InvariantResult, parse_invariant
from pam_rollback.target.sql_names import TABLES, Names

FOLDER = ("checks", "integrity")


def refuse_unknown_names(environment: Environment, root: Path) -> None:
    """Raise ConfigurationError for a table that no check reads, which would be renamed nowhere, and for an invariant that is none."""
    names, tables = environment.sql.names, environment.contract.tables
    if not names and not tables.names and not tables.left_out:
        return
    known, invariants = set(TABLES), set[str]()
    for path in root.joinpath(*FOLDER).glob("*.sql"):
        invariants.add(path.stem)
        # What is wrong with a file of the checks is told where it is collected.
        with suppress(ConfigurationError, OSError, UnicodeDecodeError):
            known.update(parse_invariant(path.read_text(encoding="utf-8"), source=path.name, stem=path.stem).tables)
    Names.of(names, known, source=label(environment.file))
    product = f"products/{environment.product}.toml"
    Names.of(tables.names, known, source=product)
    # A copy of the runbook without these checks leaves out nothing.
    if invariants and (problems := list(tables.problems(sorted(invariants)))):
        raise ConfigurationError(product, problems)


_INVARIANT = "pam_invariant"
MARKS = frozenset({"post_rollback", "redeploy_gate", "integrity"})
"""Markers that all of these tests have."""
_RELEASE_SAYS = "%(schema_version)s"
"""In a query: the migration that the running release was built with."""
_SOMETIMES = frozenset({"advisory", "criterion"})
"""Markers that some of these tests have."""


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the files of ``checks/integrity`` in sessions of the runbook."""
    if file_path.suffix != ".sql" or runbook_module.of(parent.config) is None:
        return None
    if file_path.parent != parent.config.rootpath.joinpath(*FOLDER) or not can_select(parent.config.option.markexpr):
        return None
    return SqlFile.from_parent(parent, path=file_path)


class SqlFile(pytest.Module):
    """A module that was never written: one test, made of the file's header."""

    def _getobj(self) -> ModuleType:
        try:
            invariant = _read(self.path, self.config.rootpath)
        except ConfigurationError as error:
            raise self.CollectError(str(error)) from None
        module = ModuleType(self.path.stem, f"Is it true that {invariant.sentence}?")
        module.__file__ = str(self.path)
        setattr(module, invariant.test_name, _test_of(invariant, self.path))
        return module


def invariants_of(root: Path, environment: Environment) -> list[Invariant]:
    """Every invariant of ``checks/integrity`` that applies here, whether its test was selected or not.

    Raises ConfigurationError for a file that cannot be read as one.
    """
    files = sorted(root.joinpath(*FOLDER).glob("*.sql"))
    read = [_read(path, root) for path in files]
    left_out = environment.contract.tables.left_out
    return [one for one in read if environment.sql.dialect in one.dialects and one.id not in left_out]


def critical_of(root: Path, environment: Environment) -> tuple[list[Invariant], dict[str, str]]:
    """Those that are not advisory and can be asked here, and why the others cannot."""
    critical = [one for one in invariants_of(root, environment) if one.severity == "critical"]
    left_out = {one.id: why for one in critical if (why := why_not_asked(one, environment))}
    return [one for one in critical if one.id not in left_out], left_out


def lacking(invariant: Invariant, environment: Environment) -> tuple[str, ...]:
    """The abilities that would tell what the invariant is held against; none where it is known, or the release says it."""
    if _RELEASE_SAYS not in invariant.query or environment.contract.tables.names_schema_version:
        return ()
    return tuple(name for name in ("git", "backend_host") if name not in environment.abilities)


def why_not_asked(invariant: Invariant, environment: Environment) -> str:
    """Why there is nothing to hold an invariant against, and what would let it be judged; empty where there is something."""
    missing = " and ".join(lacking(invariant, environment))
    if not missing:
        return ""
    return (
        f"which migrations the running release knows is not said: {environment.product} names no schema_version ([tables] "
        f"names_schema_version), and {environment.name} declares no {missing}; add {missing} to its abilities, when it is there"
    )


def _read(path: Path, root: Path) -> Invariant:
    source = str(path.relative_to(root))
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(source, [Problem("", f"cannot be read: {error.strerror or error}")]) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"not UTF-8 (byte 0x{raw[error.start]:02x}); save the file as UTF-8"
        raise ConfigurationError(source, [Problem(f"line {line}", what)]) from None
    return parse_invariant(text, source=source, stem=path.stem)


def invariant_of(item: pytest.Item) -> Invariant | None:
    """The invariant that the test is about; None for any other test."""
    found: Invariant | None = getattr(getattr(item, "function", None), _INVARIANT, None)
    return found


def can_select(expression: str) -> bool:
    """Whether ``-m`` can be true for one of these tests; a session about something else need not read the files."""
    return markers.can_select(expression, MARKS, MARKS | _SOMETIMES)


class _Results(Protocol):
    """The fixture ``integrity``: this module may not know the slice that it is from."""

    def fact(self, identifier: str, /) -> InvariantResult:
        """One result. Raises MeasurementFailed when it could not be evaluated."""


def _test_of(invariant: Invariant, path: Path) -> Callable[[_Results, Scored], None]:
    def test(integrity: _Results, scored: Scored) -> None:
        fact = scored(integrity.fact(invariant.id))

        if not fact.holds:
            raise AssertionError(fact)

    # Where it failed is the file that a person can read and run, not this one.
    test.__code__ = test.__code__.replace(
        co_filename=str(path), co_firstlineno=invariant.first_line, co_name=invariant.test_name
    )
    test.__name__ = test.__qualname__ = invariant.test_name
    test.__doc__ = (
        f"{invariant.sentence[:1].upper()}{invariant.sentence[1:]}.  If red: docs/runbook.md#{invariant.anchor}."
    )
    test.__module__ = path.stem
    setattr(test, _INVARIANT, invariant)
    marks = [
        pytest.mark.post_rollback,
        pytest.mark.redeploy_gate,
        pytest.mark.integrity,
        pytest.mark.criterion(*invariant.criteria),
    ]
    if invariant.severity == "advisory":
        marks.append(pytest.mark.advisory)
    for mark in marks:
        mark(test)
    return test
