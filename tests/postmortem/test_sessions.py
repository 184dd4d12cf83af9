"""``make incident`` after a real run: all that is known in one folder, the draft filled with facts, no secret in it; half a run, too."""

import csv
import json
import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.outside.http import fetch
from pam_rollback.plan.flags import Flag
from pam_rollback.postmortem.client.sources import Asked, collect
from pam_rollback.postmortem.service.folder import MATERIAL
from pam_rollback.product.client.pam_api import FlagApi
from pam_rollback.report.redaction import Redactor, scan
from tests.postmortem.test_command import made
from tests.prometheus_server import prometheus
from tests.sessions import ONLY_HEALTH, Finished, RunningSandbox, runbook_in

ROOT = Path(__file__).parents[2]
STORY = "drills/test_full_system.py"
RECORDED = """
step_s = 1
requests = 'pam_requests_total{path!~"/metrics|/health.*"}'
latency_buckets = 'pam_request_duration_seconds_bucket{path!~"/metrics|/health.*"}'
memory_bytes = "pam_memory_usage_bytes"
"""
REASON = "errors since 02:40"


@dataclass(frozen=True)
class Real:
    """A real rollback that has ended, and the environment that it was about: a range that calls itself staging."""

    ended: Finished
    env: Path
    secrets: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """The run's."""
        return self.ended.folder


