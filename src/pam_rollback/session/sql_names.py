"""Holds the names and exceptions of an environment and its product against the checks, before anything is asked."""

from contextlib import suppress
from pathlib import Path

from pam_rollback.base.configuration import ConfigurationError, label
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.sql_names import TABLES, Names
from pam_rollback.product.invariants import parse_invariant

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
