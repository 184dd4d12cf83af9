"""The plot of an incident: bad answers and response times by the second, with what was done beside them."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pam_rollback.postmortem.rules.timeline import Event, SecondSeen

LEVELS = 3
"""So many labels fit below each other."""
_NEAR = 0.015
"""Of the whole width: a label of this size is as wide."""
_SHOWN_EVENTS = ("decided", "NOT DONE", "every step is done", "planting")


def plot(seconds: Sequence[SecondSeen], events: Sequence[Event], file: Path, *, title: str) -> None:
    """Write a PNG. At least one second has to be there."""
    # Loaded here: nothing else of a session needs it, and it takes its time.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415

    figure = Figure(figsize=(12, 6), layout="constrained")
    FigureCanvasAgg(figure)
    errors, speed = figure.subplots(2, 1, sharex=True)
    times = [second.at.timestamp() for second in seconds]
    errors.step(times, [100 * second.bad / second.n for second in seconds], where="post", color="#b3261e")
    errors.set_ylabel("bad answers, %")
    errors.set_ylim(0, 105)
    speed.plot(times, [math.nan if second.p95_ms is None else second.p95_ms for second in seconds], color="#1f4e79")
    speed.set_ylabel("p95 of a second, ms")
    speed.set_ylim(bottom=0)
    shown = [event for event in events if event.what.startswith(_SHOWN_EVENTS)]
    moments = [event.at.timestamp() for event in shown]
    for event, at, level in zip(shown, moments, levels(moments, times), strict=True):
        errors.axvline(at, color="#555555", linewidth=0.8)
        speed.axvline(at, color="#555555", linewidth=0.8)
        label = event.what.partition(":")[0][:20]
        top = 100 * (1 - level / LEVELS)
        errors.annotate(label, (at, top), rotation=90, fontsize=7, va="top", ha="right")
    speed.xaxis.set_major_formatter(FuncFormatter(_clock))
    speed.set_xlabel("UTC")
    errors.set_title(title)
    figure.savefig(file, dpi=110)


def levels(moments: Sequence[float], times: Sequence[float]) -> list[int]:
    """How far down the label of each moment (seconds, in order) stands, so that those of close ones are beside each other, not over."""
    shown = [*moments, *times]
    near_s = (max(shown) - min(shown)) * _NEAR if shown else 0.0
    found: list[int] = []
    for number, at in enumerate(moments):
        crowded = number > 0 and at - moments[number - 1] < near_s
        found.append((found[-1] + 1) % LEVELS if crowded else 0)
    return found


def _clock(moment: float, _: object) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}"
