"""A load test for people: one page that needs no script and no network, its seconds as a table, and the pictures by themselves."""

import csv
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from pam_rollback.load.rules.record import LoadRecord
from pam_rollback.load.rules.seconds import PERCENTILES, seconds_of
from pam_rollback.load.service.plots import load_plots
from pam_rollback.plan.plan import LoadGate

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
    for one in seconds_of(record, slow_ms=limits["LG-1"].response_time_ms_max):
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
