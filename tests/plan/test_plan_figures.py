"""Every figure of ``plan.toml``, held against a table that was written out by hand from the plan document."""

from pathlib import Path

import pytest

from pam_rollback.plan.plan import Plan, load_plan

MINUTE_S = 60
HOUR_S = 60 * MINUTE_S

FIGURES: list[tuple[str, str, object]] = [
    # Rollback decision criteria, immediate
    ("IR-2", "duration_s", 5 * MINUTE_S),
    ("IR-3", "affected_records_max", 0),
    ("IR-4", "response_time_increase_pct_max", 50),
    ("IR-4", "duration_s", 10 * MINUTE_S),
    ("IR-5", "error_rate_pct_max", 20),
    ("IR-5", "duration_s", 5 * MINUTE_S),
    ("IR-6", "memory_mb_max", 200),
    # Rollback decision criteria, to be considered
    ("CR-1", "affected_users_pct_max", 25),
    ("CR-5", "response_time_increase_pct_min", 20),
    # Gradual rollback: week 4 (100) to week 3, 2, 1 and off
    ("ST-2", "rollout_steps_pct", (50, 25, 10, 0)),
    # Ours: three times 40 s are the two minutes that the plan expects at least
    ("ST-2", "rollout_hold_s", 40),
    # Health script: codes of the first two, words of the others
    # Performance verification
    ("MT-1", "response_time_ms_max", 500),
    ("MT-2", "error_rate_pct_max", 2),
    ("MT-3", "memory_mb_max", 100),
    # Not the plan's: what "user experience at baseline" is taken for
    ("SC-5", "response_time_increase_pct_max", 20),
    ("SC-5", "response_time_unnoticed_ms", 100),
    ("SC-5", "error_rate_increase_pp_max", 1),
    # Headings: immediate checks, performance, integrity, and the three checklists
    ("TF-1", "from_s", 0),
    ("TF-1", "until_s", 2 * MINUTE_S),
    ("TF-2", "from_s", 2 * MINUTE_S),
    ("TF-2", "until_s", 10 * MINUTE_S),
    ("TF-3", "from_s", 5 * MINUTE_S),
    ("TF-3", "until_s", 15 * MINUTE_S),
    ("TF-4", "from_s", 1 * MINUTE_S),
    ("TF-4", "until_s", 2 * MINUTE_S),
    ("TF-5", "from_s", 2 * MINUTE_S),
    ("TF-5", "until_s", 10 * MINUTE_S),
    ("TF-6", "from_s", 10 * MINUTE_S),
    ("TF-6", "until_s", 60 * MINUTE_S),
    # Escalation matrix
    ("EM-1", "from_s", 0),
    ("EM-2", "from_s", 5 * MINUTE_S),
    ("EM-3", "from_s", 15 * MINUTE_S),
    ("EM-4", "from_s", 30 * MINUTE_S),
    # Checklist after the rollback: stable for 15+ minutes
    ("POST-1", "stable_s_min", 15 * MINUTE_S),
    # Recovery procedures
    ("RP-1", "min_s", 1 * HOUR_S),
    ("RP-1", "max_s", 4 * HOUR_S),
    ("RP-2", "min_s", 4 * HOUR_S),
    ("RP-2", "max_s", 24 * HOUR_S),
    # Re-deployment
    ("RA-1", "rollout_pct", 10),
    ("RA-1", "hold_s_min", 2 * HOUR_S),
    ("RA-2", "rollout_pct", 25),
    ("RA-2", "hold_s_min", 2 * HOUR_S),
    ("RA-3", "rollout_pct", 50),
    ("RA-3", "hold_s_min", 2 * HOUR_S),
    ("RA-4", "rollout_pct", 100),
    # Load: p95 and error rate are the plan's success criteria; the rest is not the plan's
    ("LG-1", "pct", 95),
    ("LG-1", "response_time_ms_max", 500),
    ("LG-1", "answers_min", 400),
    ("LG-2", "pct", 99),
    ("LG-2", "response_time_ms_max", 1000),
    ("LG-2", "answers_min", 400),
    ("LG-3", "error_rate_pct_max", 2),
    ("LG-3", "answers_min", 400),
    ("LG-4", "bad_run_s_max", 2),
    ("LG-4", "slow_ms", 1000),
    ("LG-5", "step_answers_min", 30),
    ("LG-6", "reached_pct_min", 95),
    ("LG-6", "late_ms", 100),
    ("LG-6", "late_pct_max", 5),
    ("LG-7", "response_time_increase_pct_max", 20),
    ("LG-7", "response_time_unnoticed_ms", 100),
    ("LG-7", "p99_increase_pct_max", 50),
    ("LG-7", "p99_unnoticed_ms", 250),
    ("LG-8", "error_rate_increase_pp_max", 1),
    # Success criteria
    ("SC-1", "error_rate_pct_max", 2),
    ("SC-1", "duration_s", 15 * MINUTE_S),
    ("SC-2", "p95_ms_max", 500),
    ("SC-2", "duration_s", 15 * MINUTE_S),
    ("SC-3", "memory_mb_max", 100),
    ("SC-3", "duration_s", 15 * MINUTE_S),
    # Not the plan's: what has to be seen for a window to be judged
    ("SC-1", "samples_min", 150),
    ("SC-1", "gap_s_max", 5),
    ("SC-1", "bad_run_s_max", 2),
    ("SC-2", "samples_min", 100),
    ("SC-2", "gap_s_max", 5),
    ("SC-2", "bad_run_s_max", 2),
    ("SC-3", "samples_min", 30),
    ("SC-3", "gap_s_max", 30),
    ("SC-4", "corrupted_records_max", 0),
    # Recovery time objectives
    ("RTO-1", "min_s", 0),
    ("RTO-1", "max_s", 30),
    ("RTO-2", "min_s", 2 * MINUTE_S),
    ("RTO-2", "max_s", 5 * MINUTE_S),
    ("RTO-3", "min_s", 5 * MINUTE_S),
    ("RTO-3", "max_s", 10 * MINUTE_S),
    ("RTO-4", "min_s", 10 * MINUTE_S),
    ("RTO-4", "max_s", 15 * MINUTE_S),
    ("RTO-5", "min_s", 15 * MINUTE_S),
    ("RTO-5", "max_s", 30 * MINUTE_S),
    # Recovery point objectives
    ("RPO-1", "lost_writes_max", 0),
    ("RPO-2", "loss_s_max", 5 * MINUTE_S),
    ("RPO-3", "loss_allowed", True),
    # Ours: the times of the gate's commands.
    ("GA-1", "deadline_s", 600),
    ("GA-2", "deadline_s", 900),
    ("GA-3", "deadline_s", 1800),
    ("GA-4", "deadline_s", 900),
    ("GA-5", "deadline_s", 1800),
    ("GA-6", "deadline_s", 1800),
]

