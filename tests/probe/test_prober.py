"""The prober's process against a real server: what it measures, what it survives, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pam_rollback.core.clock import SystemClock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.plugin.topics.probe import _await_answers
from pam_rollback.probe.journeys import Journey, ProbeConfig, SignIn
from pam_rollback.probe.observation import Observation
from pam_rollback.probe.observer import Prober
from pam_rollback.probe.parts import Series
from pam_rollback.probe.recovery import OutageRule, find_outages
from pam_rollback.probe.timeline import Timeline
from pam_rollback.target.expectation import Expect

if TYPE_CHECKING:
    from tests.probe.conftest import Reply, Request, Server

ROOT = Path(__file__).parents[2]
HEALTHY = Expect(content_type="application/json", json_values={"status": "healthy"})


def config(url: str, *journeys: Journey, **changes: object) -> ProbeConfig:
    """Fifty probes a second of /health, unless a test wants something else."""
    return ProbeConfig.model_validate(
        {
            "journeys": journeys or (Journey(name="health", url=url + "/health", expect=HEALTHY),),
            "rate_hz": 50,
            "timeout_s": 1,
            **changes,
        }
    )


def eventually(condition: Callable[[], object], what: str, within_s: float = 10) -> None:
    """Wait for a condition, with a limit."""
    Waiter().until(condition, holds=bool, within_s=within_s, what=what, every_s=0.02)


def test_outages_are_measured_within_one_period(server: Server, tmp_path: Path) -> None:
    """Errors, a hang and slowness at known moments of the server's clock: right to a period, and to how late a busy machine was."""
    healthy = server.healthy()
    with Prober(config(server.url), tmp_path / "timeline.jsonl") as prober:
        prober.wait_for_first(10, within_s=10)
        begin_s = time.monotonic() + 0.7
        truth = [(begin_s, begin_s + 1.2), (begin_s + 2.2, begin_s + 4.0), (begin_s + 5.0, begin_s + 6.0)]
        server.script(
            (*truth[0], lambda _: replace(healthy, status=503)),
            (*truth[1], lambda end_s: replace(healthy, after_s=end_s - time.monotonic())),
            (*truth[2], lambda _: replace(healthy, after_s=0.7)),
        )
        eventually(lambda: prober.timeline.settled_s > begin_s + 7, "the end of the script", within_s=15)
        samples = prober.timeline.samples()
    outages, _ = find_outages(samples, OutageRule(limit_pct=10, merge_s=0.5))

    undisturbed = [one for one in samples if one.due_s < begin_s or one.due_s > begin_s + 6.2]
    # The prober may have been late at any moment; how long an answer takes tells of this machine where nothing was planted.
    late_s = (max(one.lag_ms or 0.0 for one in samples) + max(one.latency_ms for one in undisturbed)) / 1000
    period_s = 1 / 50
    assert len(outages) == len(truth), outages
    for outage, (started_s, ended_s) in zip(outages, truth, strict=True):
        allowed_s = period_s + outage.resolution_s + late_s
        assert outage.started_s == pytest.approx(started_s, abs=allowed_s)
        assert outage.ended_s == pytest.approx(ended_s, abs=allowed_s)
        slack_s = period_s + late_s
        assert ended_s - started_s <= outage.at_most_s + slack_s
    assert [outage.why for outage in outages] == ["HTTP 503 instead of 200", "no answer within 1 s", "slow"]


def test_a_rollback_that_is_done_before_it_has_begun_waits_for_it(server: Server, tmp_path: Path) -> None:
    """On a busy machine it begins seconds later; that is no reason to know nothing of users."""
    decided_s = time.monotonic()
    with Prober(config(server.url), tmp_path / "timeline.jsonl") as prober:
        os.kill(prober.pid, signal.SIGSTOP)
        begun = threading.Timer(0.5, os.kill, (prober.pid, signal.SIGCONT))
        begun.start()
        observation = Observation(prober, (Series("health", ("health",), prober.config.rate_hz),), SystemClock())
        _await_answers(observation, Waiter(), since_s=decided_s, within_s=10)
        begun.join()

        assert [sample for sample in observation.samples() if sample.due_s > decided_s]


def test_survives_a_target_that_is_gone(server: Server, tmp_path: Path) -> None:
    """A closed port is a series of bad samples; when it opens again the samples are good again."""
    with Prober(config(server.url), tmp_path / "timeline.jsonl") as prober:
        prober.wait_for_first(5, within_s=10)
        server.refuse()
        eventually(lambda: not prober.timeline.samples()[-1].ok, "a bad sample")
        assert prober.timeline.samples()[-1].why == "refused the connection"
        server.listen()
        eventually(lambda: prober.timeline.samples()[-1].ok, "a good sample")
        prober.check()


