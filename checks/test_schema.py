"""Does the database's schema stand as it did?  Reads only: safe on production."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.database.schema_changes import SchemaComparison

pytestmark = [pytest.mark.post_rollback, pytest.mark.integrity]


@pytest.mark.criterion("SC-4", "POST-2")
def test_nothing_of_the_schema_is_lost(schema_comparison: SchemaComparison, scored: Scored) -> None:
    """Each table, column, rule, index, trigger and function of before is there.  If red: docs/runbook.md#schema-changed."""
    lost = scored(schema_comparison.lost)

    assert lost.differences == 0, lost


@pytest.mark.criterion("SC-4", "POST-2")
def test_nothing_of_the_schema_is_weaker(schema_comparison: SchemaComparison, scored: Scored) -> None:
    """What the schema has says what it said before, and is in force.  If red: docs/runbook.md#schema-changed."""
    weaker = scored(schema_comparison.weaker)

    assert weaker.differences == 0, weaker


@pytest.mark.criterion("SC-4", "POST-2")
def test_nothing_of_the_schema_is_more_open(schema_comparison: SchemaComparison, scored: Scored) -> None:
    """Nothing has another owner, and no new door leads past the policies.  If red: docs/runbook.md#schema-opened."""
    opened = scored(schema_comparison.opened)

    assert opened.differences == 0, opened
