"""How one rollback went, for the first page of a run's report: the picture, its moments, what was put back, and who was told."""

from datetime import tzinfo
from typing import Any, Final

from pam_rollback.report import timeline_picture, wording
from pam_rollback.report.record_parts import Watched
from pam_rollback.report.run_record import ActionTaken, RunRecord
from pam_rollback.report.terms_table import is_recovery_time

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
            timeline_picture.svg(
                watched,
                _described(watched, name, decided_s),
                timeline_picture.Done(
                    decided_s,
                    [
                        step.started_s + step.duration_s
                        for step in record.steps
                        if step.action == name and step.outcome == "done"
                    ],
                    _objective(record, watched.situation, decided_s),
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
        else f"{_after(undone_s - decided_s)}: {_put_back(record, name)}; what users saw after that is the drill's doing",
        "notices": _told(watched, decided_s),
    }


def _put_back(record: RunRecord, name: str) -> str:
    """What the drill did in the end. Its fault does not come back with what it broke: it is taken away, too, and that is a step."""
    gone = any(step.action == name and step.step == _FAULT_TAKEN_AWAY for step in record.steps)
    return "the drill put everything back" + (" and took the fault away that it had planted" if gone else "")


def _objective(record: RunRecord, situation: str, decided_s: float) -> tuple[str, float] | None:
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
    """What the picture shows, in words, for whoever does not see it."""
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
    """Who was told, a line an occasion."""
    by_occasion: dict[str, list[str]] = {}
    for notice in watched.notices:
        by_hand = ", by hand" if notice.by_hand else ""
        by_occasion.setdefault(notice.occasion, []).append(f"{notice.means} {_after(notice.at_s - decided_s)}{by_hand}")
    return "; ".join(f"{occasion}: {', '.join(means)}" for occasion, means in by_occasion.items())
