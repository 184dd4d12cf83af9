"""A plan that can be used is loaded; every other one is refused with all of its problems, each with its place and the way out."""

from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.plan.plan import Plan, UnknownPlanItem, load_plan
from pam_rollback.plan.plan_items import MemoryGoal, OwnTrigger, Strategy

ROOT = Path(__file__).parents[2]
PLAN = ROOT / "plan.toml"


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Load the plan of this project."""
    return load_plan(PLAN)


def refusal(folder: Path, old: str, new: str) -> str:
    """Change one place of the real plan, load it, and give what was said."""
    text = PLAN.read_text(encoding="utf-8")
    assert old in text, f"the plan has no {old!r} to change"
    file = folder / "plan.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_plan(file)
    return str(caught.value)


def test_items_are_found_by_their_id(plan: Plan) -> None:
    """One look-up for every section; the item knows its id and its page of the runbook."""
    item = plan.item("HC-3")

    assert (item.id, item.runbook) == ("HC-3", "docs/runbook.md#database-unhealthy")
    assert [plan.item(item_id).id for item_id in plan.ids()] == list(plan.ids())


def test_an_item_of_its_own_kind_is_found_by_that(plan: Plan) -> None:
    """Whatever its id, with an environment's figures; what there are several of has no such name."""
    used = plan.with_overrides({"SC-3": {"memory_mb_max": 90}})

    assert (plan.the(MemoryGoal).id, used.the(MemoryGoal).memory_mb_max) == ("SC-3", 90)
    with pytest.raises(ValueError, match="too many values"):
        plan.the(Strategy)


def test_the_emergency_call_has_no_objective(plan: Plan) -> None:
    """The plan gives none, and none is made up."""
    with pytest.raises(UnknownPlanItem, match="no recovery time"):
        plan.rto("emergency")


def test_all_problems_at_once(tmp_path: Path) -> None:
    """The whole message: file, number of problems, and a line for each."""
    text = PLAN.read_text(encoding="utf-8")
    text = text.replace("error_rate_pct_max = 2\nduration_s = 900", "error_rate_pct_max = 2\nduration_ss = 900", 1)
    text = text.replace("max_s = 30\n", "max_s = -30\n", 1)
    file = tmp_path / "plan.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError) as caught:
        load_plan(file)

    assert str(caught.value).splitlines() == [
        f"{file}: 3 problems",
        "  [success_criteria.SC-1] duration_s: missing, it is required",
        "  [success_criteria.SC-1] duration_ss: unknown key, did you mean 'duration_s'?",
        "  [recovery_times.RTO-1] max_s: expected greater than or equal to 0, found -30",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "duration_s = 600",
            "duration_s = -600",
            "[immediate_criteria.IR-4] duration_s: expected",
            id="negative duration",
        ),
        pytest.param("duration_s = 600", "duration_s = nan", "expected a finite number, found nan", id="not a number"),
        pytest.param(
            "affected_users_pct_max = 25", "affected_users_pct_max = 101", "found 101", id="more than all users"
        ),
        pytest.param(
            "min_s = 120\nmax_s = 300",
            "min_s = 400\nmax_s = 300",
            "RTO-2: min_s (400) is above max_s (300)",
            id="span backwards",
        ),
        pytest.param("[50, 25, 10, 0]", "[50, 25, 30, 0]", "must go down step by step", id="gradual that goes up"),
        pytest.param(
            "[contacts.EC-4]",
            "[contacts.SC-1]",
            "[contacts] SC-1: used twice, also in [success_criteria]",
            id="id used twice",
        ),
        pytest.param(
            "[contacts.EC-4]", "[contacts.EC-04]", "[contacts] EC-04: not an id of this section", id="malformed id"
        ),
        pytest.param(
            "[success_criteria.SC-6]",
            "[success_criteria.SC-7]",
            "[success_criteria] SC-6: missing",
            id="criterion taken out",
        ),
        pytest.param(
            "[contacts.EC-1]", "[contact.EC-1]", "contact: unknown key, did you mean 'contacts'?", id="misspelt section"
        ),
        pytest.param(
            'rto = "RTO-1"',
            'rto = "RTO-11"',
            "'RTO-11' is not in [recovery_times], did you mean 'RTO-1'?",
            id="no such objective",
        ),
        pytest.param(
            'name = "gradual"', 'name = "frontend"', "'frontend' is the name of ST-2 too", id="two strategies, one name"
        ),
        pytest.param(
            'section = "monitoring"', 'section = "monitorin"', "did you mean 'monitoring'?", id="no such section"
        ),
        pytest.param(
            'mitigation = "ST-1"', 'mitigation = "ST-9"', "'ST-9' is not in [strategies]", id="no such mitigation"
        ),
        pytest.param(
            "gap_s_max = 30",
            "gap_s_max = 900",
            "[success_criteria] SC-3: gap_s_max (900) must be below duration_s (900): nothing might be seen of the whole window",
            id="a window that may be a hole",
        ),
        pytest.param(
            "gap_s_max = 5\nbad_run_s_max = 2",
            "gap_s_max = 5\nbad_run_s_max = 1000",
            "bad_run_s_max (1000) must be below duration_s (900): no outage could break the window",
            id="a window that nothing breaks",
        ),
        pytest.param(
            "samples_min = 150",
            "samples_min = 0",
            "[success_criteria.SC-1] samples_min: expected greater than 0",
            id="a window of nothing",
        ),
        pytest.param(
            "[gate.GA-1]",
            '[gate.GA-1]\nid = "GA-2"',
            "[gate.GA-1] id: unknown key, the name of the table is the id",
            id="id as a key",
        ),
    ],
)
def test_bad_plan_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    """Each mistake is named with its place and what was found there."""
    assert said in refusal(tmp_path, old, new)


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    """Where to look, not just that it is broken."""
    file = tmp_path / "plan.toml"
    file.write_text('[about]\ntitle = "x"\nversion =\n')

    with pytest.raises(ConfigurationError, match=r"plan\.toml: 1 problem\n  not valid TOML: .*at line 3"):
        load_plan(file)


