"""A ledger that is longer than the product's answers: the database behind the API tells what became of it, and no other database does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pam_rollback.core.database_link import DatabaseLink, Link
from pam_rollback.core.environment import Environment
from pam_rollback.core.environment_file import load_environment
from pam_rollback.core.ledger_verdict import LedgerState
from pam_rollback.observation.ledger import Ledger, start_ledger
from pam_rollback.observation.ledger_config import LedgerConfig
from pam_rollback.plugin.ledger_judging import judge_ledger
from pam_rollback.plugin.probed_journeys import sign_in_of
from tests.sessions import Range

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "environments"
SHOWN = DatabaseLink(Link.SHOWN, "a setting was seen through both")
OTHER = DatabaseLink(Link.REFUTED, "a setting was not seen there")


@pytest.fixture
def environment(practice_range: Range) -> Environment:
    """The running sandbox."""
    return load_environment(str(practice_range.file), ENVIRONMENTS, {})


@pytest.fixture
def ledger(environment: Environment, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger whose final reading may ask for three rows only, with more than that of each kind."""
    with started(environment, tmp_path, read_rows_max=3) as writer:
        yield writer


@contextmanager
def started(environment: Environment, folder: Path, *, read_rows_max: int) -> Iterator[Ledger]:
    """A ledger that has written something of each kind, and writes on."""
    config = LedgerConfig(
        sign_in=sign_in_of(environment),
        expenses_url=environment.url_of("expenses"),
        chat_url=environment.url_of("chat"),
        history_url=environment.url_of("history"),
        settings_url=environment.url_of("settings"),
        rate_hz=20,
        read_rows_max=read_rows_max,
    )
    with start_ledger(config, folder / "ledger.jsonl") as writer:
        writer.wait_for_acknowledged(24, 20)
        yield writer


def test_the_database_tells_what_the_product_does_not_give_whole(ledger: Ledger, environment: Environment) -> None:
    """Every acknowledged write is found, none stays unread."""
    verdict = judge_ledger(ledger, environment, lambda: SHOWN, moments_s=())

    assert verdict.state is LedgerState.KEPT, verdict
    assert verdict.present == verdict.acknowledged >= 24
    assert verdict.unread == 0


def test_another_database_tells_nothing(ledger: Ledger, environment: Environment) -> None:
    """What the product did not give stays unknown, and both reasons are told."""
    verdict = judge_ledger(ledger, environment, lambda: OTHER, moments_s=())

    assert verdict.state is LedgerState.UNKNOWN, verdict
    assert verdict.unread > 0
    assert "there may be more; nor does the database tell: not known whether this is the database" in str(verdict)


def test_without_a_database_nobody_is_asked(ledger: Ledger, environment: Environment) -> None:
    """The environment declares none: the product's word is all there is."""
    alone = environment.model_copy(update={"abilities": environment.abilities - {"database"}})

    def nobody() -> DatabaseLink:
        raise AssertionError("asked for a database that is not declared")

    verdict = judge_ledger(ledger, alone, nobody, moments_s=())

    assert verdict.state is LedgerState.UNKNOWN, verdict
    assert "nor does" not in str(verdict)


def test_what_stands_under_another_user_is_moved(
    environment: Environment, practice_range: Range, tmp_path: Path
) -> None:
    """The product does not give it back to whoever wrote it; the database says where it is. Without one it is lost."""
    with started(environment, tmp_path, read_rows_max=5000) as ledger:
        practice_range.remote.plant("data", what="own-expenses-moved")
        try:
            seen = judge_ledger(ledger, environment, lambda: SHOWN, moments_s=())
        finally:
            practice_range.remote.clear_all()

    assert (seen.moved, seen.lost, seen.kept) == (3, 0, False), seen
    assert "3 moved" in str(seen)


def test_what_is_gone_is_lost_where_no_database_tells_more(
    environment: Environment, practice_range: Range, tmp_path: Path
) -> None:
    """Another database has no say; and the loss has seconds beside its count."""
    with started(environment, tmp_path, read_rows_max=5000) as ledger:
        practice_range.remote.plant("data", what="own-expenses-moved")
        try:
            seen = judge_ledger(ledger, environment, lambda: OTHER, moments_s=())
        finally:
            practice_range.remote.clear_all()

    assert (seen.moved, seen.lost, seen.kept) == (0, 3, False), seen
    assert seen.rpo_s is not None
    assert seen.rpo_s > 0
