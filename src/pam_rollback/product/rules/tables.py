"""The product's tables, as the contract of a product describes them: ``[tables]``."""

from typing import Annotated

from pydantic import Field, Strict

from pam_rollback.core.configuration import Table
from pam_rollback.core.environment_tables import Text


class Tables(Table):
    """What the suite reads of the database, and what it leaves alone."""

    schemas: Annotated[tuple[Text, ...], Strict(False), Field(min_length=1)] = ("public",)  # noqa: FBT003 - TOML has lists
    """Whose tables, rules and functions the product made: what a baseline records of the schema."""