def test_wrong_encoding_names_the_line(tmp_path: Path) -> None:
    """A file saved in another encoding is refused where the first foreign byte is."""
    file = tmp_path / "plan.toml"
    file.write_bytes('[about]\ntitle = "Rückweg"\n'.encode("latin-1"))

    with pytest.raises(ConfigurationError, match=r"line 2: not UTF-8 \(byte 0xfc\)"):
        load_plan(file)


def test_environment_overrides_are_reported(plan: Plan) -> None:
    """The new figures hold, the plan itself stays, and what became easier is told apart from what became harder."""
    used = plan.with_overrides(
        {
            "SC-1": {"error_rate_pct_max": 5.0, "duration_s": 1200.0},
            "IR-5": {"duration_s": 120.0, "error_rate_pct_max": 30.0},
            "SC-4": {"corrupted_records_max": 0.0},
        }
    )

    assert used.success_criteria["SC-1"].error_rate_pct_max == 5
    assert plan.success_criteria["SC-1"].error_rate_pct_max == 2
    assert [str(override) for override in used.relaxed] == [
        "SC-1 error_rate_pct_max 5 instead of 2 (relaxed)",
        "IR-5 error_rate_pct_max 30 instead of 20 (relaxed)",
    ]
    assert [str(override) for override in used.overrides if not override.relaxed] == [
        "SC-1 duration_s 1200 instead of 900 (tightened)",
        "IR-5 duration_s 120 instead of 300 (tightened)",
    ]
    assert plan.overrides == ()


