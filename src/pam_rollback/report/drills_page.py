"""The page of all drills: strategies by criteria, each with a link to its own page, and how recovery went over past drills."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pam_rollback.report import wording
from pam_rollback.report.pages_html import template
from pam_rollback.report.past_drills import PastRecovery, told
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.scorecard_page import OUTCOME_WORDS, VERDICT_TONES, tone
from pam_rollback.report.shown_record import shown
from pam_rollback.report.terms_table import drill_of
from pam_rollback.report.verdict import Outcome

NAME: Final = "drills.html"
_WIDTH: Final = 240
_HEIGHT: Final = 48
_EDGE: Final = 6
_ROOM: Final = 1.2
_REASONS_MAX: Final = 6
_DASH: Final = "-"


@dataclass(frozen=True)
class DrillDone:
    """One drill of today."""

    name: str
    word: str
    """Its verdict."""
    took_s: float
    record: RunRecord | None
    """None: it wrote none."""
    page: str = ""
    """Its own page, as an address beside this one."""
    reasons: Sequence[str] = ()
    """Why it is not GO."""


@dataclass(frozen=True)
class StrategyPast:
    """What drills of a strategy measured so far, the oldest first."""

    name: str
    recoveries: Sequence[PastRecovery]
    objective_s: float | None
    """None: the plan has no objective of its own for it."""


def write(
    folder: Path, drills: Sequence[DrillDone], past: Sequence[StrategyPast], *, verdict: str, summary: str, day: str
) -> Path:
    """Writes the page into a folder. Raises OSError."""
    path = folder / NAME
    page = render(drills, past, verdict=verdict, summary=summary, day=day)
    path.write_text(page, encoding="utf-8", errors="replace")
    return path


def render(drills: Sequence[DrillDone], past: Sequence[StrategyPast], *, verdict: str, summary: str, day: str) -> str:
    """The page."""
    from markupsafe import Markup  # noqa: PLC0415 - with the template

    judged = {
        drill.name: drill_of(drill.name, shown(drill.record).results) for drill in drills if drill.record is not None
    }
    columns = sorted(
        dict.fromkeys(column for found in judged.values() for column in found.marks),
        key=lambda column: (not column.startswith("SC-"), column == column.lower(), column),
    )
    return template("drills.html").render(
        verdict=verdict,
        summary=summary,
        day=day,
        tone=VERDICT_TONES.get(verdict.rpartition(" ")[2], "no"),
        columns=columns,
        drills=[
            {
                "name": drill.name,
                "page": drill.page,
                "word": drill.word,
                "tone": VERDICT_TONES.get(drill.word, "no"),
                "marks": _marks(judged[drill.name].marks if drill.name in judged else {}, columns),
                "recovery": judged[drill.name].found if drill.name in judged else _DASH,
                "asked": (wording.together(judged[drill.name].asked) if drill.name in judged else "") or _DASH,
                "took": wording.duration(drill.took_s),
                "reasons": list(drill.reasons)[:_REASONS_MAX],
            }
            for drill in drills
        ],
        strategies=[
            {
                "name": strategy.name,
                "objective": "none of its own" if strategy.objective_s is None else f"{strategy.objective_s:g} s",
                "picture": Markup(_course(strategy)),  # noqa: S704 - figures only
                "words": told(strategy.recoveries),
            }
            for strategy in past
        ],
    )


def _marks(marks: Mapping[str, Outcome], columns: Iterable[str]) -> list[dict[str, str]]:
    return [
        {"word": OUTCOME_WORDS[marks[column]], "tone": tone(marks[column])}
        if column in marks
        else {"word": _DASH, "tone": ""}
        for column in columns
    ]


def _course(strategy: StrategyPast) -> str:
    """A dot for each drill, and the objective as a line where it is not far above them."""
    times = [recovery.recovery_s for recovery in strategy.recoveries]
    if not times:
        return ""
    limit_s = strategy.objective_s
    highest_s = max(*times, limit_s or 0.0, 0.01) * _ROOM
    step = (_WIDTH - 2 * _EDGE) / max(1, len(times) - 1)

    def y(seconds: float) -> float:
        return round(_HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * max(0.0, seconds) / highest_s, 1)

    points = [(round(_EDGE + place * step, 1), y(seconds)) for place, seconds in enumerate(times)]
    line = f'<path class="limit" d="M0,{y(limit_s)}H{_WIDTH}"/>' if limit_s is not None else ""
    course = " ".join(f"{x},{at}" for x, at in points)
    dots = "".join(f'<circle class="dot" cx="{x}" cy="{at}" r="3"/>' for x, at in points)
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-hidden="true">{line}<polyline class="line" points="{course}"/>{dots}</svg>'
