"""How one rollback went, for the first page of a run's report: its picture as SVG, its moments, what was put back, and who was told.

The picture has no script and no font of its own. What it shows stands in a table beside it, too: nobody needs to see it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from html import escape
from itertools import count, pairwise
from typing import Any, Final

from pam_rollback.core.figures import duration
from pam_rollback.report import wording
from pam_rollback.report.record_parts import FeatureShare, TimelineBin, Watched
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.terms_table import is_recovery_time

_WIDTH: Final = 960
_LEFT: Final = 64
_END: Final = _WIDTH - 12
_TOP: Final = 34
"""Room for the numbers of the moments."""
_PANEL: Final = 104
_GAP: Final = 30
_BOTTOM: Final = 24
_SIGN: Final = 9
"""Radius of the circle around a moment's number."""
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


def _text(x: float, y: float, words: str, anchor: str = "", css: str = "n") -> str:
    anchored = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{css}" x="{x}" y="{y}"{anchored}>{escape(words)}</text>'


def _path(css: str, drawn: str) -> str:
    return f'<path class="{css}" d="{drawn}"/>'


def _box(css: str, left: float, top: float, right: float, bottom: float) -> str:
    return (
        f'<rect class="{css}" x="{left}" y="{top}" width="{round(right - left, 1)}" height="{round(bottom - top, 1)}"/>'
    )


@dataclass(frozen=True)
class _Panel:
    title: str
    unit: str
    top: float
    highest: float
    start_s: float
    end_s: float

    @property
    def bottom(self) -> float:
        return self.top + _PANEL

    def x(self, at_s: float) -> float:
        span_s = max(self.end_s - self.start_s, 1e-9)
        return round(_LEFT + (_END - _LEFT) * (at_s - self.start_s) / span_s, 1)

    def y(self, value: float) -> float:
        return round(self.top + _PANEL * (1 - min(value, self.highest) / self.highest), 1)

    def drawn(self, content: Iterable[str], limit: float | None = None) -> Iterator[str]:
        """The frame, what is in it, and the limit with its name above that."""
        yield _text(_LEFT, self.top - 6, self.title, css="t")
        yield _path("axis", f"M{_LEFT},{self.top}V{self.bottom}H{_END}")
        yield _text(_LEFT - 6, self.top + 10, f"{self.highest:.0f} {self.unit}", "end")
        yield _text(_LEFT - 6, self.bottom, "0", "end")
        yield from content
        if limit is not None and limit <= self.highest:
            yield _path("limit", f"M{_LEFT},{self.y(limit)}H{_END}")
            yield _text(_END, self.y(limit) - 4, f"limit {limit:g} {self.unit}", "end")


def svg(
    watched: Watched,
    title: str,
    decided_s: float,
    *,
    steps_s: Iterable[float] = (),
    objective: tuple[str, float] | None = None,
    undone_s: float | None = None,
) -> str:
    """The picture, with times counted from the decision; empty when nobody probed. All are seconds after the start of the session.

    ``steps_s``: when each step of the rollback ended. ``objective``: name and time of the recovery that the plan asks for.
    ``undone_s``: when the drill began to put everything back; what users saw from then on is its own doing, and is drawn apart.
    """
    if len(watched.bins) <= 1:
        return ""
    panels = _panels(watched)
    first, last = panels[0], panels[-1]
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {last.bottom + _BOTTOM}" role="img" aria-labelledby="{watched.situation}-title">',
        f'<title id="{watched.situation}-title">{escape(title)}</title>',
    ]
    if undone_s is not None and undone_s < first.end_s:
        parts.append(_box("after", first.x(undone_s), _TOP, _END, last.bottom))
        parts.append(_text(first.x(undone_s) - 6, _TOP + 4, "put back", "end"))
    parts += _moments(watched, first, last.bottom)
    parts += first.drawn(_errors(watched, first), watched.error_rate_pct_max)
    parts += panels[1].drawn(_times(watched, panels[1]), watched.p95_ms_max)
    if watched.shares:
        parts += last.drawn(_features(watched.shares, last))
    within = [last.x(at_s) for at_s in steps_s if last.start_s <= at_s <= last.end_s]
    parts += [_path("step", f"M{x},{last.bottom}v-9") for x in dict.fromkeys(within)]
    if objective is not None and first.start_s <= objective[1] <= first.end_s:
        x = first.x(objective[1])
        left = x > _WIDTH / 2
        parts.append(_path("limit", f"M{x},{first.top}V{last.bottom}"))
        parts.append(_text(x + (-4 if left else 4), first.top + 12, objective[0], "end" if left else "start"))
    return "".join([*parts, *_time_axis(last, decided_s), "</svg>"])


