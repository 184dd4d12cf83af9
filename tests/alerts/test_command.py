"""``make alerts``: one file for an environment's Prometheus, the same each time, judged by promtool; or one clear error."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.ops.alerts import __main__ as alerts
from pam_rollback.probe.samples import Sample
from pam_rollback.report.baseline_record import Origin
from tests.baselines import baseline_of
from tests.prometheus_server import promtool

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "alerts"
EXAMPLE = EXAMPLES / "example.toml"
RULES = EXAMPLES / "example.rules.yml"
_WITHIN_S = 120


def run_promtool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Its answer."""
    command = [str(promtool()), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=_WITHIN_S, check=False)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What was said instead of a file."""
    assert alerts.main([*map(str, arguments)], root=ROOT) == 1
    told = capsys.readouterr()
    assert told.out == ""
    return told.err


def baseline(
    folder: Path, *, environment: str = "example", taken_at: datetime | None = None, answers: int = 600
) -> Path:
    """A recorded baseline of answers of 200 ms."""
    origin = Origin(
        environment=environment, host="a", release="1.41.3", run="r", taken_at=taken_at or datetime.now(UTC)
    )
    samples = [Sample(due_s=i / 50, latency_ms=200.0, journey="front page", ok=True) for i in range(answers)]
    baseline_of(samples, origin).save(folder / "baseline.json")
    return folder / "baseline.json"


def test_the_committed_example_is_what_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads the example reads today's rules. Anew: `make alerts`, with the example as ENV and OUT."""
    assert alerts.main(["--env", str(EXAMPLE), "--out", str(tmp_path / "new.yml")], root=ROOT) == 0

    assert (tmp_path / "new.yml").read_text("utf-8") == RULES.read_text("utf-8")
    told = capsys.readouterr().out
    assert "13 alerts for example: 7 page somebody, 6 open a ticket" in told
    assert "CR-2: what a browser shows is in no series" in told


@pytest.mark.parametrize("file", ["example.test.yml", "baseline.test.yml"])
def test_each_alert_fires_in_time_and_not_before(file: str) -> None:
    """By Prometheus' own unit tests: at the limit, before the time, after it, and without data."""
    done = run_promtool("test", "rules", EXAMPLES / file)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_any_names_give_a_file_that_prometheus_takes(tmp_path: Path) -> None:
    """With and without matchers, quotes of both kinds, and a baseline."""
    environment = tmp_path / "odd.toml"
    head = EXAMPLE.read_text("utf-8").partition("[prometheus]")[0].replace('"example"', '"odd"')
    table = """[prometheus]
url = "https://prometheus.example.com"
step_s = 7.5
requests = '''{__name__="http_total", job='it"s'}'''
status_label = "code"
status_errors = '5\\d\\d'
status_fine = '[1-4]\\d\\d'
latency_buckets = 'http_seconds_bucket'
memory_bytes = 'memory{}'
"""
    environment.write_text(head + table, "utf-8")
    out = tmp_path / "odd.rules.yml"
    stored = baseline(tmp_path, environment="odd")

    assert alerts.main(["--env", str(environment), "--baseline", str(stored), "--out", str(out)], root=ROOT) == 0
    checked = run_promtool("check", "rules", out)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "vector(0.2" in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--env", "sandbox"], "sandbox names no series: expected a table [prometheus] in its file"),
        (["--env", "sandbx"], "did you mean 'sandbox'?"),
        (["--env", str(EXAMPLE), "--pace", "0.5"], "--pace 0.5: expected 1 or more"),
        (["--env", str(EXAMPLE), "--baseline", "nowhere.json"], "nowhere.json: there is no baseline"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was expected, what was found, what to do; and no file."""
    assert words in refusal(capsys, *arguments)


def test_another_environments_baseline_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And so are an old one and one of few answers: an alert would be held against nothing that is true here."""
    arguments = ("--env", EXAMPLE, "--baseline")
    old = datetime.now(UTC) - timedelta(days=31)

    other = refusal(capsys, *arguments, baseline(tmp_path, environment="production"))
    assert "expected a baseline of example" in other
    assert "31 days old" in refusal(capsys, *arguments, baseline(tmp_path, taken_at=old))
    assert "at least 600 are needed" in refusal(capsys, *arguments, baseline(tmp_path, answers=599))
