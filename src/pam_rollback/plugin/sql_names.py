"""Holds ``[sql.names]`` against the tables that the checks read, before anything is asked."""

from contextlib import suppress
from pathlib import Path

from pam_rollback.core.configuration import ConfigurationError, label
from pam_rollback.core.environment import Environment
from pam_rollback.core.invariants import parse_invariant
from pam_rollback.core.sql_names import TABLES, Names

FOLDER = ("checks", "integrity")


def refuse_unknown_names(environment: Environment, root: Path) -> None:
    """Raise ConfigurationError when the environment names a table that no check reads: it would be renamed nowhere."""
    names = environment.sql.names
    if not names:
        return
    known = set(TABLES)
    for path in root.joinpath(*FOLDER).glob("*.sql"):
        # What is wrong with a file of the checks is told where it is collected.
        with suppress(ConfigurationError, OSError, UnicodeDecodeError):
            known.update(parse_invariant(path.read_text(encoding="utf-8"), source=path.name, stem=path.stem).tables)
    Names.of(names, known, source=label(environment.file))