def test_every_nonsense_is_a_sample(server: Server, tmp_path: Path) -> None:
    """Whatever a target answers is recorded in words; the prober goes on, and the good journey stays good."""
    good = server.healthy()
    nonsense = {
        "html": (
            replace(good, content_type="text/html", body=b"<!doctype html>"),
            "not a JSON object: '<!doctype html>'",
        ),
        "unhealthy": (replace(good, body=b'{"status":"unhealthy"}'), "status is 'unhealthy' instead of 'healthy'"),
        "healthy503": (replace(good, status=503), "HTTP 503 instead of 200"),
        "garbage": (replace(good, body=b"\x00\xff{]"), "not a JSON object"),
        "list": (replace(good, body=b"[1]"), "not a JSON object"),
        "redirect": (replace(good, status=302), "HTTP 302 instead of 200"),
        "half": (replace(good, promised_bytes=5000), "closed the connection within the body"),
        "drip": (replace(good, drip=True), "the body did not end within 0.5 s"),
        "silence": (replace(good, after_s=60), "no answer within 0.5 s"),
        "closed": (replace(good, raw=b""), "closed the connection without an answer"),
        "not-http": (replace(good, raw=b"220 smtp ready\r\n\r\n"), "not HTTP"),
        "bad-header": (replace(good, raw=b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\nX\x00: y\r\n\r\n"), "not HTTP"),
        "huge": (replace(good, body=b"x" * 300_000), "the body is larger than 100000 bytes"),
    }
    server.respond = lambda request: nonsense.get(request.path[1:], (good, ""))[0]
    journeys = [Journey(name=name, url=f"{server.url}/{name}", expect=HEALTHY) for name in ("good", *nonsense)]
    order = config(server.url, *journeys, timeout_s=0.5, body_bytes_max=100_000)
    with Prober(order, tmp_path / "timeline.jsonl") as prober:
        prober.wait_for_first(len(journeys) * 3, within_s=10)
    why = {sample.journey: sample.why for sample in prober.timeline.samples()}

    assert why["good"] == ""
    for name, (_, expected) in nonsense.items():
        assert expected in why[name], name
    assert prober.timeline.end == "stdin closed"


def test_no_probe_is_dropped_silently(server: Server, tmp_path: Path) -> None:
    """With three in flight the fourth is recorded as not sent: no verdict about the target, but no hole either."""
    silence = replace(server.healthy(), after_s=60)
    server.respond = lambda _: silence
    order = config(server.url, outstanding_max=3, timeout_s=0.5)
    with Prober(order, tmp_path / "timeline.jsonl") as prober:
        prober.wait_for_first(60, within_s=10)
    samples = prober.timeline.samples()
    not_sent = [sample for sample in samples if sample.lag_ms is None]

    assert not_sent
    assert {sample.why for sample in not_sent} == {"overrun: 3 probes are still out"}
    assert not any(sample.measured() for sample in not_sent)
    gaps = [round((b.due_s - a.due_s) * 50) for a, b in pairwise(samples)]
    assert set(gaps) == {1}, "one record for every tick"


def test_a_stopped_prober_makes_no_burst(server: Server, tmp_path: Path) -> None:
    """Ticks missed while the process could not run are recorded as missed; the target is not flooded to catch up."""
    with Prober(config(server.url), tmp_path / "timeline.jsonl") as prober:
        prober.wait_for_first(5, within_s=10)
        os.kill(prober.pid, signal.SIGSTOP)
        stopped_s = time.monotonic()
        eventually(lambda: time.monotonic() > stopped_s + 2, "two seconds")
        before = len(server.requests)
        os.kill(prober.pid, signal.SIGCONT)
        eventually(lambda: prober.timeline.settled_s > stopped_s + 2.2, "the prober to catch up")
        missed = [sample for sample in prober.timeline.samples() if sample.lag_ms is None]

    assert len(missed) >= 40
    assert "the prober was" in missed[0].why
    assert len(server.requests) - before < 80, "at most the last second is made up for"


def test_prober_lag_is_small_and_recorded(server: Server, tmp_path: Path) -> None:
    """Every sample says how late its probe left, and on an idle machine that is milliseconds."""
    with Prober(config(server.url), tmp_path / "timeline.jsonl") as prober:
        samples = prober.wait_for_first(50, within_s=10)
    lags = sorted(sample.lag_ms for sample in samples if sample.lag_ms is not None)

    assert len(lags) == len(samples)
    assert 0 <= lags[len(lags) // 2] < 50


def test_requests_can_be_told_apart_and_are_not_cached(server: Server, tmp_path: Path) -> None:
    """A named agent, an id and an address of its own for each request, except where caches are probed on purpose."""
    fresh = Journey(name="fresh", url=server.url + "/fresh?a=b", weight=2)
    cached = Journey(name="cached", url=server.url + "/cached", cached=True)
    with Prober(config(server.url, fresh, cached, run="r-17"), tmp_path / "timeline.jsonl") as prober:
        prober.wait_for_first(9, within_s=10)
    by_path = {path: [r for r in server.requests if r.path == path] for path in ("/fresh", "/cached")}

    assert {r.headers["user-agent"] for r in server.requests} == {
        "pam-rollback-prober/1 (rollback verification; run r-17)"
    }
    ids = [r.headers["x-probe-id"] for r in server.requests]
    assert len(set(ids)) == len(ids)
    assert [r.query["probe"] for r in by_path["/fresh"]] == [[r.headers["x-probe-id"]] for r in by_path["/fresh"]]
    assert {r.query["a"][0] for r in by_path["/fresh"]} == {"b"}
    assert all(r.query == {} for r in by_path["/cached"])
    assert len(by_path["/fresh"]) in range(2 * len(by_path["/cached"]) - 2, 2 * len(by_path["/cached"]) + 3)


def test_signs_in_again_when_its_session_was_lost(server: Server, tmp_path: Path) -> None:
    """Sessions may be lost by a rollback: the lost one is seen as bad samples, and re-login makes them good again."""
    good = server.healthy()
    tokens = ["first-token", "second-token"]
    valid = [tokens[0]]

    def respond(request: Request) -> Reply:
        if request.path == "/login":
            assert json.loads(request.body) == {"email": "t@example.org", "password": "pass-word-1"}
            return server.json({"access_token": valid[0]})
        return good if request.headers.get("authorization") == f"Bearer {valid[0]}" else server.json({}, 401)

    server.respond = respond
    order = config(
        server.url,
        Journey(name="chat", url=server.url + "/chat", signed_in=True, expect=HEALTHY),
        sign_in=SignIn(url=server.url + "/login", email="t@example.org", password="pass-word-1"),
    )
    with Prober(order, tmp_path / "timeline.jsonl") as prober:
        assert prober.wait_for_first(5, within_s=10)[-1].ok
        lost_s = time.monotonic()
        valid[0] = tokens[1]
        eventually(lambda: not prober.timeline.samples()[-1].ok, "a bad sample")
        eventually(
            lambda: prober.timeline.samples(lost_s + 0.5)[-1:] and prober.timeline.samples()[-1].ok, "good again"
        )


def test_secrets_are_written_nowhere(server: Server, tmp_path: Path) -> None:
    """A token travels over stdin only: not in the arguments or any file, even if the target says it back."""
    echo = replace(server.healthy(), body=b'{"status":"s3cr3t-token"}')
    server.respond = lambda _: echo
    journey = Journey(
        name="health", url=server.url + "/health", expect=HEALTHY, headers={"Authorization": "Bearer s3cr3t-token"}
    )
    assert "s3cr3t" not in repr(config(server.url, journey))
    with Prober(config(server.url, journey), tmp_path / "timeline.jsonl") as prober:
        prober.wait_for_first(3, within_s=10)
        listed = subprocess.run(
            ["ps", "-wwwp", str(prober.pid), "-o", "command"], capture_output=True, text=True, check=True
        )
    assert server.requests[0].headers["authorization"] == "Bearer s3cr3t-token"
    assert "s3cr3t" not in listed.stdout
    for file in tmp_path.iterdir():
        assert "s3cr3t" not in file.read_text(), file
        assert file.stat().st_mode & 0o077 == 0, file
    assert prober.timeline.samples()[0].why == "status is '[redacted]' instead of 'healthy'"


def test_no_variable_of_the_session_reaches_the_prober(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy set for this session, or a Python switch, must not change what is measured."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("PYTHONSTARTUP", "/nonexistent")
    with Prober(config(server.url), tmp_path / "timeline.jsonl") as prober:
        assert prober.wait_for_first(3, within_s=10)[0].ok


def test_ends_with_its_parent(server: Server, tmp_path: Path) -> None:
    """After ``kill -9`` of the process that started it the prober ends by itself, in order."""
    path = tmp_path / "timeline.jsonl"
    program = (
        "import sys, time; from pathlib import Path\n"
        "from pam_rollback.probe.journeys import ProbeConfig\n"
        "from pam_rollback.probe.observer import Prober\n"
        "Prober(ProbeConfig.model_validate_json(sys.argv[1]), Path(sys.argv[2])).wait_for_first(3, within_s=10)\n"
        "print('probing', flush=True); time.sleep(60)\n"
    )
    arguments = [sys.executable, "-c", program, config(server.url).model_dump_json(), str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": source()}) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"probing\n"
        parent.kill()
    timeline = Timeline(path)
    eventually(lambda: timeline.end, "the end of the prober")

    assert timeline.end == "stdin closed"


def source() -> str:
    """Where the package under test lies."""
    import pam_rollback  # noqa: PLC0415 - only for its place

    return str(Path(pam_rollback.__file__).parents[1])


def test_ctrl_c_is_not_its_business(server: Server, tmp_path: Path) -> None:
    """A terminal sends Ctrl-C to every process; the prober goes on until its parent ends it. SIGTERM does end it."""
    with Prober(config(server.url), tmp_path / "timeline.jsonl") as prober:
        seen = len(prober.wait_for_first(3, within_s=10))
        os.kill(prober.pid, signal.SIGINT)
        os.kill(prober.pid, signal.SIGHUP)
        prober.wait_for_first(seen + 20, within_s=10)
        os.kill(prober.pid, signal.SIGTERM)
        eventually(lambda: not prober._child.alive, "its end")
    assert prober.timeline.end == "SIGTERM"


def test_ends_by_itself_after_its_longest_run(server: Server, tmp_path: Path) -> None:
    """Even a parent that forgets it cannot make it probe for ever."""
    with Prober(config(server.url, max_run_s=0.5), tmp_path / "timeline.jsonl") as prober:
        eventually(lambda: not prober._child.alive, "its end")
    assert prober.timeline.end == "longest run of 0.5 s reached"


SLEEPS = """
import itertools, runpy, sys
from pam_rollback.probe import child as lifeline
asked, slept_s = itertools.count(), float(sys.argv.pop())
lifeline.asleep_s = lambda: slept_s if next(asked) > 9 else 0.0
runpy.run_module("pam_rollback.probe.observing", run_name="__main__")
"""


@pytest.mark.parametrize(("slept_s", "reason"), [(2, "longest run of 3 s reached"), (3601, "slept for 3601 s")])
def test_a_machine_that_slept_ends_it(server: Server, tmp_path: Path, slept_s: int, reason: str) -> None:
    """Its clock stood still: a window of what was seen before and after would be whole, and nobody watched in between."""
    timeline = tmp_path / "timeline.jsonl"
    command = [sys.executable, "-P", "-c", SLEEPS, "probes", str(timeline), str(slept_s)]
    line = config(server.url, max_run_s=3).model_dump_json() + "\n"
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT / "src")}
    ) as probes:
        assert probes.stdin is not None
        probes.stdin.write(line)
        probes.stdin.flush()
        assert probes.wait(20) == 0
        assert probes.stderr is not None
        said = probes.stderr.read()

    assert reason in Timeline(timeline).end
    assert ("this machine slept for" in said) is (slept_s > 5)


def test_probes_in_flight_are_recorded_at_the_end(server: Server, tmp_path: Path) -> None:
    """Stopping waits for the answers that are out, so that the last second of the record is whole."""
    slow = replace(server.healthy(), after_s=0.4)
    server.respond = lambda _: slow
    with Prober(config(server.url), tmp_path / "timeline.jsonl") as prober:
        prober.wait_for_first(5, within_s=10)
    last = json.loads((tmp_path / "timeline.jsonl").read_text().splitlines()[-1])

    assert last["end"]["ticks"] == len(prober.timeline.samples())


def test_a_dead_prober_is_noticed(server: Server, tmp_path: Path) -> None:
    """Without the prober we are blind, which is never the same as good."""
    prober: Prober
    with Prober(config(server.url), tmp_path / "timeline.jsonl") as prober:
        prober.wait_for_first(3, within_s=10)
        os.kill(prober.pid, signal.SIGKILL)
        with pytest.raises(MeasurementFailed, match="the prober ended with -9"):
            eventually(prober.check, "its death")
        with pytest.raises(MeasurementFailed, match="the prober ended with -9"):
            prober.wait_for_first(10_000, within_s=5)


def test_a_prober_that_cannot_begin_says_why(server: Server, tmp_path: Path) -> None:
    """Its last words are part of the error."""
    tmp_path.chmod(0o700)
    path = tmp_path / "timeline.jsonl"
    with Prober(config(server.url), path) as prober:
        path.touch()
        with pytest.raises(MeasurementFailed, match="FileExistsError"):
            prober.wait_for_first(1, within_s=10)


def test_a_timeline_belongs_to_one_prober(server: Server, tmp_path: Path) -> None:
    """Two probers in one file would spoil both."""
    (tmp_path / "timeline.jsonl").touch()

    with pytest.raises(MeasurementFailed, match="exists already"):
        Prober(config(server.url), tmp_path / "timeline.jsonl")


def test_too_few_samples_in_time_are_an_error(server: Server, tmp_path: Path) -> None:
    """Waiting has a limit, and the error says how far it came."""
    with (
        Prober(config(server.url, rate_hz=1), tmp_path / "timeline.jsonl") as prober,
        pytest.raises(MeasurementFailed, match=r"of 100 samples after 0\.5 s"),
    ):
        prober.wait_for_first(100, within_s=0.5)