@pytest.mark.parametrize(
    ("item_id", "key", "value"),
    [
        pytest.param("SC-1", "duration_s", 60.0, id="a shorter window"),
        pytest.param("IR-2", "duration_s", 3600.0, id="a longer patience before rolling back"),
        pytest.param("CR-5", "response_time_increase_pct_min", 40.0, id="a narrower band"),
        pytest.param("RTO-1", "max_s", 60.0, id="more time to recover"),
        pytest.param("RA-1", "hold_s_min", 60.0, id="a shorter watch"),
        pytest.param("RPO-1", "lost_writes_max", 1.0, id="a lost write"),
        pytest.param("POST-1", "stable_s_min", 60.0, id="a shorter confirmation"),
    ],
)
def test_easier_is_relaxed(plan: Plan, item_id: str, key: str, value: float) -> None:
    """Whatever makes it easier to be green counts as relaxed, in whichever direction the figure has to move for that."""
    used = plan.with_overrides({item_id: {key: value}})

    assert [(change.item, change.key, change.used) for change in used.relaxed] == [(item_id, key, value)]
    assert getattr(used.item(item_id), key) == value


def test_every_override_problem_at_once(plan: Plan) -> None:
    """In the name of the environment's file: unknown item, unknown key, a key that is no figure, an impossible value."""
    with pytest.raises(ConfigurationError) as caught:
        plan.with_overrides(
            {
                "SC-11": {"error_rate_pct_max": 5.0},
                "SC-1": {"error_rate_pct": 5.0},
                "SC-2": {"title": 5.0},
                "SC-3": {"memory_mb_max": -1.0},
                "SC-4": {"corrupted_records_max": 0.5},
                "CR-5": {"response_time_increase_pct_max": 50.0},
            },
            source="environments/staging.toml",
        )

    assert str(caught.value).splitlines() == [
        "environments/staging.toml: 6 problems",
        "  [thresholds] SC-11: no such plan item, did you mean 'SC-1'?",
        "  [thresholds.SC-1] error_rate_pct: no figure of this item, did you mean 'error_rate_pct_max'?",
        "  [thresholds.SC-2] title: no figure of this item, valid are: bad_run_s_max, duration_s, gap_s_max, p95_ms_max, samples_min",
        "  [thresholds.SC-3] memory_mb_max: expected greater than 0, found -1.0",
        "  [thresholds.SC-4] corrupted_records_max: expected a whole number, found 0.5",
        "  [thresholds.CR-5] response_time_increase_pct_max: no figure of this item, did you mean 'response_time_increase_pct_min'?",
    ]


OWN = '[decision.strategies]\nCR-6 = ["ST-1"]\n'
CR_6 = (
    '[consider_criteria.CR-6]\ntitle = "Builds wait"\nanchor = "builds-wait"\nlimit = 2\n\n[consider_criteria.CR-1]\n'
)


def with_own(folder: Path, item: str = CR_6) -> Plan:
    """The plan with a criterion of a team's own."""
    text = PLAN.read_text(encoding="utf-8")
    for old, new in (("[decision.strategies]\n", OWN), ("[consider_criteria.CR-1]\n", item)):
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    return load_plan(folder / "plan.toml")


def test_a_criterion_may_be_added(tmp_path: Path) -> None:
    """It is one like the others, and its figure may be another one in an environment."""
    plan = with_own(tmp_path)
    changed = plan.with_overrides({"CR-6": {"limit": 3}, "IR-2": {"duration_s": 200}})

    assert isinstance(plan.item("CR-6"), OwnTrigger)
    assert (*plan.consider_criteria,)[-1] == "CR-6"
    assert changed.item("CR-6") == plan.item("CR-6").model_copy(update={"limit": 3})
    assert [one.item for one in changed.relaxed] == ["CR-6"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("limit = 2", "limits = 2", "[consider_criteria.CR-6] limits: unknown key"),
        ("limit = 2", "limit = -1", "[consider_criteria.CR-6] limit"),
        ("CR-6]", "IR-7]", "[consider_criteria] IR-7: not an id of this section"),
        ("CR-6]", "CR-7]", "[decision.strategies] CR-7: expected the strategies for this criterion, found nothing"),
    ],
)
def test_a_half_criterion_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    """As each of the plan's."""
    with pytest.raises(ConfigurationError) as caught:
        with_own(tmp_path, CR_6.replace(old, new))
    assert words in str(caught.value)
