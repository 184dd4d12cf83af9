"""Rollbacks whose host, channel or process does not do what it says, and undos after a kill."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from honesty_parts import peers
from honesty_parts.lane import ON, ROOT, Lane, clean_environment
from honesty_parts.sabotage import Experiment, Sabotage, Value

FLAG_NAMES = ("PAM_ENHANCED_UI", "PAM_VOICE_FEATURES", "PAM_PERFORMANCE_OPTIMIZATIONS")
_OFF = {name: {"enabled": False, "rolloutPercentage": 0} for name in FLAG_NAMES}
_ON = {name: {"enabled": True, "rolloutPercentage": 100} for name in FLAG_NAMES}
_GROUP = "actions"
_POLL_S = 0.05
_WITHIN_S = 180
_BLOCKED_S = "20"


def story(name: str) -> tuple[str, ...]:
    """A drill of this story without the checks that follow."""
    return (f"drills/test_{name}.py", "-m", "rollback")


def _flag_call(lane: Lane, flags: Mapping[str, Any]) -> dict[str, Any]:
    token = lane.state["sandbox"]["variables"]["PAM_ADMIN_TOKEN"]
    url = lane.state["urls"]["api"] + "/admin/feature-flags"
    return peers.call(url, flags, headers={"Authorization": f"Bearer {token}"})


def _front_page(lane: Lane) -> dict[str, Any]:
    return peers.get(lane.state["urls"]["frontend"] + "/", 200)


def _flags_off(lane: Lane) -> Experiment:
    return peers.experiment([_front_page(lane)], method=[_flag_call(lane, _OFF)], rollbacks=[_flag_call(lane, _ON)])


def _plan_flags(lane: Lane) -> Sequence[str]:
    variables = lane.state["sandbox"]["variables"]
    return peers.plan_script("flags", lane.state["urls"]["api"], variables["PAM_ADMIN_TOKEN"])


def _restore_url(lane: Lane) -> tuple[str, str]:
    """The address that publishes the stable deploy again, and the token for it."""
    host = lane.state["netlify"]
    token = lane.state["sandbox"]["variables"]["NETLIFY_AUTH_TOKEN"]
    deploys = _listed(lane, f"{host['api_url']}/sites/{host['site_id']}/deploys", token)
    stable = min(deploys, key=lambda deploy: str(deploy.get("published_at") or "9"))["id"] if deploys else "none"
    return f"{host['api_url']}/sites/{host['site_id']}/deploys/{stable}/restore", token


def _rollback_url(lane: Lane) -> tuple[str, str, dict[str, str]]:
    host = lane.state["render"]
    token = lane.state["sandbox"]["variables"]["RENDER_API_KEY"]
    listed = _listed(lane, f"{host['api_url']}/services/{host['service_id']}/deploys", token)
    earlier = [entry["deploy"]["id"] for entry in listed if entry["deploy"]["status"] != "live"]
    return f"{host['api_url']}/services/{host['service_id']}/rollback", token, {"deployId": (earlier or ["none"])[0]}


def _listed(lane: Lane, url: str, token: str) -> list[Any]:
    """What the host lists; nothing where it fails, as for a script that does not look."""
    lane.call(("curl", "-s", "-m", "5", "-H", f"Authorization: Bearer {token}", url))
    try:
        found = json.loads(lane.said)
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _site_back(lane: Lane) -> Experiment:
    url, token = _restore_url(lane)
    method = [peers.call(url, {}, headers={"Authorization": f"Bearer {token}"})]
    return peers.experiment([_front_page(lane)], method=method)


def _service_back(lane: Lane) -> Experiment:
    url, token, body = _rollback_url(lane)
    method = [peers.call(url, body, headers={"Authorization": f"Bearer {token}"})]
    return peers.experiment([_front_page(lane)], method=method)


def _plan_site(lane: Lane) -> Sequence[str]:
    return peers.plan_script("host", *_restore_url(lane))


def _plan_service(lane: Lane) -> Sequence[str]:
    url, token, body = _rollback_url(lane)
    return peers.plan_script("host", url, token, json.dumps(body))


_WAYS: Mapping[str, tuple[Callable[[Lane], Experiment], Callable[[Lane], Sequence[str]]]] = {
    "feature_flag": (_flags_off, _plan_flags),
    "frontend_restore": (_site_back, _plan_site),
    "backend_provider": (_service_back, _plan_service),
}


def _row(name: str, way: str, truth: str, fault: str, **parameters: Value) -> Sabotage:
    chaos, plan = _WAYS[way]
    return Sabotage(f"{way}: {name}", _GROUP, truth, story(way), fault, parameters, chaos=chaos, plan=plan)


def _run_until(lane: Lane, ask: Sequence[str], at: str) -> tuple["subprocess.Popen[bytes]", Path]:
    """A session that has just written this to its journal."""
    command, run = lane.pytest_command(ask)
    log = (lane.folder / f"{run.name}.txt").open("wb")
    with log:
        session = subprocess.Popen(
            command, cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    journal, end_s = run / "journal.jsonl", time.monotonic() + _WITHIN_S
    while not (journal.exists() and at in journal.read_text(encoding="utf-8", errors="replace")):
        if session.poll() is not None or time.monotonic() > end_s:
            break
        time.sleep(_POLL_S)
    return session, run


def _killed_then_undone(sabotage: Sabotage, lane: Lane) -> int:
    """0 only when the undo says so and every feature is as it was."""
    session, run = _run_until(lane, sabotage.ask, '"event": "step-done", "step": "switch the features off"')
    session.kill()
    session.wait()
    code = lane.call(lane.pytest_command(("--undo", str(run)))[0])
    return code or int(not _features_on(lane))


def _features_on(lane: Lane) -> bool:
    return {*lane.flags.read_flags().values()} == {ON}


def _told_to_end(sabotage: Sabotage, lane: Lane) -> int:
    """The exit code, if the features are as they were; else what nobody accepts."""
    session, _ = _run_until(lane, sabotage.ask, '"event": "step-done", "step": "switch the features off"')
    os.kill(session.pid, signal.SIGTERM)
    code = session.wait(_WITHIN_S)
    return code if _features_on(lane) else 1


def _undo_refused(sabotage: Sabotage, lane: Lane) -> int:
    """The host refuses from the moment when the rollback is done."""
    session, _ = _run_until(lane, sabotage.ask, '"event": "step-done", "step": "see which release answers"')
    lane.remote.plant("render-deploys", what="error-403", operation="rollback")
    return session.wait(_WITHIN_S)


def _blocked(lane: Lane) -> Experiment:
    method = [_flag_call(lane, _OFF), peers.process("sleep", _BLOCKED_S, name="something that takes long")]
    return peers.experiment([_front_page(lane)], method=method, rollbacks=[_flag_call(lane, _ON)])


def _undo_raises(lane: Lane) -> Experiment:
    lane.hostile.close("control")
    return peers.experiment([_front_page(lane)], rollbacks=[peers.call(lane.hostile.control, {})])


def _ill_before(lane: Lane) -> Experiment:
    return peers.experiment([peers.get(lane.state["urls"]["api"] + "/health", 200)], method=[_flag_call(lane, _OFF)])


def rows() -> Iterator[Sabotage]:
    """Strategies, each with a healthy row."""
    for way in _WAYS:
        yield _row("nothing is wrong", way, "well", "")
    # It refuses before the drill, too, which cannot see then that the place is as it was.
    yield _row("the admin API refuses", "feature_flag", "unknown", "admin-refuses")
    yield _row("accepted and not done", "feature_flag", "not done", "flags-ignored")
    yield _row("some users keep it", "feature_flag", "broken", "flags-partial", percent=10)
    yield _row("nobody is told", "feature_flag", "broken", "notifications-down")
    yield _row("older settings are lost", "feature_flag", "broken", "configuration-lost")
    for what, truth in (
        ("error-403", "not done"),
        ("error-500", "not done"),
        ("garbage", "well"),
        ("answer-lost", "well"),
    ):
        yield _row(f"restore: {what}", "frontend_restore", truth, "netlify-answers", what=what, operation="restore")
    for what, truth in (
        ("restore-never-published", "not done"),
        ("restore-superseded", "well"),
        # No deploy is left to go back to: it is said before anything is begun.
        ("deploy-expired", "refused"),
    ):
        yield _row(what, "frontend_restore", truth, "netlify-behaviour", what=what)
    yield _row("the target has no page", "frontend_restore", "not done", "site-missing", release="stable")
    for what, operation, truth in (
        ("error-403", "rollback", "not done"),
        ("answer-lost", "rollback", "well"),
        ("never-live", "all", "not done"),
        ("error-403", "patch", "not done"),
    ):
        yield _row(f"{operation}: {what}", "backend_provider", truth, "render-deploys", what=what, operation=operation)
    yield _row("writes are forgotten", "backend_provider", "broken", "writes-forgotten", release="stable")
    ask = story("feature_flag")
    yield Sabotage(
        "killed, then undone", _GROUP, "well", ask, drive=_killed_then_undone, chaos=_blocked, chaos_signal="SIGKILL"
    )
    yield Sabotage("told to end", _GROUP, "stopped", ask, drive=_told_to_end, chaos=_blocked, chaos_signal="SIGTERM")
    yield Sabotage(
        "the undo is refused",
        _GROUP,
        "not put back",
        story("backend_provider"),
        drive=_undo_refused,
        chaos=_undo_raises,
    )
    yield Sabotage(
        "ill before anything was planted",
        _GROUP,
        "not green",
        ask,
        "release-down",
        {"how": "killed"},
        chaos=_ill_before,
    )
