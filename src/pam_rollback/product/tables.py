"""The product's tables, as the contract of a product describes them: ``[tables]``.

What the checks read has the names that the checks give it; what is called otherwise stands in ``names``. Nothing is left out in silence:
an invariant that does not apply is named with its reason.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, model_validator

from pam_rollback.base.configuration import Problem, Table, suggestion
from pam_rollback.environment.environment_tables import Text
from pam_rollback.environment.sql_names import accepted
from pam_rollback.product.invariants import Dialect

Identifier = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]
SettingsForm = Literal["narrow", "wide"]


class UsersRows(Table):
    """A table with rows of users: whose each is, and what of it nobody changes."""

    owner: Identifier
    """The column that says whose a row is; ``id`` where the row is its owner."""
    within: Identifier = ""
    """The table of users' rows whose key stands in ``owner``; empty: it is the id of an account."""
    stays: Annotated[tuple[Identifier, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Columns that stay as they were written (docs/decisions/baselines.md)."""
    changed_at: Identifier = ""
    """Where users may correct a row, the column that says when."""


class Tables(Table):
    """What the suite reads of the database, and what it leaves alone."""

    schemas: Annotated[tuple[Text, ...], Strict(False), Field(min_length=1)] = ("public",)  # noqa: FBT003 - TOML has lists
    """Whose tables, rules and functions the product made: what a baseline records of the schema."""
    settings: SettingsForm = "narrow"
    """``narrow``: a row for each setting (``setting_name``, ``setting_value``). ``wide``: a row a user, a column for each."""
    names: Annotated[Mapping[str, Text], AfterValidator(accepted)] = {}
    """What is called differently by this product, as in ``[sql.names]`` of an environment, which goes before it."""
    left_out: Mapping[str, Text] = {}
    """By the id of an invariant of ``checks/integrity`` that does not apply: why."""
    names_schema_version: bool = False
    """Whether a release names the migration that it was built with (``schema_version`` at the path ``version``); else its files tell."""
    users: Annotated[Mapping[Identifier, UsersRows], Field(min_length=1)]
    """The tables with rows of users."""
    plan: Mapping[Identifier, UsersRows] = {}
    """The same of the tables that the plan's own queries assume (``dialect = "plan"``); empty: the product has none."""

    @model_validator(mode="after")
    def _owners_are_there(self) -> "Tables":
        for known in (self.users, self.plan):
            for name, rows in known.items():
                if rows.within and rows.within not in known:
                    raise ValueError(
                        f"{name}: within: expected a table of users' rows, {suggestion(rows.within, known)}"
                    )
        return self

    def of(self, dialect: Dialect) -> Mapping[str, UsersRows]:
        """The tables with rows of users, as that dialect has them."""
        return self.users if dialect == "product" else self.plan

    def problems(self, invariants: Iterable[str]) -> Iterator[Problem]:
        """What is left out and is not one of these."""
        known = tuple(invariants)
        for name in self.left_out:
            if name not in known:
                yield Problem(f"[tables.left_out] {name}", f"no such invariant, {suggestion(name, known)}")
