"""How one rollback went, for the first page of a run's report: its picture as SVG, its moments, what was put back, and who was told.

The picture has no script and no font of its own. What it shows stands in a table beside it, too: nobody needs to see it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from html import escape
from itertools import groupby, pairwise
from typing import Any, Final

from pam_rollback.report import wording
from pam_rollback.report.record_parts import FeatureShare, TimelineBin, Watched
from pam_rollback.report.run_record import ActionTaken, RunRecord
from pam_rollback.report.terms_table import is_recovery_time

_WIDTH: Final = 960
_LEFT: Final = 64
_RIGHT: Final = 12
_TOP: Final = 34
"""Room for the numbers of the moments."""
_PANEL: Final = 104
_GAP: Final = 30
_BOTTOM: Final = 24
_SIGN: Final = 9
"""Radius of the circle around a moment's number."""
_STROKE: Final = 9
"""Length of a step's stroke."""
_TICKS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_TICKS_MAX: Final = 10
_EDGE: Final = 60
"""A label nearer to the right edge than this ends there."""
_CHARACTER: Final = 7.5
"""About the width of a character of a label, with the room between two labels."""
_NEIGHBOURS: Final = 1.5
"""Bins whose beginnings are further apart than so many lengths have a hole between them."""
_ROOM: Final = 1.15
"""A curve stays a little below the upper edge of its panel."""
_ERRORS_SCALE_MIN_PCT: Final = 10.0


@dataclass(frozen=True)
class _Panel:
    title: str
    unit: str
    top: float
    highest: float
    start_s: float
    end_s: float

    def x(self, at_s: float) -> float:
        span_s = max(self.end_s - self.start_s, 1e-9)
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * (at_s - self.start_s) / span_s, 1)

    def y(self, value: float) -> float:
        return round(self.top + _PANEL * (1 - min(value, self.highest) / self.highest), 1)

    def frame(self, limit: float | None) -> Iterator[str]:
        right, bottom = _WIDTH - _RIGHT, self.top + _PANEL
        yield f'<text class="t" x="{_LEFT}" y="{self.top - 6}">{escape(self.title)}</text>'
        yield f'<path class="axis" d="M{_LEFT},{self.top}V{bottom}H{right}"/>'
        for value, y in ((self.highest, self.top + 10), (0.0, bottom)):
            label = f"{value:.0f} {self.unit}" if value else "0"
            yield f'<text class="n" x="{_LEFT - 6}" y="{y}" text-anchor="end">{label}</text>'
        if limit is not None and limit <= self.highest:
            yield f'<path class="limit" d="M{_LEFT},{self.y(limit)}H{right}"/>'

    def limit(self, limit: float | None) -> Iterator[str]:
        """Its name, above whatever was drawn there."""
        if limit is not None and limit <= self.highest:
            x, y = _WIDTH - _RIGHT, self.y(limit) - 4
            yield f'<text class="n" x="{x}" y="{y}" text-anchor="end">limit {limit:g} {self.unit}</text>'


@dataclass(frozen=True)
class Done:
    """What was done about the incident, and by when users had to be well. Seconds after the start of the session."""

    decided_s: float
    steps_s: Sequence[float] = ()
    """When each step of the rollback ended."""
    objective: tuple[str, float] | None = None
    """Name and time of the recovery that the plan asks for."""
    undone_s: float | None = None
    """When the drill began to put everything back. What users saw from then on is its own doing, and is drawn apart."""


def svg(watched: Watched, title: str, done: Done) -> str:
    """The picture; empty when nobody probed. Times are counted from the decision."""
    if len(watched.bins) <= 1:
        return ""
    start_s = min([watched.bins[0].at_s, *(moment.at_s for moment in watched.moments)])
    end_s = max([watched.bins[-1].at_s + watched.bin_s, *(moment.at_s for moment in watched.moments)])
    panels = _panels(watched, start_s, end_s)
    height = panels[-1].top + _PANEL + _BOTTOM
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="{watched.situation}-title">',
        f'<title id="{watched.situation}-title">{escape(title)}</title>',
        *_put_back(panels[0], height - _BOTTOM, done.undone_s),
        *_moments(watched, panels[0], height - _BOTTOM),
        *_errors(watched, panels[0]),
        *_times(watched, panels[1]),
        *(_features(watched.shares, panels[2]) if watched.shares else ()),
        *_steps(panels[-1], done.steps_s),
        *_objective(panels[0], height - _BOTTOM, done.objective),
        *_time_axis(panels[-1], done.decided_s),
        "</svg>",
    ]
    return "".join(parts)


