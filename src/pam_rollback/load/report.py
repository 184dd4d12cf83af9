"""A load test for people: its seconds as a table, and as a picture for the first page of the report."""

import csv
import io
import math
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from pam_rollback.load.generator import steps_of
from pam_rollback.load.record import STABLE, LoadRecord, LoadRequest
from pam_rollback.load.verdict import latency_limits
from pam_rollback.plan.plan import LoadGate
from pam_rollback.stats.percentiles import percentile

PERCENTILES = (50.0, 95.0, 99.0)


@dataclass(frozen=True)
class LoadSecond:
    """One second of one target, by the due time."""

    second: int
    target: str
    asked_hz: float | None
    due: int
    sent: int
    fine: int
    failed: int
    latency_ms: tuple[float, ...]
    """The percentiles of what was answered well, or failed late, by ``PERCENTILES``; empty: nothing was. A quick failure is not fast."""


def seconds_of(record: LoadRecord, *, slow_ms: float) -> tuple[LoadSecond, ...]:
    """Give every second of every target, in order; one without a request has zeros, and no percentile."""
    return tuple(_seconds(record, slow_ms))


def targets_of(record: LoadRecord) -> tuple[str, ...]:
    """Who was asked, in the order of the first request."""
    return tuple(dict.fromkeys(one.target for one in record.requests))


def _seconds(record: LoadRecord, slow_ms: float) -> Iterator[LoadSecond]:
    steps, targets = steps_of(record), targets_of(record)
    found: dict[tuple[int, str], list[LoadRequest]] = defaultdict(list)
    for one in record.requests:
        found[math.floor(one.due_s - record.began_s), one.target].append(one)
    for second in range(math.ceil(record.ended_s - record.began_s)):
        middle_s = record.began_s + second + 0.5
        rate_hz = next((step.rate_hz for step in steps if step.from_s <= middle_s < step.until_s), None)
        for target in targets:
            asked_hz = None if rate_hz is None else rate_hz / len(targets)
            yield _second(second, target, asked_hz, found.get((second, target), []), slow_ms)


def _second(second: int, target: str, asked_hz: float | None, due: Sequence[LoadRequest], slow_ms: float) -> LoadSecond:
    sent = [one for one in due if one.left]
    times = [one.latency_ms for one in sent if math.isfinite(one.done_s) and (one.ok or one.latency_ms >= slow_ms)]
    fine = sum(one.ok for one in sent)
    latency_ms = tuple(percentile(times, pct).value for pct in PERCENTILES) if times else ()
    return LoadSecond(second, target, asked_hz, len(due), len(sent), fine, len(sent) - fine, latency_ms)


_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 760, 320, 60, 40, 280
_FIRST_MS = 1.0
# Told apart by colour-blind readers too (Okabe and Ito), and by their lines.
_BLUE, _ORANGE, _GREEN, _RED, _GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#666666"
_COLOURS = {50.0: _GREEN, 95.0: _BLUE, 99.0: _ORANGE}


def latency_picture(record: LoadRecord, limits: LoadGate) -> str:
    """Give the percentiles of each second beside their limits, as an SVG text; empty without a request."""
    if not record.requests:
        return ""
    seconds = seconds_of(record, slow_ms=latency_limits(limits)[0].response_time_ms_max)
    allowed = latency_limits(limits)
    highest_ms = max(
        [limit.response_time_ms_max for limit in allowed] + [max(one.latency_ms, default=0.0) for one in seconds]
    )
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
    for target in targets_of(record):
        own = [one for one in seconds if one.target == target and one.latency_ms]
        for index, pct in enumerate(PERCENTILES):
            if target == STABLE and pct != PERCENTILES[1]:
                continue  # one line of it to compare with
            colour, dash = (_GREY, "6 3") if target == STABLE else (_COLOURS[pct], "")
            drawn.append(line(" ".join(f"{x(one.second)},{y(one.latency_ms[index])}" for one in own), colour, dash))
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
    """Write the table and the picture, and give the files; the picture is put among those of the report's first page, too."""
    folder.mkdir(exist_ok=True)
    files = [folder / "load-seconds.csv"]
    files[0].write_text(seconds_csv(record, limits), encoding="utf-8")
    if picture := latency_picture(record, limits):
        files.append(folder / "latency-over-time.svg")
        files[-1].write_text(picture, encoding="utf-8")
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            shutil.copy(files[-1], pictures / "Load, latency over time.svg")
    return files


def seconds_csv(record: LoadRecord, limits: LoadGate) -> str:
    """One line for each second and target. What is not known is empty."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    percentiles = [f"p{pct:g}_ms" for pct in PERCENTILES]
    table.writerow(["second", "target", "asked_hz", "due", "sent", "answered_well", "failed", *percentiles])
    for one in seconds_of(record, slow_ms=latency_limits(limits)[0].response_time_ms_max):
        times = [f"{value:.1f}" for value in one.latency_ms] or [""] * len(PERCENTILES)
        asked_hz = "" if one.asked_hz is None else f"{one.asked_hz:g}"
        table.writerow([one.second, one.target, asked_hz, one.due, one.sent, one.fine, one.failed, *times])
    return file.getvalue()
