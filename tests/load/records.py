"""Load records written out: evenly spaced requests, and what became of them by second."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from pam_rollback.plan.plan import load_plan
from pam_rollback.redeploy.load.facts import LoadFinding
from pam_rollback.redeploy.load.record import LoadRecord, LoadRequest, LoadStep, LoadWorker

LIMITS = load_plan(Path(__file__).parents[2] / "plan.toml").load_gate
BEGAN_S = 1_800_000_000.0
Answer = Callable[[float], Mapping[str, object]]
"""What becomes of the request that is due so many seconds after the start: fields that differ from a good answer in 50 ms."""


def as_usual(at_s: float) -> Mapping[str, object]:
    """A good answer."""
    return {}


def failed(why: str = "HTTP 503", ms: float = 5.0) -> Mapping[str, object]:
    """A quick error."""
    return {"ok": False, "status": 503, "why": why, "ms": ms}


def never_sent() -> Mapping[str, object]:
    """Due, and not sent."""
    return {"never": True, "ok": False, "status": None, "why": "never sent"}


def request(at_s: float, target: str = "", journey: str = "chat", **differs: object) -> LoadRequest:
    """One request; ``ms`` is what the service takes, ``lag_ms`` how late it leaves."""
    ms, lag_ms = float(str(differs.pop("ms", 50.0))), float(str(differs.pop("lag_ms", 0.0)))
    never = differs.pop("never", False)
    one = LoadRequest(
        BEGAN_S + at_s, lag_ms + ms, journey, ok=True, status=200, lag_ms=lag_ms, target=target, worker="w1"
    )
    if never:
        one = replace(one, latency_ms=float("nan"), lag_ms=None)
    return replace(one, **differs)  # type: ignore[arg-type]


def steady(answer: Answer = as_usual, *, rate_hz: float = 20, duration_s: float = 60, **differs: object) -> LoadRecord:
    """One rate, one release, evenly."""
    count = round(rate_hz * duration_s)
    requests = tuple(request(i / rate_hz, **answer(i / rate_hz)) for i in range(count))  # type: ignore[arg-type]
    return _record((LoadStep(BEGAN_S, BEGAN_S + duration_s, rate_hz, 100),), requests, duration_s, differs)


def steps(
    answer: Answer = as_usual, *, rates_hz: tuple[float, ...] = (5, 10, 20, 40), step_s: float = 15
) -> LoadRecord:
    """A step after the other."""
    begins_s = [BEGAN_S + step_s * index for index in range(len(rates_hz))]
    asked = tuple(
        LoadStep(at_s, at_s + step_s, rate, 100 * rate / max(rates_hz))
        for at_s, rate in zip(begins_s, rates_hz, strict=True)
    )
    moments = [step_s * index + i / rate for index, rate in enumerate(rates_hz) for i in range(round(rate * step_s))]
    requests = tuple(request(at_s, **answer(at_s)) for at_s in moments)  # type: ignore[arg-type]
    return _record(asked, requests, step_s * len(rates_hz), {})


def both(
    stable: Answer = as_usual, candidate: Answer = as_usual, *, rate_hz: float = 40, duration_s: float = 60
) -> LoadRecord:
    """Two releases in turns."""
    count = round(rate_hz * duration_s)
    requests = tuple(
        request(i / rate_hz, "candidate" if i % 2 else "stable", **(candidate if i % 2 else stable)(i / rate_hz))  # type: ignore[arg-type]
        for i in range(count)
    )
    return _record((LoadStep(BEGAN_S, BEGAN_S + duration_s, rate_hz, 100),), requests, duration_s, {})


def _record(
    asked: tuple[LoadStep, ...],
    requests: tuple[LoadRequest, ...],
    duration_s: float,
    differs: Mapping[str, object],
) -> LoadRecord:
    workers = (LoadWorker("w1", len(requests)),)
    whole = LoadRecord(BEGAN_S, BEGAN_S + duration_s, asked, requests, 1, workers)
    return replace(whole, **differs)  # type: ignore[arg-type]


def is_kept(found: LoadFinding) -> bool:
    """Whether the limit is kept, as the tests of load/ say it. Raises MeasurementFailed where that is not known."""
    if found.what == "steps of the load that were borne":
        return found.number == found.limit
    if found.what == "load that was reached":
        return found.number >= found.limit
    return (
        found.number <= found.limit if "<=" in found.asked or "at most" in found.asked else found.number < found.limit
    )
