"""What tables and columns are called in an environment: the table ``[sql.names]`` of its file.

A name is an identifier of PostgreSQL as the catalogue has it, without quotes; it is always quoted where it is used. So every name that is
accepted here can stand in every query, whatever else it is the name of.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pam_rollback.core.configuration import ConfigurationError, Problem, suggestion

TABLES = (
    *("auth.users", "expenses", "pam_conversations", "pam_messages", "profiles", "schema_migrations"),
    *("support_tickets", "user_settings"),
)
"""The tables that the suite reads by itself, whatever the files of ``checks/integrity`` read."""
_KEY = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){0,2}")
_BYTES_MAX = 63
"""PostgreSQL cuts longer identifiers off (NAMEDATALEN)."""
_PARTS_MAX = 2
_NEVER = re.compile(r'["%\x00-\x1f\x7f]')
"""A quote needs none here; a ``%`` would be taken for a parameter by the driver; the rest would not be seen in a message."""


@dataclass(frozen=True)
class Names:
    """What tables and columns are called here, by their names in the files."""

    tables: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, names: Mapping[str, str], known: Iterable[str], *, source: str) -> "Names":
        """Sort an environment's names by ``known`` tables. Raises ConfigurationError with all that cannot be used."""
        known = sorted(set(known))
        tables: dict[str, str] = {}
        columns: dict[str, dict[str, str]] = {}
        problems = []
        for key, here in names.items():
            owner, _, column = key.rpartition(".")
            if wrong := wrong_name(key, here, known):
                problems.append(Problem(f"[sql.names] {key}", wrong))
            elif key in known:
                tables[key] = here
            else:
                columns.setdefault(owner, {})[column] = here
        if problems:
            raise ConfigurationError(source, problems)
        return cls(tables, columns)

    def table(self, name: str) -> str:
        """The table as it is called here."""
        return self.tables.get(name, name)

    def column(self, table: str, name: str) -> str:
        """The column as it is called here."""
        return self.columns.get(table, {}).get(name, name)


def wrong_name(key: str, here: str, known: Iterable[str] | None = None) -> str:
    """What is wrong with one entry, what was expected and what to do; empty when nothing is.

    Without ``known`` tables only the form is looked at.
    """
    owner, _, column = key.rpartition(".")
    if not _KEY.fullmatch(key):
        return f"expected the name of a table or column as the checks have it, such as expenses.amount, found {key!r}"
    if known is not None and key not in known and owner not in known:
        return f"no check reads this table, {suggestion(owner or key, known)}"
    is_table = "." not in key if known is None else key in known
    parts = here.split(".") if is_table else [here]
    what = "a table, with its schema or without" if is_table else f"the column that is {column} here"
    found = f"expected the name of {what}, as the catalogue has it, found {here!r}"
    if len(parts) > _PARTS_MAX or not all(part.strip() for part in parts):
        return f"{found}; write it as name or schema.name"
    if _NEVER.search(here):
        return f"{found}; write it without quotes, % and control characters"
    long = next((part for part in parts if len(part.encode()) > _BYTES_MAX), "")
    if long:
        return f"{found}; an identifier of PostgreSQL has at most {_BYTES_MAX} bytes, this one has {len(long.encode())}"
    return ""


def accepted(names: Mapping[str, str]) -> Mapping[str, str]:
    """Give the names back. Raises ValueError with every one whose form is wrong."""
    wrong = [f"{key}: {what}" for key, here in names.items() if (what := wrong_name(key, here))]
    if wrong:
        raise ValueError("; ".join(wrong))
    return names