@pytest.fixture(scope="module")
def real(shared_range: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """A secret of its own is planted wherever somebody can write a text."""
    shared_range.remote.reset()
    shared_range.as_it_was()
    secret = shared_range.variables["PAM_ADMIN_TOKEN"]
    pushed = shared_range.remote.push({"NOTES.md": f"the token is {secret}\n"}, message=f"Note the token {secret}")
    page = f"{shared_range.state['urls']['frontend']}/version.json"
    Waiter().until(
        lambda: {shared_range.remote.identity()["commit"], fetch(page, deadline_s=5).json["commit"]},
        holds=lambda live: live == {pushed},
        within_s=60,
        what="the commit with the note is live",
    )
    account = FlagApi(shared_range.state["urls"]["api"] + "/admin/feature-flags", secret, f"ann {secret}")
    account.set_flags({"PAM_VOICE_FEATURES": Flag(enabled=True, rollout_pct=90)})
    shared_range.remote.plant("code-errors", share=0.5)
    project = runbook_in(tmp_path_factory.mktemp("incident"))
    for found in (project.folder / "checks").glob("test_*.py"):
        if found.name not in ONLY_HEALTH:
            found.unlink()
    env = project.folder / "staging.toml"
    text = shared_range.file.read_text("utf-8").partition("[sandbox]")[0]
    template = tomllib.loads((ROOT / "environments" / "sandbox.toml").read_text("utf-8"))
    abilities = json.dumps([*template["abilities"], "prometheus"])
    head = f'name = "staging"\nkind = "staging"\npace = 600\nabilities = {abilities}'
    text = text.replace('name = "sandbox"\nkind = "sandbox"', head)
    project.environment.update(shared_range.variables)
    # Not to the commit before the note: that one has the same fault, and users would be waited for in vain.
    stable = shared_range.remote.identity()["releases"]["stable"]["commit"]
    consent = ("--mode", "real", "--execute", "--confirm", "staging", "--initiated-by", "ann", "--to", stable)
    api = shared_range.state["urls"]["api"].removeprefix("http://")
    try:
        with prometheus(api, tmp_path_factory.mktemp("prometheus")) as url, pytest.MonkeyPatch.context() as patch:
            env.write_text(f'{text}\n[prometheus]\nurl = "{url}"\n{RECORDED}', "utf-8")
            ended = project.run(STORY, f"--env={env}", *consent, "--reason", f"{REASON} {secret}")
            for name, value in shared_range.variables.items():
                patch.setenv(name, value)
            yield Real(ended, env, {name: value for name, value in shared_range.variables.items() if len(value) > 5})
    finally:
        shared_range.remote.reset()
        shared_range.as_it_was()


def section(page: str, heading: str) -> str:
    """What stands below that heading."""
    return page.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_a_real_run_collects_what_does_not_stay(real: Real) -> None:
    """At its end, after the verdict: each source with its files, or with the reason why there are none."""
    told = json.loads((real.folder / MATERIAL / "sources.json").read_text("utf-8"))["sources"]
    by_name = {source["name"]: source for source in told}

    assert f"make incident RUN={real.folder.name}" in " ".join(real.ended.out.split()), real.ended.out
    assert not [name for name, source in by_name.items() if not source["files"]], by_name
    recorded = real.folder / MATERIAL / "metrics" / "prometheus-error_rate_pct.csv"
    rows = csv.DictReader(recorded.read_text("utf-8").splitlines())
    # The incident lasts two seconds and may lie before the first scrapes: what was not seen then says why, and is never a blank.
    moments = list(rows)
    assert moments
    assert all(row["error_rate_pct"] or row["why_unknown"] for row in moments), moments


def test_the_draft_holds_the_facts(real: Real, tmp_path: Path) -> None:
    """Who, what, when in UTC, against which objective, what was different, what was seen; each with its source."""
    page = made(real.folder, real.env, tmp_path)

    what = section(page, "What happened")
    assert REASON in what
    assert "| decided by | ann | journal.jsonl |" in what
    assert "full-system (real)" in what
    when = {row.split("|")[1].strip(): row.split("|")[2].strip() for row in section(page, "When").splitlines()[3:9]}
    assert list(when) == ["onset", "detection", "decision", "first step", "mitigated", "confirmed"]
    assert datetime.fromisoformat(when["decision"]) <= datetime.fromisoformat(when["first step"]), when
    assert "RTO-4" in section(page, "Objectives")
    assert "back end: run the target" in section(page, "What was done")
    different = section(page, "What was different")
    assert ": Note the token [redacted:" in different
    assert "| PAM_ENHANCED_UI | on for 100 % | off for 0 % |" in different
    assert "passed" in section(page, "What the checks saw")


def test_judgement_is_left_to_people(real: Real, tmp_path: Path) -> None:
    """No cause is guessed."""
    page = made(real.folder, real.env, tmp_path)

    for heading in ("Summary", "Root cause", "What went well", "What went badly", "Where we were lucky"):
        assert section(page, heading).strip().endswith("_For people to fill in._")
    assert section(page, "Actions").count("|  |  |  |  |") == 1


def test_the_timeline_is_one(real: Real, tmp_path: Path) -> None:
    """Probes, steps, decision, providers and flags in order of time, and as a plot."""
    made(real.folder, real.env, tmp_path)
    with (tmp_path / "timeline.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    times = [row["at_utc"] for row in rows]
    assert times == sorted(times)
    assert {row["who"] for row in rows} >= {"probes", "step", "decision", "provider", "flags", "users", "told"}
    assert any(row["who"] == "probes" and int(row["bad"]) > 0 for row in rows)
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")


def test_logs_and_differences_are_of_the_bad_release(real: Real, tmp_path: Path) -> None:
    """Failed requests by the host's log; the commits and files that the target does not have."""
    made(real.folder, real.env, tmp_path)

    assert "500" in (tmp_path / "logs" / "backend.log").read_text("utf-8")
    assert (tmp_path / "git" / "difference.diff").read_text("utf-8").startswith("diff --git")
    assert json.loads((tmp_path / "configuration" / "environment.json").read_text("utf-8"))["name"] == "staging"


def test_what_a_revert_took_back_is_shown(real: Real, shared_range: RunningSandbox, tmp_path: Path) -> None:
    """It goes back to no commit that was there before."""
    environment = load_environment(str(real.env), ROOT / "environments", os.environ)
    now = datetime.now(UTC)
    asked = Asked(now, now, bad_commit=shared_range.remote.identity()["releases"]["candidate"]["commit"])

    found = {source.name: source for source in collect(environment, asked, tmp_path, Redactor({}))}

    assert found["difference between the releases"].files, found
    brought = (tmp_path / "git" / "difference.diff").read_text("utf-8")
    assert brought.startswith("diff --git")
    assert "1.42.0" in brought
    assert "NOTES.md" not in brought, "that came later"


def test_no_secret_is_in_it(real: Real, tmp_path: Path) -> None:
    """Planted in the reason, a commit, its files, the flags' history and, here, in every record of the run."""
    run = tmp_path / "run"
    shutil.copytree(real.folder, run)
    planted = " ".join(real.secrets.values())
    for name in ("journal.jsonl", "after-full-system/timeline.jsonl"):
        with (run / name).open("a", encoding="utf-8") as record_of_it:
            if name.startswith("journal"):
                entry = {
                    "at": "2026-11-25T22:00:00+00:00",
                    "at_s": 1.0,
                    "event": "warning",
                    "about": "x",
                    "problem": planted,
                }
                record_of_it.write(json.dumps(entry) + "\n")
            else:
                record_of_it.write(json.dumps({"end": {"reason": planted}}) + "\n")
    record = json.loads((run / "run.json").read_text("utf-8"))
    record["notes"] = [planted]
    (run / "run.json").write_text(json.dumps(record), "utf-8")
    for path in (run / MATERIAL).rglob("*"):
        if path.suffix in {".txt", ".diff", ".log", ".csv"}:
            path.write_text(path.read_text("utf-8") + planted, "utf-8")
    assert scan(run, real.secrets), "nothing was planted"
    out = tmp_path / "out"

    made(run, real.env, out)

    assert scan(out, real.secrets) == []
    assert "[redacted:" in (out / "git" / "log.txt").read_text("utf-8")


def test_without_its_environment_what_was_collected_is_there(real: Real, tmp_path: Path) -> None:
    """Weeks later, elsewhere: the run's own material counts, nobody is asked again."""
    page = made(real.folder, None, tmp_path)

    assert "git/log.txt" in section(page, "Material")
    assert "metrics (Prometheus): [metrics/prometheus-error_rate_pct.csv]" in section(page, "Material")


def test_a_run_that_was_killed_works_too(real: Real, tmp_path: Path) -> None:
    """In the middle of a step, and of a line of its journal: no record, no material, and what is not known says so."""
    run = tmp_path / "killed"
    shutil.copytree(real.folder, run)
    (run / "run.json").unlink()
    shutil.rmtree(run / MATERIAL)
    for name in ("recovery.json",):
        (run / "after-full-system" / name).unlink(missing_ok=True)
    lines = (run / "journal.jsonl").read_text("utf-8").splitlines()
    cut = next(
        number for number, line in enumerate(lines) if '"step-started", "step": "back end: run the target"' in line
    )
    (run / "journal.jsonl").write_text("\n".join(lines[: cut + 1]) + "\n" + lines[cut + 1][:20], "utf-8")

    page = made(run, None, tmp_path / "out")

    assert "verdict | none: the session ended before it wrote run.json" in page
    assert "**begun, and its end is not known** (the session was killed): back end: run the target" in page
    assert "| confirmed | not known |" in page
    assert "these are the tests that it had finished" in section(page, "What the checks saw")
    material = section(page, "Material")
    assert "run.json is not there: the run ended before" in material
    assert "providers, metrics, logs, history and flags: " in material


def test_another_environment_is_not_asked(real: Real, tmp_path: Path) -> None:
    """What another one would tell is no fact of this incident."""
    run = tmp_path / "run"
    shutil.copytree(real.folder, run)
    shutil.rmtree(run / MATERIAL)
    journal = (run / "journal.jsonl").read_text("utf-8")
    api = json.loads(journal.splitlines()[0])["api"]
    (run / "journal.jsonl").write_text(journal.replace(f'"{api}"', '"http://127.0.0.1:9"'), "utf-8")

    page = made(run, real.env, tmp_path / "out")

    assert "that address is not this environment's: name the right one with ENV" in section(page, "Material")
    assert not (tmp_path / "out" / "git").exists()
