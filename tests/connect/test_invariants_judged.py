"""The doctor says of an invariant after what it can be judged, as the selection of a session leaves it out."""

from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.ops.connect import hooks
from pam_rollback.plugin.sql_files import invariants_of
from tests.database.test_migrations_not_named import CASES, DRIFT, ROOT, described


@pytest.mark.parametrize(("product", "more", "abilities", "missing"), CASES)
def test_what_nobody_tells_is_judged_after_what_would_tell_it(
    product: str, more: str, abilities: Collection[str], missing: tuple[str, ...], tmp_path: Path
) -> None:
    """Of the migrations; every other invariant needs the database alone."""
    runbook: Any = SimpleNamespace(environment=described(tmp_path, product, more, abilities))
    judges = {one.id: hooks._of_invariant(one, runbook) for one in invariants_of(ROOT, runbook.environment)}

    assert judges.pop(DRIFT).abilities == missing
    assert {judge.abilities for judge in judges.values()} == {()}


def test_without_the_database_that_comes_first(tmp_path: Path) -> None:
    """Nobody is sent for a repository to judge what could not be asked about."""
    runbook: Any = SimpleNamespace(environment=described(tmp_path, "pam-today", "", ()))
    judges = [hooks._of_invariant(one, runbook) for one in invariants_of(ROOT, runbook.environment)]

    assert {judge.abilities for judge in judges} == {("database",)}