def _panels(watched: Watched, start_s: float, end_s: float) -> list[_Panel]:
    worst_pct = max(_bad_pct(one) for one in watched.bins)
    slowest_ms = max((one.p95_ms for one in watched.bins if one.p95_ms is not None), default=0.0)
    wanted = [
        ("Error rate, as users see it", "%", min(100.0, max(_ERRORS_SCALE_MIN_PCT, worst_pct * _ROOM))),
        ("Response time, 95th percentile", "ms", max(slowest_ms, watched.p95_ms_max or 0.0, 1.0) * _ROOM),
        *([("Users who have the feature", "%", 100.0)] if watched.shares else []),
    ]
    return [
        _Panel(title, unit, _TOP + _GAP / 2 + place * (_PANEL + _GAP), highest, start_s, end_s)
        for place, (title, unit, highest) in enumerate(wanted)
    ]


def _bad_pct(one: TimelineBin) -> float:
    return 100 * one.bad / one.n if one.n else 0.0


def _errors(watched: Watched, panel: _Panel) -> Iterator[str]:
    yield from panel.frame(watched.error_rate_pct_max)
    bottom = panel.top + _PANEL
    for before, after in pairwise(watched.bins):
        if after.at_s - before.at_s > _NEIGHBOURS * watched.bin_s:
            x, width = panel.x(before.at_s + watched.bin_s), panel.x(after.at_s) - panel.x(before.at_s + watched.bin_s)
            yield f'<rect class="hole" x="{x}" y="{panel.top}" width="{round(width, 1)}" height="{_PANEL}"/>'
            yield f'<text class="n" x="{x + 4}" y="{bottom - 6}">not measured</text>'
    for one in watched.bins:
        if one.bad:
            x, y = panel.x(one.at_s), panel.y(_bad_pct(one))
            width = round(max(panel.x(one.at_s + watched.bin_s) - x, 1.5), 1)
            yield f'<rect class="bad" x="{x}" y="{y}" width="{width}" height="{round(bottom - y, 1)}"/>'
    yield from panel.limit(watched.error_rate_pct_max)


def _times(watched: Watched, panel: _Panel) -> Iterator[str]:
    yield from panel.frame(watched.p95_ms_max)
    for run in _unbroken(watched.bins, watched.bin_s):
        points = " ".join(f"{panel.x(at_s)},{panel.y(p95_ms)}" for at_s, p95_ms in run)
        if len(run) == 1:
            x, y = panel.x(run[0][0]), panel.y(run[0][1])
            yield f'<circle class="dot" cx="{x}" cy="{y}" r="2"/>'
        else:
            yield f'<polyline class="line" points="{points}"/>'
    yield from panel.limit(watched.p95_ms_max)


def _unbroken(bins: Iterable[TimelineBin], bin_s: float) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = []
    before_s: float | None = None
    for one in bins:
        if one.p95_ms is None:
            before_s = None
            continue
        if before_s is None or one.at_s - before_s > _NEIGHBOURS * bin_s:
            runs.append([])
        runs[-1].append((one.at_s + bin_s / 2, one.p95_ms))
        before_s = one.at_s
    return runs


