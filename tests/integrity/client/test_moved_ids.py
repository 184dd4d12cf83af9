"""Rows that were moved are named by their own ids, whatever else stands in their groups."""

from typing import Any

import pytest

from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.integrity import row_counting
from pam_rollback.integrity.row_counting import count_rows, ids_in_groups
from pam_rollback.integrity.row_rewriting import moves
from pam_rollback.outside.postgres import Patience, open_snapshot
from tests.fault_rows.matrix import ROOT
from tests.sessions import RunningSandbox

PATIENCE = Patience(20, 5)


@pytest.fixture
def environment(running_sandbox: RunningSandbox) -> Environment:
    """Of a running sandbox."""
    return load_environment(str(running_sandbox.file), ROOT / "environments", {})


def test_moved_rows_are_named_and_none_of_their_groups(
    environment: Environment, running_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fourteen expenses go to one other account; in a large table any row of their groups is named."""
    rows, names, dsn = environment.users_rows, environment.table_names, environment.secret("database_dsn")
    with open_snapshot(dsn, PATIENCE, connections=1) as snapshot:
        before = count_rows(snapshot, rows, test_user=None, names=names)
        owners = dict(snapshot.rows("SELECT id::text, user_id FROM expenses"))
    running_sandbox.remote.plant("data", what="expenses-moved")
    try:
        with open_snapshot(dsn, PATIENCE, connections=1) as snapshot:
            found = moves(before, count_rows(snapshot, rows, test_user=None, names=names, before=before))
            given: dict[str, Any] = {
                "test_user": None,
                "names": names,
                "until": before.created_until,
                "moved": found.shifts,
            }
            ids = ids_in_groups(snapshot, rows, found.found, **given)
            monkeypatch.setattr(row_counting, "_SEARCHED_MAX", 0)
            of_groups = ids_in_groups(snapshot, rows, found.found, **given)
            now = dict(snapshot.rows("SELECT id::text, user_id FROM expenses"))
    finally:
        running_sandbox.remote.clear_all()

    moved = {one for one, owner in owners.items() if now[one] != owner}
    assert set(found.found) == {"expenses"}
    assert len(moved) == 14
    assert set(ids["expenses"]) == moved
    assert set(of_groups["expenses"]) > moved
