"""What the record keeps of how users fared around a rollback: from the files of the run, and nothing that they do not say."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pam_rollback.core.run_files import RECOVERY_FILE, TIMELINE_FILE
from pam_rollback.plan.plan import load_plan
from pam_rollback.plugin.watched import watched
from pam_rollback.report.record_parts import ActionMoment, FeatureShare, NoticeSent

PLAN = load_plan(Path(__file__).resolve().parents[2] / "plan.toml")
BEGAN_S = 1000.0
HERE = "after-feature-flag"
ACTION = {"event": "action", "at_s": 1012.0, "strategy": "feature-flag", "situation": HERE}


def probed(path: Path, until_s: float) -> None:
    """A prober's record: one bad answer at 1005 s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    anchor = {"monotonic_s": BEGAN_S, "wall_s": 1.8e9}
    head = {"anchor": anchor, "rate_hz": 50.0, "first_due_s": BEGAN_S, "timeout_s": 5.0, "journeys": {"history": 1}}
    lines: list[Mapping[str, Any]] = [head]
    for tick in range(int((until_s - BEGAN_S) * 50)):
        due_s = BEGAN_S + tick / 50
        ok = tick != 250
        lines.append(
            {
                "tick": tick,
                "due_s": due_s,
                "sent_s": due_s,
                "end_s": due_s + 0.05,
                "journey": "history",
                "status": 200 if ok else 500,
                "ok": ok,
                "why": "" if ok else "HTTP 500",
                "latency_ms": 50.0,
                "release": None,
            }
        )
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def test_it_is_all_there(tmp_path: Path) -> None:
    """Bins from the prober, moments of the incident, users per feature before and after, who was told; another situation's is not."""
    probed(tmp_path / HERE / TIMELINE_FILE, 1010)
    moments = [
        {"name": "onset", "at_s": 1005.0, "uncertain_s": 0.2, "definition": "the first bad answer"},
        {"name": "detection", "at_s": None, "uncertain_s": 0.1, "definition": "nobody saw it"},
    ]
    (tmp_path / HERE / RECOVERY_FILE).write_text(json.dumps({"said": "", "moments": moments}), encoding="utf-8")
    entries = [
        ACTION,
        {
            "event": "undo-owed",
            "situation": HERE,
            "at_s": 1012.1,
            "facts": {"flags": {"X": {"enabled": True, "rollout_pct": 25}}},
        },
        {
            "event": "flags-set",
            "situation": HERE,
            "at_s": 1012.5,
            "flags": {"X": {"enabled": False, "rollout_pct": 25}},
        },
        {"event": "notice", "situation": HERE, "at_s": 1013.0, "occasion": "EM-1", "means": "slack", "by_hand": False},
        {"event": "notice", "situation": "after-other", "at_s": 1014.0, "occasion": "EM-2", "means": "slack"},
    ]

    (found,) = watched(tmp_path, entries, began_s=BEGAN_S, plan=PLAN)

    assert found.situation == HERE
    assert [(one.at_s, one.n, one.bad) for one in found.bins] == [(at, 50, int(at == 5)) for at in range(10)]
    assert found.bins[0].p95_ms == 50
    assert found.moments == (ActionMoment("onset", 5.0, 0.2, "the first bad answer"),)
    assert found.shares == (FeatureShare(0.0, "X", 25.0), FeatureShare(12.5, "X", 0.0))
    assert found.notices == (NoticeSent(13.0, "EM-1", "slack"),)
    assert (found.error_rate_pct_max, found.p95_ms_max) == (2, 500)


def test_what_nobody_recorded_is_not_there(tmp_path: Path) -> None:
    """No prober, and a file of moments that is damaged: the rollback is there all the same."""
    (tmp_path / HERE).mkdir()
    (tmp_path / HERE / RECOVERY_FILE).write_text("{", encoding="utf-8")

    (found,) = watched(tmp_path, [ACTION], began_s=BEGAN_S, plan=PLAN)

    assert (found.bins, found.moments, found.shares, found.notices) == ((), (), (), ())
