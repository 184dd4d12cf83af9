"""The hook by which each topic says what it records: one part takes no other one with it, and a product's own parts count."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import NotReached
from pam_rollback.ops.baseline.fixtures import record
from pam_rollback.plugin import listeners
from pam_rollback.plugin.baseline_files import BaselinePart, Recorded
from pam_rollback.report.baseline_record import Origin, TicketRate
from pam_rollback.target.environment_tables import Ability
from pam_rollback.target.known_before import Finding
from tests.listening import FIXTURES, TOPICS, listened_to

TICKETS = TicketRate(n=9, count=1, over_s=3600, usual=1.5)


class Own:
    """A conftest.py with parts of its own."""

    def pytest_pam_baseline_parts(self) -> list[BaselinePart]:
        """One of each kind."""
        return [
            BaselinePart("own field", "own_field", "", ("database",)),
            BaselinePart("own file", "own_file", "", file="own.json"),
            BaselinePart("own doors", "own_doors", ""),
            BaselinePart("own mail", "own_mail", "", ("smtp", "database")),
            BaselinePart("own page", "own_page", "", elements=("bell",)),
            BaselinePart("own disk", "own_disk", "a disk"),
            BaselinePart("own wait", "own_wait", "patience"),
        ]


class Broken:
    """One that fails."""

    def pytest_pam_baseline_parts(self) -> list[BaselinePart]:
        """It names nothing."""
        raise OSError("gone")


ENVIRONMENT: Any = SimpleNamespace(
    name="staging", product="pam", abilities=frozenset({"database"}), contract=SimpleNamespace(elements={})
)
ORIGIN = Origin(
    environment="staging", host="api.test", release="1.42.0", run="run", taken_at=datetime(2026, 11, 1, tzinfo=UTC)
)


def asked(folder: Path) -> Callable[[str], object]:
    """Fixtures of a session, two of which cannot be set up."""
    (folder / "own.json").write_text("[1, 2]", encoding="utf-8")
    given = {
        "own_field": Recorded(fields={"tickets": TICKETS}),
        "own_file": Recorded(files={"own.json": 2}),
        "own_doors": Recorded(found=[Finding("IR-1", "GET /own", "open")]),
        "own_disk": MeasurementFailed("the disk is full"),
        "own_wait": NotReached("nobody came"),
    }

    def fixture(name: str) -> object:
        if isinstance(given[name], Exception):
            raise given[name]  # type: ignore[misc]
        return given[name]

    return fixture


def test_pytest_pam_baseline_parts(tmp_path: Path) -> None:
    """Fields, files and findings stand in the index; what is not there is named with what would let it be, and takes nothing with it."""
    parts = listeners.baseline_parts(listened_to(Broken(), Own()))
    found, failed, _ = record(ENVIRONMENT, tmp_path, parts, ask=asked(tmp_path), origin=lambda: ORIGIN)

    assert (found.tickets, found.found) == (TICKETS, (Finding("IR-1", "GET /own", "open"),))
    assert {name: part.n for name, part in found.parts.items()} == {"own.json": 2}
    assert failed == {
        "own disk": "the disk is full; to record it: a disk",
        "own wait": "nobody came; to record it: patience",
        "parts of a listener": "a hook failed: OSError: gone; to record it: listeners to pytest_pam_baseline_parts that do not fail",
    }
    assert found.not_recorded == failed | {
        "own mail": "staging declares no smtp; to record it: declare that",
        "own page": "the contract of pam describes no bell; to record it: describe that ([elements])",
    }


def test_answers_come_first() -> None:
    """Whoever else is recorded is read in a service that was watched for a while."""
    assert listeners.baseline_parts(listened_to(*TOPICS))[0].what == "answers"


@pytest.mark.parametrize("part", listeners.baseline_parts(listened_to(*TOPICS)), ids=lambda part: part.what)
def test_each_topic_can_record_what_it_names(part: BaselinePart) -> None:
    """Its fixture is there, an environment can declare what it needs, and a reader learns what lets it be recorded."""
    assert any(hasattr(module, part.fixture) for module in FIXTURES)
    assert {*part.abilities} <= {*get_args(Ability)}
    assert part.needs
    assert not part.problem