def _features(shares: Sequence[FeatureShare], panel: _Panel) -> Iterator[str]:
    yield from panel.frame(None)
    steps: dict[tuple[tuple[float, float], ...], list[str]] = {}
    by_feature = sorted(shares, key=lambda share: share.feature)
    for feature, own in groupby(by_feature, key=lambda share: share.feature):
        course = tuple(sorted((share.at_s, share.share_pct) for share in own))
        steps.setdefault(course, []).append(feature)
    for place, (course, features) in enumerate(steps.items()):
        path, last = [], None
        for at_s, share_pct in course:
            x, y = panel.x(min(max(at_s, panel.start_s), panel.end_s)), panel.y(share_pct)
            path.append(f"M{x},{y}" if last is None else f"H{x}V{y}")
            last = y
        yield f'<path class="line" d="{"".join(path)}H{_WIDTH - _RIGHT}"/>'
        name = escape(features[0] if len(features) == 1 else f"{features[0]} and {len(features) - 1} more")
        yield f'<text class="n" x="{_LEFT + 6}" y="{panel.top + 14 + 14 * place}">{name}</text>'


def _put_back(panel: _Panel, bottom: float, undone_s: float | None) -> Iterator[str]:
    if undone_s is None or undone_s >= panel.end_s:
        return
    x = panel.x(undone_s)
    width = round(_WIDTH - _RIGHT - x, 1)
    yield f'<rect class="after" x="{x}" y="{_TOP}" width="{width}" height="{round(bottom - _TOP, 1)}"/>'
    yield f'<text class="n" x="{x - 6}" y="{_TOP + 4}" text-anchor="end">put back</text>'


def _moments(watched: Watched, panel: _Panel, bottom: float) -> Iterator[str]:
    """A line for each; the numbers stand beside each other where their lines are too near."""
    free_x = 0.0
    for number, moment in enumerate(watched.moments, start=1):
        x = panel.x(moment.at_s)
        sign_x = max(x, free_x)
        free_x = sign_x + 2 * _SIGN + 2
        yield f'<path class="moment" d="M{sign_x},{2 * _SIGN + 1}L{x},{_TOP - 6}V{bottom}"/>'
        yield f'<circle class="sign" cx="{sign_x}" cy="{_SIGN + 1}" r="{_SIGN}"/>'
        yield f'<text class="number" x="{sign_x}" y="{_SIGN + 5}" text-anchor="middle">{number}</text>'


def _steps(panel: _Panel, steps_s: Iterable[float]) -> Iterator[str]:
    bottom = panel.top + _PANEL
    for x in dict.fromkeys(panel.x(at_s) for at_s in steps_s if panel.start_s <= at_s <= panel.end_s):
        yield f'<path class="step" d="M{x},{bottom}v-{_STROKE}"/>'


def _objective(panel: _Panel, bottom: float, objective: tuple[str, float] | None) -> Iterator[str]:
    if objective is None or not panel.start_s <= objective[1] <= panel.end_s:
        return
    name, at_s = objective
    x = panel.x(at_s)
    left = x > _WIDTH / 2
    yield f'<path class="limit" d="M{x},{panel.top}V{bottom}"/>'
    yield (
        f'<text class="n" x="{x + (-4 if left else 4)}" y="{panel.top + 12}" text-anchor="{"end" if left else "start"}">'
        f"{escape(name)}</text>"
    )


