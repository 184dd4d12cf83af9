"""Which format a record has: a reader refuses a newer one, names the version of the suite that wrote it, and changes nothing.

A rollback may be undone from a machine with another version of the suite. A record without a number has format 1. The number rises only
when a reader would misread the record; a new field alone is no new format, and a reader leaves fields alone that it does not know.
"""

from collections.abc import Mapping
from typing import Any, Final

from pam_rollback import VERSION

FIELD: Final = "schema_version"
WRITTEN_BY: Final = "suite"
"""The version of the suite that wrote the record."""
JOURNAL: Final = 1
RAMP: Final = 1
WATCH: Final = 1


def stamp(number: int) -> dict[str, Any]:
    """What a record carries to be recognised later."""
    return {FIELD: number, WRITTEN_BY: VERSION}


def too_new(record: Mapping[str, Any], ours: int) -> str:
    """Why this version cannot read the record; empty when it can. What is no number is damage, which the reader reports."""
    found = record.get(FIELD)
    if not isinstance(found, int | float) or isinstance(found, bool) or found <= ours:
        return ""
    return (
        f"it has format {found:g}, and pam-rollback {VERSION} reads format {ours}: repeat the command with the version that wrote "
        f"it ({record.get(WRITTEN_BY) or 'not named'}); nothing was changed"
    )