FACTS: list[tuple[str, str, object]] = [
    ("EC-1", "email", "dev-team@wheelsandwins.com"),
    ("EC-2", "email", "ops@wheelsandwins.com"),
    ("EC-3", "email", "product@wheelsandwins.com"),
    ("EC-4", "email", "leadership@wheelsandwins.com"),
    ("CH-1", "address", "#pam-incidents"),
    ("CH-2", "address", "@wheelsandwins"),
    ("GA-1", "command", "npm run test"),
    ("GA-2", "command", "npm run test:integration"),
    ("GA-3", "command", "npm run e2e"),
    ("GA-4", "command", "npm run test:accessibility"),
    ("GA-5", "command", "npm run quality:check:full"),
    ("GA-6", "command", "npm run test:load"),
    ("QR-1", "url", "https://api.wheelsandwins.com/admin/emergency-rollback"),
    ("QR-2", "url", "https://api.wheelsandwins.com/health/comprehensive"),
    ("QR-3", "url", "https://status.wheelsandwins.com"),
]

ITEMS_OF_SECTION = {
    "immediate_criteria": 6,
    "consider_criteria": 5,
    "strategies": 6,  # the plan's four, its code rollback as front end and back end, and the emergency call
    "health_checks": 5,
    "monitoring": 4,
    "integrity": 3,
    "time_frames": 6,
    "contacts": 4,
    "escalation": 4,
    "channels": 5,
    "pre_rollback": 5,
    "during_rollback": 5,
    "post_rollback": 6,
    "recovery": 3,
    "ramp": 4,
    "gate": 6,
    "load_gate": 9,
    "success_criteria": 6,
    "recovery_times": 5,
    "recovery_points": 3,
    "prevention": 13,
    "quick_reference": 3,
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Load the plan of this project."""
    return load_plan(Path(__file__).parents[2] / "plan.toml")


@pytest.mark.parametrize(("item_id", "key", "expected"), FIGURES + FACTS)
def test_figure_is_the_plans(plan: Plan, item_id: str, key: str, expected: object) -> None:
    """The figure in plan.toml is the one of the plan document."""
    assert getattr(plan.item(item_id), key) == expected


def test_no_figure_is_left_out(plan: Plan) -> None:
    """A figure that nobody compared with the document is in no item: numbers, truth values and lists of numbers."""
    compared = {(item_id, key) for item_id, key, _ in FIGURES}
    figures = {
        (item.id, key)
        for item in plan.items()
        for key, value in item
        if isinstance(value, int | float) or (isinstance(value, tuple) and value and isinstance(value[0], int | float))
    }

    assert figures == compared


@pytest.mark.parametrize(("section", "count"), ITEMS_OF_SECTION.items())
def test_section_is_complete(plan: Plan, section: str, count: int) -> None:
    """Each list of the document has all of its lines, numbered without holes."""
    ids = list(getattr(plan, section))

    assert [int(item_id.rpartition("-")[2]) for item_id in ids] == list(range(1, count + 1))


def test_there_are_no_other_items(plan: Plan) -> None:
    """The sections above are all sections."""
    assert len(plan.ids()) == sum(ITEMS_OF_SECTION.values())


def test_flags_of_the_preferred_strategy(plan: Plan) -> None:
    """Strategy 1 switches three flags off for everybody, strategy 2 takes back one of them."""
    off = {"enabled": False, "rollout_pct": 0}
    flags = {
        item_id: {name: dict(flag) for name, flag in item.flags.items()} for item_id, item in plan.strategies.items()
    }

    new_features = ("PAM_ENHANCED_UI", "PAM_VOICE_FEATURES", "PAM_PERFORMANCE_OPTIMIZATIONS")
    assert flags.pop("ST-1") == dict.fromkeys(new_features, off)
    # The plan's commands name the first one only: docs/plan-audit.md.
    assert flags.pop("ST-2") == dict.fromkeys(new_features, off)
    assert not any(flags.values())


@pytest.mark.parametrize(
    ("name", "max_s"),
    [("feature-flag", 30), ("gradual", 300), ("frontend", 600), ("backend", 600), ("full-system", 900)],
)
def test_each_strategy_has_its_objective(plan: Plan, name: str, max_s: float) -> None:
    """The time in a strategy's heading is the time among the objectives."""
    assert plan.rto(name).max_s == max_s


def test_document_facts(plan: Plan) -> None:
    """Version 1.0, to be reviewed 30 days after a deployment."""
    assert (plan.about.version, plan.about.review_after_d) == ("1.0", 30)
