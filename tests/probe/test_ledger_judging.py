"""A ledger that is longer than the product's answers: the database behind the API tells what became of it, and no other database does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.database.database_link import DatabaseLink, Link
from pam_rollback.probe.ledger import Ledger, configured, judge_ledger
from pam_rollback.probe.ledger_verdict import FinalReading, LedgerState, LedgerVerdict
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.sessions import ROOT, RunningSandbox

SHOWN = DatabaseLink(Link.SHOWN, "a setting was seen through both")
OTHER = DatabaseLink(Link.REFUTED, "a setting was not seen there")


@pytest.fixture
def environment(running_sandbox: RunningSandbox) -> Environment:
    """The running sandbox."""
    return load_environment(str(running_sandbox.file), ROOT / "environments", {})


@contextmanager
def started(environment: Environment, folder: Path, *, read_rows_max: int) -> Iterator[Ledger]:
    """A ledger that has written something of each kind, and writes on."""
    config = configured(environment, 20).model_copy(update={"read_rows_max": read_rows_max, "timeout_s": 5.0})
    with Ledger(config, folder / "ledger.jsonl") as writer:
        writer.wait_for_acknowledged(24, 20)
        yield writer


def judged(
    ledger: Ledger, reading: FinalReading, environment: Environment, link: Callable[[], DatabaseLink]
) -> LedgerVerdict:
    """The verdict on a ledger that was read back once, however often it is judged."""
    read: Any = SimpleNamespace(
        check=ledger.stop,
        read_back=lambda: reading,
        refuse_nothing=ledger.refuse_nothing,
        record=ledger.record,
        marker_prefix=ledger.marker_prefix,
    )
    return judge_ledger(read, environment, link, moments_s=())


def nobody() -> DatabaseLink:
    """Must not be asked."""
    raise AssertionError("asked for a database that is not declared")


def test_the_database_tells_what_the_product_does_not_give_whole(environment: Environment, tmp_path: Path) -> None:
    """Its own finds every write; another one, or none that is declared, leaves unknown what the product did not give, and says why."""
    alone = environment.model_copy(update={"abilities": environment.abilities - {"database"}})
    with started(environment, tmp_path, read_rows_max=3) as ledger:
        reading = ledger.read_back(within_s=1)
        own = judged(ledger, reading, environment, lambda: SHOWN)
        other = judged(ledger, reading, environment, lambda: OTHER)
        none = judged(ledger, reading, alone, nobody)

    assert own.state is LedgerState.KEPT, own
    assert own.present == own.acknowledged >= 24
    assert own.unread == 0
    assert other.state is LedgerState.UNKNOWN, other
    assert other.unread > 0
    assert "there may be more; nor does the database tell: not known whether this is the database" in str(other)
    assert none.state is LedgerState.UNKNOWN, none
    assert "nor does" not in str(none)


def test_what_stands_under_another_user_is_moved(
    environment: Environment, running_sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """The product does not give it back to whoever wrote it; its database says where it is. By any other it is lost, with its seconds."""
    with started(environment, tmp_path, read_rows_max=5000) as ledger:
        running_sandbox.remote.plant("data", what="own-expenses-moved")
        try:
            reading = ledger.read_back()
            own = judged(ledger, reading, environment, lambda: SHOWN)
            other = judged(ledger, reading, environment, lambda: OTHER)
        finally:
            running_sandbox.remote.clear_all()

    assert (own.moved, own.lost, own.kept) == (3, 0, False), own
    assert "3 moved" in str(own)
    assert (other.moved, other.lost, other.kept) == (0, 3, False), other
    assert other.rpo_s is not None
    assert other.rpo_s > 0