def _time_axis(panel: _Panel, decided_s: float) -> Iterator[str]:
    span_s = panel.end_s - panel.start_s
    every_s = next((tick for tick in _TICKS if span_s / tick <= _TICKS_MAX), span_s)
    first = int((panel.start_s - decided_s) // every_s) + 1
    bottom = panel.top + _PANEL
    free_x = 0.0
    while decided_s + first * every_s <= panel.end_s:
        after_s = first * every_s
        x = panel.x(decided_s + after_s)
        words = f"{'+' if after_s > 0 else '-'}{wording.duration(abs(after_s))}" if first else "decision"
        words = words.removesuffix(" 0 s").removesuffix(" 0 min").replace(".0 s", " s")
        anchor = "end" if x > _WIDTH - _EDGE else "middle"
        width = _CHARACTER * len(words)
        left = x - (width if anchor == "end" else width / 2)
        yield f'<path class="axis" d="M{x},{bottom}v5"/>'
        if left > free_x:
            free_x = left + width
            yield f'<text class="n" x="{x}" y="{bottom + 18}" text-anchor="{anchor}">{words}</text>'
        first += 1


_FAULT_TAKEN_AWAY: Final = "undo clear-faults"
"""The step by which a drill's planted fault is gone."""
_MINUTE_S: Final = 60.0
_VISIBLE_S: Final = 0.005


def section(watched: Watched, record: RunRecord, zone: tzinfo | None, markup: Any) -> dict[str, Any]:
    """What the template shows of one rollback. ``markup``: what keeps the picture as it is, since it escapes what it shows by itself."""
    action = next((one for one in reversed(record.actions) if one.situation == watched.situation), None)
    decided_s = action.decided_s if action else 0.0
    name = _named(watched, action)
    undone_s = min(
        (step.started_s for step in record.steps if step.outcome == "undone" and step.action == name), default=None
    )
    return {
        "id": watched.situation,
        "title": f"How it went: {name}",
        "picture": markup(
            svg(
                watched,
                _described(watched, name, decided_s),
                Done(
                    decided_s,
                    [
                        step.started_s + step.duration_s
                        for step in record.steps
                        if step.action == name and step.outcome == "done"
                    ],
                    _objective_of(record, watched.situation, decided_s),
                    undone_s,
                ),
            )
        ),
        "moments": [
            {
                "name": moment.name,
                "after": _after(moment.at_s - decided_s),
                "time": wording.moment(record, moment.at_s, zone).partition(" ")[2],
                "what": f"{moment.definition}" + (f", ± {moment.uncertain_s:g} s" if moment.uncertain_s else ""),
            }
            for moment in watched.moments
        ],
        "put_back": ""
        if undone_s is None
        else f"{_after(undone_s - decided_s)}: {_undone(record, name)}; what users saw after that is the drill's doing",
        "notices": _told(watched, decided_s),
    }


def _undone(record: RunRecord, name: str) -> str:
    """What the drill did in the end. Its fault does not come back with what it broke: it is taken away, too, and that is a step."""
    gone = any(step.action == name and step.step == _FAULT_TAKEN_AWAY for step in record.steps)
    return "the drill put everything back" + (" and took the fault away that it had planted" if gone else "")


def _objective_of(record: RunRecord, situation: str, decided_s: float) -> tuple[str, float] | None:
    """The recovery that is asked for after the decision, as a point in time; None where the figure has no limit, or there is none."""
    for result in record.results:
        if result.situation == situation and wording.decides(result) and is_recovery_time(result):
            one = result.measured[0]
            # The first is how soon users were well; what comes after it has the observation in it.
            if not isinstance(one.measured, int | float) or one.margin is None:
                return None
            return f"{result.criteria[0]} {one.asked}", decided_s + one.measured + one.margin
    return None


def _named(watched: Watched, action: ActionTaken | None) -> str:
    return action.story if action else watched.situation.removeprefix("after-")


def _described(watched: Watched, name: str, decided_s: float) -> str:
    bad = [one for one in watched.bins if one.bad]
    worst = max((100 * one.bad / one.n for one in bad), default=0.0)
    when = (
        f", from {_after(bad[0].at_s - decided_s)} to {_after(bad[-1].at_s + watched.bin_s - decided_s)}" if bad else ""
    )
    return f"Error rate and response time around {name}, from the decision: at most {worst:.0f} % errors{when}"


def _after(seconds: float) -> str:
    shown_s = wording.duration(abs(seconds)) if abs(seconds) >= _MINUTE_S else f"{abs(seconds):.2f} s"
    return f"{'-' if seconds < -_VISIBLE_S else '+'}{shown_s}"


def _told(watched: Watched, decided_s: float) -> str:
    by_occasion: dict[str, list[str]] = {}
    for notice in watched.notices:
        by_hand = ", by hand" if notice.by_hand else ""
        by_occasion.setdefault(notice.occasion, []).append(f"{notice.means} {_after(notice.at_s - decided_s)}{by_hand}")
    return "; ".join(f"{occasion}: {', '.join(means)}" for occasion, means in by_occasion.items())
