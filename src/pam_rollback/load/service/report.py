"""A load test for people: one page that needs no script and no network, its seconds as a table, and the pictures by themselves."""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from pam_rollback.load.rules.record import STABLE, LoadRecord
from pam_rollback.load.rules.seconds import PERCENTILES, LoadSecond, seconds_of, targets_of
from pam_rollback.load.rules.verdict import latency_limits
from pam_rollback.plan.plan import LoadGate

_SIZE_INCHES = (9.0, 4.2)
_BINS_PER_DECADE = 12
_FIRST_MS = 1.0
# Told apart by colour-blind readers too (Okabe and Ito), and by their lines.
_BLUE, _ORANGE, _GREEN, _RED, _GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#666666"
_STYLES = {50.0: (_GREEN, "-"), 95.0: (_BLUE, "-"), 99.0: (_ORANGE, "-")}


def load_plots(record: LoadRecord, limits: LoadGate) -> Mapping[str, str]:
    """Give each picture, by its title, as an SVG text. A record without requests has none: there is nothing to draw."""
    if not record.requests:
        return {}
    import matplotlib as mpl  # noqa: PLC0415 - costs a second to load, and most sessions draw nothing

    # Text stays text, so that it can be searched and read aloud; the same record gives the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "load", "font.size": 10}):
        return dict(_plots(record, limits))


def _plots(record: LoadRecord, limits: LoadGate) -> Iterator[tuple[str, str]]:
    seconds = seconds_of(record, slow_ms=latency_limits(limits)[0].response_time_ms_max)
    yield "latency over time", _latency(record, seconds, limits)
    yield "requests a second", _rates(record, seconds)
    yield "latency distribution", _distribution(record, limits)


def _latency(record: LoadRecord, seconds: Sequence[LoadSecond], limits: LoadGate) -> str:
    figure, axes = _axes(
        "Time from the due moment to the end of a good answer, or of a late failure, by second", "ms (logarithmic)"
    )
    for target in targets_of(record):
        own = [one for one in seconds if one.target == target]
        for index, pct in enumerate(PERCENTILES):
            if target == STABLE and pct != PERCENTILES[1]:
                continue  # one line of it to compare with
            colour, line = (_GREY, "--") if target == STABLE else _STYLES[pct]
            # A second in which nothing was answered is a gap in the line.
            values = [max(one.latency_ms[index], _FIRST_MS) if one.latency_ms else math.nan for one in own]
            name = f"p{pct:g} {target}".strip()
            axes.plot([one.second for one in own], values, color=colour, linestyle=line, label=name, linewidth=1.4)
    for limit in latency_limits(limits):
        name = f"limit of p{limit.pct:g}: {limit.response_time_ms_max:g} ms"
        axes.axhline(
            limit.response_time_ms_max, color=_RED, linestyle=":" if limit.pct > PERCENTILES[1] else "-.", label=name
        )
    axes.set_yscale("log")
    axes.set_xlim(0, math.ceil(record.ended_s - record.began_s))
    return _drawn(figure, axes)


def _rates(record: LoadRecord, seconds: Sequence[LoadSecond]) -> str:
    figure, axes = _axes("Asked for, sent, answered well and failed, each second", "requests a second")
    moments = sorted({one.second for one in seconds})
    together = {moment: [one for one in seconds if one.second == moment] for moment in moments}

    def total(name: str) -> list[float]:
        return [sum(getattr(one, name) or 0 for one in together[moment]) for moment in moments]

    for name, label, colour, line in (
        ("asked_hz", "asked for", _GREY, "--"),
        ("sent", "sent", _BLUE, "-"),
        ("fine", "answered well", _GREEN, "-"),
    ):
        axes.step(moments, total(name), where="post", label=label, color=colour, linestyle=line, linewidth=1.4)
    axes.bar(moments, total("failed"), width=1.0, align="edge", color=_RED, linewidth=0, label="failed")
    axes.set_xlim(0, math.ceil(record.ended_s - record.began_s))
    axes.set_ylim(bottom=0)
    return _drawn(figure, axes)


def _distribution(record: LoadRecord, limits: LoadGate) -> str:
    limit_ms = latency_limits(limits)[0].response_time_ms_max
    figure, axes = _axes(
        "How many good answers, and late failures, took how long", "share of the answers in %", along="ms (logarithmic)"
    )
    for target in targets_of(record):
        times = [
            max(one.latency_ms, _FIRST_MS)
            for one in record.requests
            if one.target == target
            and one.left
            and math.isfinite(one.done_s)
            and (one.ok or one.latency_ms >= limit_ms)
        ]
        if not times:
            continue
        last = math.ceil(_BINS_PER_DECADE * math.log10(max(times) / _FIRST_MS)) + 1
        edges = [_FIRST_MS * 10 ** (number / _BINS_PER_DECADE) for number in range(last + 1)]
        weights = [100 / len(times)] * len(times)
        colour, line = (_GREY, "--") if target == STABLE else (_BLUE, "-")
        name = f"{target or 'all answers'} (n={len(times)})"
        axes.hist(
            times, edges, weights=weights, histtype="step", color=colour, linestyle=line, label=name, linewidth=1.6
        )
    axes.axvline(limit_ms, color=_RED, linestyle="-.", label=f"limit of p95: {limit_ms:g} ms")
    axes.set_xscale("log")
    return _drawn(figure, axes)


def _axes(title: str, up: str, *, along: str = "seconds since the start") -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above; a figure of its own needs no display

    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(along)
    axes.set_ylabel(up)
    axes.grid(visible=True, alpha=0.3)
    return figure, axes


def _drawn(figure: Any, axes: Any) -> str:
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_formatter("{x:g}")
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Load test of {host}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }}
svg {{ max-width: 100%; height: auto }} li {{ margin: .4rem 0 }}
</style></head>
<body><h1>Load test of {host}</h1>
<p>{run}</p>
<h2>What it shows</h2><ul>
{facts}
</ul>
{pictures}
</body></html>
"""


def write_load_report(
    record: LoadRecord, limits: LoadGate, facts: Sequence[tuple[str, str]], *, host: str, folder: Path
) -> Sequence[Path]:
    """Write page, table and pictures, and give the files. ``facts`` are what was judged: the item and its sentence."""
    pictures = load_plots(record, limits)
    files = []
    for title, picture in pictures.items():
        files.append(folder / f"{title.replace(' ', '-')}.svg")
        files[-1].write_text(picture, encoding="utf-8")
    files.append(folder / "load-seconds.csv")
    files[-1].write_text(seconds_csv(record, limits), encoding="utf-8")
    files.append(folder / "load.html")
    files[-1].write_text(_page(record, facts, pictures, host), encoding="utf-8")
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


def _page(record: LoadRecord, facts: Sequence[tuple[str, str]], pictures: Mapping[str, str], host: str) -> str:
    model = "open model, times from the due moment" if record.open_model else "closed model"
    run = (
        f"Shape {record.shape}, {record.ended_s - record.began_s:.0f} s, {len(record.requests)} requests ({model}), "
        f"{len(record.workers)} of {record.workers_expected} generators."
    )
    cut = f" Cut short: {record.cut_short}." if record.cut_short else ""
    return _PAGE.format(
        host=escape(host),
        run=escape(run + cut),
        facts="\n".join(f"<li><strong>{escape(item)}</strong> {escape(sentence)}</li>" for item, sentence in facts),
        pictures="\n".join(
            f"<h2>{escape(title[:1].upper() + title[1:])}</h2>\n{picture[picture.index('<svg') :]}"
            for title, picture in pictures.items()
        ),
    )
