"""A load test for people: how fast answers were in each second, as a picture for the first page of the report."""

import math
import shutil
from collections import defaultdict
from collections.abc import Sequence
from html import escape
from pathlib import Path

from pam_rollback.plan.plan import LoadGate
from pam_rollback.redeploy.load.record import STABLE, LoadRecord
from pam_rollback.redeploy.load.verdict import latency_limits
from pam_rollback.stats.percentiles import percentile

_PERCENTILES = (50.0, 95.0, 99.0)


def _latencies(record: LoadRecord, slow_ms: float) -> dict[str, list[tuple[int, list[float]]]]:
    """The percentiles of each second of each target, by the due time. A quick failure is not fast; a second without an answer has none."""
    times: dict[str, dict[int, list[float]]] = {one.target: defaultdict(list) for one in record.requests}
    for one in record.requests:
        second = math.floor(one.due_s - record.began_s)
        answered = one.left and math.isfinite(one.latency_ms) and (one.ok or one.latency_ms >= slow_ms)
        if answered and record.began_s + second < record.ended_s:
            times[one.target][second].append(one.latency_ms)
    return {
        target: [
            (second, [percentile(found, pct).value for pct in _PERCENTILES])
            for second, found in sorted(seconds.items())
        ]
        for target, seconds in times.items()
    }


_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 760, 320, 60, 40, 280
_FIRST_MS = 1.0
# Told apart by colour-blind readers too (Okabe and Ito), and by their lines.
_BLUE, _ORANGE, _GREEN, _RED, _GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#666666"
_COLOURS = {50.0: _GREEN, 95.0: _BLUE, 99.0: _ORANGE}


def latency_picture(record: LoadRecord, limits: LoadGate) -> str:
    """Give the percentiles of each second beside their limits, as an SVG text; empty without a request."""
    if not record.requests:
        return ""
    allowed = latency_limits(limits)
    by_target = _latencies(record, allowed[0].response_time_ms_max)
    measured = [ms for seconds in by_target.values() for _, found in seconds for ms in found]
    highest_ms = max([limit.response_time_ms_max for limit in allowed] + measured)
    decades = math.ceil(math.log10(max(highest_ms, 10.0)))
    length_s = max(math.ceil(record.ended_s - record.began_s), 1)

    def x(second: float) -> str:
        return f"{_LEFT + (_WIDTH - _LEFT) * second / length_s:.1f}"

    def y(ms: float) -> str:
        return f"{_BOTTOM - (_BOTTOM - _TOP) * math.log10(max(ms, _FIRST_MS)) / decades:.1f}"

    def line(points: str, colour: str, dash: str = "") -> str:
        return (
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5" stroke-dasharray="{dash}"/>'
        )

    drawn, names = [], []
    for ms in (10.0**decade for decade in range(decades + 1)):
        drawn.append(line(f"{_LEFT},{y(ms)} {_WIDTH},{y(ms)}", "#ddd"))
        drawn.append(f'<text x="{_LEFT - 6}" y="{y(ms)}" text-anchor="end">{ms:g} ms</text>')
    for target, seconds in by_target.items():
        for index, pct in enumerate(_PERCENTILES):
            if target == STABLE and pct != _PERCENTILES[1]:
                continue  # one line of it to compare with
            colour, dash = (_GREY, "6 3") if target == STABLE else (_COLOURS[pct], "")
            drawn.append(line(" ".join(f"{x(second)},{y(found[index])}" for second, found in seconds), colour, dash))
            names.append((f"p{pct:g} {target}".strip(), colour))
    for limit in allowed:
        most_ms = limit.response_time_ms_max
        drawn.append(line(f"{_LEFT},{y(most_ms)} {_WIDTH},{y(most_ms)}", _RED, "2 3"))
        names.append((f"limit of p{limit.pct:g}: {most_ms:g} ms", _RED))
    legend = "  ".join(f'<tspan fill="{colour}">{escape(name)}</tspan>' for name, colour in names)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="11">'
        f'<text x="{_LEFT}" y="12">Time from the due moment to the end of a good answer, or of a late failure, by second</text>'
        f'<text x="{_LEFT}" y="28" xml:space="preserve">{legend}</text>{"".join(drawn)}'
        f'<text x="{_WIDTH}" y="{_BOTTOM + 18}" text-anchor="end">{length_s} seconds since the start</text></svg>'
    )


def write_load_report(
    record: LoadRecord, limits: LoadGate, *, folder: Path, pictures: Path | None = None
) -> Sequence[Path]:
    """Write the picture, and give its file, if any; it is put among those of the report's first page, too."""
    picture = latency_picture(record, limits)
    if not picture:
        return ()
    folder.mkdir(exist_ok=True)
    file = folder / "latency-over-time.svg"
    file.write_text(picture, encoding="utf-8")
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, pictures / "Load, latency over time.svg")
    return (file,)
