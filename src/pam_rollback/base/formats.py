"""Which format a record has, and what happens when another version of the suite wrote it.

A rollback today is undone tomorrow, maybe after an upgrade, maybe from a machine that was not upgraded:

======================  ==========================================================================
the record              what its reader does
======================  ==========================================================================
has no format           reads it as format 1: the first one was not numbered
has an older format     reads it, as long as samples of it are kept in ``tests/earlier_records``
has our format          reads it; fields that it does not know are left alone
has a newer format      refuses, says which version to install, and changes nothing
======================  ==========================================================================

A format's number rises only when an older reader would misread the record. A new field alone is no new format.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pam_rollback import VERSION

FIELD: Final = "schema_version"
WRITTEN_BY: Final = "suite"
"""The version of the suite that wrote the record: what has to be installed to read it."""
JOURNAL: Final = 1
RAMP: Final = 1
WATCH: Final = 1


def stamp(number: int) -> dict[str, Any]:
    """What a record carries to be recognised later."""
    return {FIELD: number, WRITTEN_BY: VERSION}


def too_new(record: Mapping[str, Any], ours: int) -> str:
    """Why this version cannot read the record, and what to do; empty when it can.

    What is no number is damage, not a format: whoever reads the record says so.
    """
    found = record.get(FIELD)
    if not isinstance(found, int | float) or isinstance(found, bool) or found <= ours:
        return ""
    writer = str(record.get(WRITTEN_BY) or "")
    named = writer and writer != VERSION  # a build between two versions has the number of the one before
    install = f"pam-rollback {writer} or newer" if named else "the version of the suite that wrote it, or a newer one"
    return (
        f"it has format {found:g}, this is pam-rollback {VERSION}, which reads formats up to {ours}: "
        f"install {install} and repeat the command; nothing was changed"
    )


def any_too_new(records: Iterable[Mapping[str, Any]], ours: int) -> str:
    """The same for lines of one file, which several versions may have continued. The first that is too new."""
    return next((problem for record in records if (problem := too_new(record, ours))), "")
