"""The ledger of today's product: its expenses, as rows at the stand-in of Supabase. What is lost behind its back is named."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.database_link import DatabaseLink, Link
from pam_rollback.probe.ledger import Ledger, configured, judge_ledger
from pam_rollback.probe.ledger_config import WriteKind
from pam_rollback.probe.ledger_verdict import LedgerState
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.sandbox.todays_range import Today, today, todays_range
from tests.sessions import ROOT

__all__ = ["today", "todays_range"]
SHOWN = DatabaseLink(Link.SHOWN, "an expense was seen through both")
OTHER = DatabaseLink(Link.REFUTED, "an expense was not seen there")
OWN = "SELECT count(*) FROM expenses WHERE starts_with(description, '{}')"


@pytest.fixture
def environment(today: Today) -> Environment:
    """As the suite sees it."""
    return load_environment(str(today.file), ROOT / "environments", {})


@pytest.fixture
def ledger(environment: Environment, tmp_path: Path) -> Iterator[Ledger]:
    """It has written, and writes on."""
    with Ledger(configured(environment, 20), tmp_path / "ledger.jsonl") as writer:
        writer.wait_for_acknowledged(24, 20)
        yield writer


def test_what_is_kept_is_found_again_and_deleted(ledger: Ledger, environment: Environment, today: Today) -> None:
    """Every acknowledged expense is there, once; nothing else was written, and of it nothing is left."""
    verdict = judge_ledger(ledger, environment, lambda: SHOWN, moments_s=())
    count = OWN.format(ledger.marker_prefix)
    stored = today.sql(count)[0][0]
    deleted = ledger.clean_up()

    assert verdict.state is LedgerState.KEPT, verdict
    assert verdict.present == verdict.acknowledged >= 24
    assert {write.kind for write in ledger.record.writes} == {WriteKind.EXPENSE}
    assert stored == deleted >= 24
    assert today.sql(count) == [(0,)]


def test_what_is_lost_behind_its_back_is_named(ledger: Ledger, environment: Environment, today: Today) -> None:
    """Rows that were deleted are lost, and those that another person has now are moved."""
    first, second = [write.marker for write in ledger.record.writes if write.acked_s is not None][3:5]
    for marker in (first, second):
        today.rows(f"expenses?description=eq.{marker}", method="DELETE")
    today.remote.plant("data", what="own-expenses-moved")
    verdict = judge_ledger(ledger, environment, lambda: SHOWN, moments_s=())
    today.remote.clear_all()

    assert verdict.state is LedgerState.DAMAGED, verdict
    assert {first, second} <= set(verdict.lost_markers), verdict
    assert (verdict.lost, verdict.moved) == (2, 3), verdict
    assert first in str(verdict)


def test_the_database_tells_what_the_host_of_the_rows_does_not(ledger: Ledger, environment: Environment) -> None:
    """Expenses are all that is written: where nothing of them is given back the database behind it is asked. Without one nobody knows."""
    alone = environment.model_copy(update={"abilities": environment.abilities - {"database"}})
    given = ledger.read_back()
    none: Any = SimpleNamespace(
        check=ledger.stop,
        read_back=lambda: replace(given, rows=(), unread={WriteKind.EXPENSE: "HTTP 503"}),
        refuse_nothing=ledger.refuse_nothing,
        record=ledger.record,
        marker_prefix=ledger.marker_prefix,
    )
    verdict = judge_ledger(none, environment, lambda: SHOWN, moments_s=())

    assert verdict.state is LedgerState.KEPT, verdict
    assert verdict.present == verdict.acknowledged >= 24
    with pytest.raises(MeasurementFailed, match="nothing of the ledger could be read back: expense: HTTP 503"):
        judge_ledger(none, alone, lambda: SHOWN, moments_s=())
    with pytest.raises(MeasurementFailed, match="HTTP 503; nor does the database tell: "):
        judge_ledger(none, environment, lambda: OTHER, moments_s=())


def test_where_nothing_can_be_written_nothing_begins(environment: Environment) -> None:
    """It says what the contract has of each kind, and where to describe one."""
    contract = environment.contract
    sold = contract.operation("expenses").model_copy(update={"path": None, "no_endpoint": "sold"})
    environment.adopt(contract.model_copy(update={"operations": {**contract.operations, "expenses": sold}}))

    with pytest.raises(
        MeasurementFailed, match=r"pam-today names nothing that is kept .*expenses: sold; messages: "
    ) as raised:
        configured(environment, 1.0)
    assert "would not be seen" in raised.value.cause