def _panels(watched: Watched) -> list[_Panel]:
    start_s = min([watched.bins[0].at_s, *(moment.at_s for moment in watched.moments)])
    end_s = max([watched.bins[-1].at_s + watched.bin_s, *(moment.at_s for moment in watched.moments)])
    worst_pct = max(map(_bad_pct, watched.bins))
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
    for before, after in pairwise(watched.bins):
        if after.at_s - before.at_s > _NEIGHBOURS * watched.bin_s:
            left = panel.x(before.at_s + watched.bin_s)
            yield _box("hole", left, panel.top, panel.x(after.at_s), panel.bottom)
            yield _text(left + 4, panel.bottom - 6, "not measured")
    for one in watched.bins:
        if one.bad:
            left = panel.x(one.at_s)
            right = max(panel.x(one.at_s + watched.bin_s), left + 1.5)
            yield _box("bad", left, panel.y(_bad_pct(one)), right, panel.bottom)


def _times(watched: Watched, panel: _Panel) -> Iterator[str]:
    """A line wherever neighbours were measured; what stands alone is a dot."""
    runs: list[list[str]] = []
    before_s = -math.inf
    for one in watched.bins:
        if one.p95_ms is None:
            before_s = -math.inf
            continue
        if one.at_s - before_s > _NEIGHBOURS * watched.bin_s:
            runs.append([])
        runs[-1].append(f"{panel.x(one.at_s + watched.bin_s / 2)},{panel.y(one.p95_ms)}")
        before_s = one.at_s
    for run in runs:
        x, y = run[0].split(",")
        dot = f'<circle class="dot" cx="{x}" cy="{y}" r="2"/>'
        yield f'<polyline class="line" points="{" ".join(run)}"/>' if len(run) > 1 else dot


def _features(shares: Sequence[FeatureShare], panel: _Panel) -> Iterator[str]:
    """Features with the same course are one line."""
    courses: dict[tuple[tuple[float, float], ...], list[str]] = {}
    for feature in sorted({share.feature for share in shares}):
        own = sorted((share.at_s, share.share_pct) for share in shares if share.feature == feature)
        courses.setdefault(tuple(own), []).append(feature)
    for place, (course, features) in enumerate(courses.items()):
        points = [(panel.x(min(max(at_s, panel.start_s), panel.end_s)), panel.y(pct)) for at_s, pct in course]
        (x, y), *later = points
        yield _path("line", "".join([f"M{x},{y}", *(f"H{x}V{y}" for x, y in later), f"H{_END}"]))
        more = f" and {len(features) - 1} more" if len(features) > 1 else ""
        yield _text(_LEFT + 6, panel.top + 14 + 14 * place, f"{features[0]}{more}")


def _moments(watched: Watched, panel: _Panel, bottom: float) -> Iterator[str]:
    """A line for each; the numbers stand beside each other where their lines are too near."""
    free_x = 0.0
    for number, moment in enumerate(watched.moments, start=1):
        x = panel.x(moment.at_s)
        sign_x = max(x, free_x)
        free_x = sign_x + 2 * _SIGN + 2
        yield _path("moment", f"M{sign_x},{2 * _SIGN + 1}L{x},{_TOP - 6}V{bottom}")
        yield f'<circle class="sign" cx="{sign_x}" cy="{_SIGN + 1}" r="{_SIGN}"/>'
        yield _text(sign_x, _SIGN + 5, f"{number}", "middle", "number")


