"""The full-system rollback: hosts accept first and are done later, and nothing is claimed or emptied before it is served.

What its providers may do instead: ``test_provider_failures.py`` and ``test_host_behaviours.py``.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pam_rollback.report.verdict import ExitCode
from pam_rollback.rollback.journal import Journal
from tests.rollback.strategies.hosts import FAILURES, STABLE
from tests.rollback.strategies.stage import MemoryStage


@dataclass
class Emptied(MemoryStage):
    """What was served when each cache was emptied."""

    served: dict[str, str] = field(default_factory=dict)

    def empty_site_cache(self) -> str:
        """With the site that visitors had then."""
        self.served["site"] = self.site_release()
        return super().empty_site_cache()

    def empty_api_cache(self) -> str:
        """With the service that answered then."""
        self.served["api"] = self.api_release()
        return super().empty_api_cache()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Emptied:
    """All of it in the bad release, features on."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    return Emptied(Journal(tmp_path / "journal.jsonl"))


def test_caches_are_emptied_and_success_is_told_only_of_what_is_served(stage: Emptied) -> None:
    """Hosts accept at once and are done later: whoever empties a cache before fills it with the bad release again (audit G12)."""
    done = stage.perform("full-system")

    assert done.exit_code is ExitCode.GO, done.error
    assert stage.served == {"site": STABLE, "api": STABLE}
    assert done.steps[-1].started_s >= max(step.finished_s for step in done.steps[:-1])
    assert stage.told == ["rolled back"]
    assert done.facts.outcome.on == []


@pytest.mark.parametrize(
    ("failing", "emptied", "step"),
    [
        (("Render", "rollback"), {"site": STABLE}, "back end: run the target"),
        (("Netlify", "restore"), {"api": STABLE}, "front end: publish the target"),
    ],
)
def test_what_fails_keeps_nothing_else_from_being_done(
    stage: Emptied, failing: tuple[str, str], emptied: dict[str, str], step: str
) -> None:
    """A cache is left alone where the bad release is still served; the message says what was not done."""
    stage.hosts.failing = {failing: FAILURES["refused"]}

    assert stage.perform("full-system").exit_code is ExitCode.ACTION_FAILED

    assert stage.served == emptied
    assert not stage.world().flags_on
    (told,) = stage.told
    assert told.startswith(f"NOT DONE IN FULL: step {step!r} failed")
