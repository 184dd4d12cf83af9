"""What a session does in the tracker, without a session: a watch's incident, the record of a rollback, and what PRE-4 is told."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.topics import tracker as hooks
from pam_rollback.rollback.journal import Journal
from tests.notify.github_issues import TOKEN, Fault, Issues, stand_in
from tests.notify.test_tracker_service import INCIDENT


@pytest.fixture
def github() -> Iterator[Issues]:
    """Where the incidents are."""
    with stand_in() as made:
        yield made


@pytest.fixture
def environment(github: Issues) -> Any:
    """One with a tracker and its token."""
    return SimpleNamespace(
        name="production", tracker=github.settings(), has_secret=lambda _: True, secret=lambda _: TOKEN
    )


@pytest.fixture
def config(environment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Of a real session."""
    runbook = SimpleNamespace(
        id="run-1",
        folder=tmp_path,
        environment=environment,
        options=SimpleNamespace(real=True, dry_run=False, initiated_by="kim", reason="white page"),
        secrets=SimpleNamespace(redact=str),
        journal=Journal(tmp_path / "journal.jsonl"),
    )
    monkeypatch.setattr(runbook_module, "of", lambda _: runbook)
    return SimpleNamespace(stash=pytest.Stash(), runbook=runbook)


def begin(config: Any, situation: str = "after-frontend") -> None:
    """A situation is entered."""
    hooks.pytest_pam_situation_begins(situation, SimpleNamespace(config=config))  # type: ignore[arg-type]


def test_a_watch_has_its_incident_followed(github: Issues, config: Any) -> None:
    """From the opened to the closed one; without a tracker nobody is told, and nothing fails."""
    url = hooks.pytest_pam_incident(config, INCIDENT, "opened")
    assert url is not None
    told = replace(INCIDENT, reference=url, strategy="ST-5")
    assert hooks.pytest_pam_incident(config, told, "updated") == url
    assert hooks.pytest_pam_incident(config, told, "closed") == url
    assert github.issues[0]["state"] == "closed"
    assert hooks.listener(config) == "the tracker"

    config.runbook.environment.tracker = None
    assert hooks.listener(config) == "", "a watch says whom it tells: nobody is told there"
    assert hooks.pytest_pam_incident(config, INCIDENT, "opened") is None
    assert hooks.on_record(config, SimpleNamespace(tracker=None)) is None  # type: ignore[arg-type]


def test_what_is_closed_before_the_verdict_is_not_done(github: Issues, config: Any, environment: Any) -> None:
    """On record is what is open; a baseline's situation begins nothing, and a second look begins nothing twice."""
    begin(config, "baseline")
    with pytest.raises(MeasurementFailed, match="no incident of production is open in wheels/wins"):
        hooks.on_record(config, environment)
    begin(config)
    begin(config)
    url = github.issues[0]["html_url"] if github.issues else ""
    assert hooks.on_record(config, environment) == (True, url or github.issues[0]["html_url"])

    github.issues[0]["state"] = "closed"
    done, words = hooks.on_record(config, environment) or (None, "")
    assert done is False
    assert "was closed before the verdict is GO" in words
    assert [one["event"] for one in config.runbook.journal.entries()] == ["tracked"]
    assert len(github.issues) == 1


def test_a_refusal_is_told_and_a_persons_word_counts(
    github: Issues, config: Any, environment: Any, tmp_path: Path
) -> None:
    """Not done and not known are two things: whoever opened it by hand may say so."""
    github.faults = {"GET": Fault(401, "Bad credentials")}
    begin(config)
    with pytest.raises(MeasurementFailed, match="it may have expired"):
        hooks.on_record(config, environment)
    assert "it may have expired" in "".join(hooks.pytest_pam_notes(tmp_path))
    environment.has_secret = lambda _: False
    with pytest.raises(ActionFailed, match="export it"):
        hooks.incidents_of(environment, str)


@pytest.mark.parametrize("undone", ["UNDONE: 2 changes, each read back", "UNDO FAILED: HTTP 503, for @kim"])
def test_an_undo_is_told_where_the_rollback_is_on_record(
    github: Issues, config: Any, environment: Any, tmp_path: Path, undone: str
) -> None:
    """Who, why, and what came of it, good or bad. The incident stays as it is."""
    begin(config)
    assert hooks.on_record(config, environment) is not None
    config.runbook.id = "undo-1"
    config.runbook.options.initiated_by, config.runbook.options.reason = "sam", "the fix is ready"
    url = github.issues[0]["html_url"]
    assert hooks.pytest_pam_run_ended(config, tmp_path, environment, undone) == f"incident: {url}"

    began, told = github.said(1)
    assert "begun by kim" in began
    assert f"Undo of run `{tmp_path.name}` by sam: the fix is ready." in told
    assert undone.replace("@", "@\u200b") in told
    assert github.issues[0]["state"] == "open"


def test_an_undo_that_cannot_be_told_is_one_line(github: Issues, config: Any, environment: Any, tmp_path: Path) -> None:
    """A run that nobody has on record, a tracker that refuses, and no tracker: the undo is done all the same."""
    told = hooks.pytest_pam_run_ended(config, tmp_path, environment, "UNDONE")
    assert told == "the tracker: this run is on record in no incident, so that it was undone is said in none"
    begin(config)
    hooks.on_record(config, environment)
    github.faults = {"GET": Fault(401, "Bad credentials")}
    assert "it may have expired" in (hooks.pytest_pam_run_ended(config, tmp_path, environment, "UNDONE") or "")
    environment.tracker = None
    assert hooks.pytest_pam_run_ended(config, tmp_path, environment, "UNDONE") is None