def _time_axis(panel: _Panel, decided_s: float) -> Iterator[str]:
    span_s = panel.end_s - panel.start_s
    every_s = next((tick for tick in _TICKS if span_s / tick <= _TICKS_MAX), span_s)
    free_x = 0.0
    for place in count(int((panel.start_s - decided_s) // every_s) + 1):
        after_s = place * every_s
        if decided_s + after_s > panel.end_s:
            return
        x = panel.x(decided_s + after_s)
        words = f"{'+' if after_s > 0 else '-'}{duration(abs(after_s))}" if place else "decision"
        words = words.removesuffix(" 0 s").removesuffix(" 0 min").replace(".0 s", " s")
        anchor = "end" if x > _WIDTH - _EDGE else "middle"
        width = _CHARACTER * len(words)
        left = x - (width if anchor == "end" else width / 2)
        yield _path("axis", f"M{x},{panel.bottom}v5")
        if left > free_x:
            free_x = left + width
            yield _text(x, panel.bottom + 18, words, anchor)


_FAULT_TAKEN_AWAY: Final = "undo clear-faults"
"""The step by which a drill's planted fault is gone."""
_MINUTE_S: Final = 60.0
_VISIBLE_S: Final = 0.005


def section(watched: Watched, record: RunRecord, zone: tzinfo | None, markup: Any) -> dict[str, Any]:
    """What the template shows of one rollback. ``markup``: what keeps the picture as it is, since it escapes what it shows by itself."""
    action = next((one for one in reversed(record.actions) if one.situation == watched.situation), None)
    decided_s = action.decided_s if action else 0.0
    name = action.story if action else watched.situation.removeprefix("after-")
    own = [step for step in record.steps if step.action == name]
    undone_s = min((step.started_s for step in own if step.outcome == "undone"), default=None)
    put_back = ""
    if undone_s is not None:
        # Its fault does not come back with what it broke: it is taken away, too, and that is a step.
        gone = any(step.step == _FAULT_TAKEN_AWAY for step in own)
        too = " and took the fault away that it had planted" if gone else ""
        after = _after(undone_s - decided_s)
        put_back = f"{after}: the drill put everything back{too}; what users saw after that is the drill's doing"
    picture = svg(
        watched,
        _described(watched, name, decided_s),
        decided_s,
        steps_s=[step.started_s + step.duration_s for step in own if step.outcome == "done"],
        objective=_objective_of(record, watched.situation, decided_s),
        undone_s=undone_s,
    )
    moments = [
        {
            "name": moment.name,
            "after": _after(moment.at_s - decided_s),
            "time": wording.moment(record, moment.at_s, zone).partition(" ")[2],
            "what": moment.definition + (f", ± {moment.uncertain_s:g} s" if moment.uncertain_s else ""),
        }
        for moment in watched.moments
    ]
    return {
        "id": watched.situation,
        "title": f"How it went: {name}",
        "picture": markup(picture),
        "moments": moments,
        "put_back": put_back,
        "notices": _told(watched, decided_s),
    }


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


def _described(watched: Watched, name: str, decided_s: float) -> str:
    bad = [one for one in watched.bins if one.bad]
    worst = max(map(_bad_pct, bad), default=0.0)
    when = (
        f", from {_after(bad[0].at_s - decided_s)} to {_after(bad[-1].at_s + watched.bin_s - decided_s)}" if bad else ""
    )
    return f"Error rate and response time around {name}, from the decision: at most {worst:.0f} % errors{when}"


def _after(seconds: float) -> str:
    shown_s = duration(abs(seconds)) if abs(seconds) >= _MINUTE_S else f"{abs(seconds):.2f} s"
    return f"{'-' if seconds < -_VISIBLE_S else '+'}{shown_s}"


def _told(watched: Watched, decided_s: float) -> str:
    by_occasion: dict[str, list[str]] = {}
    for notice in watched.notices:
        by_hand = ", by hand" if notice.by_hand else ""
        by_occasion.setdefault(notice.occasion, []).append(f"{notice.means} {_after(notice.at_s - decided_s)}{by_hand}")
    return "; ".join(f"{occasion}: {', '.join(means)}" for occasion, means in by_occasion.items())
