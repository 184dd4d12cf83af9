"""The rows of the fault matrix that are about today's product: each turns its checks and no others, and a healthy product is green."""

from collections.abc import Iterator

import pytest

from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch
from pam_rollback.probe.health import read_as_users
from pam_rollback.target.environment_file import load_environment
from tests.fault_rows.matrix import rows
from tests.fault_rows.row import Row
from tests.sessions import ROOT, own_range
from tests.test_checks_catch_faults import Proof, judge, under

_OLD_S = 8
ROWS = [row for row in rows() if row.product == "pam-today" and not row.elsewhere]


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    """One sandbox of today's product for all rows, and a session for each selection."""
    with own_range("pam-today") as range_:
        made = Proof(range_, tmp_path_factory.mktemp("rows"))
        yield made
        made.close()


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.id, marks=[pytest.mark.nightly] if row.waits_for else []) for row in ROWS]
)
def test_a_fault_turns_its_checks_and_no_others(row: Row, proof: Proof) -> None:
    """With the message that names the cause; afterwards the sandbox is as it was."""
    remote = proof.range.remote
    remote.reset()
    remote.forgive()
    # By its age a process is told from one that was started for a deploy; the row before may have started this one.
    Waiter().until(
        lambda: fetch(f"{proof.range.state['urls']['api']}/health/system", deadline_s=5).json,
        holds=lambda said: said["checks"]["process"]["uptime_seconds"] >= _OLD_S,
        within_s=30,
        what="the process has run for a while",
        every_s=1,
    )
    environment = load_environment(str(proof.range.file), ROOT / "environments", {})
    Waiter().until(
        lambda: read_as_users(environment),
        holds=lambda reads: not any(reads.wrong.values()),
        within_s=60,
        what="users are answered again, after a database that was down",
        every_s=1,
    )
    remote.forgive()
    session, healthy = proof.healthy(row)
    remote.forgive()  # a session knows what it asked itself, and not what the one before did
    judge([row], under([row], session, proof.range), healthy)

    assert (remote.faults(), remote.changes()) == ([], [])
