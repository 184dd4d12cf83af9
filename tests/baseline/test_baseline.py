"""Whole sessions of the baseline: which one is refused before anything is sent, and what is told of one that is too old."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.ops.baseline.taken_baseline import TakenBaseline
from pam_rollback.plan.plan import load_plan
from pam_rollback.plan.plan_items import ErrorRateLimit, ResponseTimeLimit
from pam_rollback.probe.samples import Sample
from pam_rollback.report.baseline_record import Baseline, Origin, load_baseline
from pam_rollback.target.environment_tables import Waiver
from pam_rollback.target.health import HealthAround, HealthReport
from pam_rollback.target.known_before import Finding, KnownBefore, unanswered_on
from tests.baselines import baseline_of
from tests.contracts import usual
from tests.plugin.beginning import Begin, begin
from tests.sessions import ROOT, Project, RunningSandbox, save_baseline
from tests.waivers import accepted

__all__ = ["begin"]

WELL, GOOD = "test_service_is_well_while_it_is_recorded", "test_what_is_recorded_is_good"
COMPARISONS = {"test_answers_are_as_fast_as_before", "test_no_more_errors_than_before"}


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """What compares with a baseline."""
    return ("test_performance.py", "test_data_loss.py", "test_baseline.py")


def words_of(text: str) -> str:
    """However it was wrapped."""
    return " ".join(text.split())


def test_too_few_answers_are_refused(running_sandbox: RunningSandbox, begin: Begin, tmp_path: Path) -> None:
    """Before anything is sent, with what was found and what is asked."""
    before = running_sandbox.remote.request_counts()
    stored = save_baseline(running_sandbox, tmp_path, answers=200)
    begun = begin(ROOT, "-m", "performance", f"--env={running_sandbox.file}", f"--baseline={stored}")

    assert begun.rc == 4, begun.said
    assert "200 answers, at least 600 are needed (plan.toml [baseline] answers_min)" in begun.said
    assert running_sandbox.remote.request_counts() == before


def test_a_baseline_of_another_place_is_refused(running_sandbox: RunningSandbox, begin: Begin, tmp_path: Path) -> None:
    """Of another host, another environment, or for a sandbox that is not there yet: 13, and nothing was sent."""
    before = running_sandbox.remote.request_counts()
    stored = save_baseline(running_sandbox, tmp_path)
    text, env = stored.read_text(encoding="utf-8"), f"--env={running_sandbox.file}"
    host = running_sandbox.state["urls"]["api"].removeprefix("http://")
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(text.replace(host, "127.0.0.1:1"), encoding="utf-8")
    other = tmp_path / "other.json"
    other.write_text(text.replace('"environment": "sandbox"', '"environment": "staging"'), encoding="utf-8")
    of_host = begin(ROOT, "-m", "performance", env, f"--baseline={elsewhere}")
    of_place = begin(ROOT, "-m", "performance", env, f"--baseline={other}")
    own = begin(ROOT, "-m", "performance", "--env=sandbox", f"--baseline={stored}")

    assert (of_host.rc, of_place.rc, own.rc) == (13, 13, 13)
    assert f"recorded on sandbox at 127.0.0.1:1, and this session is about sandbox at {host}" in of_host.said
    assert f"recorded on staging at {host}" in of_place.said
    assert "this session starts a sandbox of its own; attach to that one with --env FILE" in own.said
    assert running_sandbox.remote.request_counts() == before


def test_a_stale_baseline_makes_comparisons_unknown(
    running_sandbox: RunningSandbox, project: Project, tmp_path: Path
) -> None:
    """The verdict names it, and what needs no baseline is judged all the same: memory, which no busy machine makes red or unknown."""
    stored = save_baseline(running_sandbox, tmp_path, taken_at=datetime.now(UTC) - timedelta(days=40))
    session = project.run(
        "-m", "performance", "-k", "before or memory_is_low", f"--env={running_sandbox.file}", f"--baseline={stored}"
    )
    outcomes = session.outcomes()

    assert session.rc == 11, session.out
    assert {name for name, outcome in outcomes.items() if outcome == "could not measure"} == COMPARISONS
    assert outcomes["test_memory_is_low"] == "passed"
    assert "is stale: 40 days old, at most 30 (plan.toml [baseline] age_max_d)" in words_of(session.out)
    assert any("is stale: 40 days old" in note for note in session.record["notes"])


@pytest.mark.nightly
def test_what_is_red_is_recorded_and_makes_nothing_usual(
    running_sandbox: RunningSandbox, project: Project, tmp_path: Path
) -> None:
    """NO-GO with the endpoint that is ill; the file says so, and a later run compares nothing with it.

    On a commit what is recorded is held below, and what is made of it by the rows of tests/fault_rows/known.py.
    """
    project.adjust("plan.toml", "answers_min = 600", "answers_min = 120")
    file = running_sandbox.described(tmp_path / "no-browser.toml", without=("browser",))
    running_sandbox.remote.plant("answers-unhealthy", server="api", path="/health/pam")
    session = project.run("-m", "baseline", f"--env={file}")
    running_sandbox.remote.clear_all()
    assert '[[waivers]] item = "HC-4", known = ["PAM: unhealthy' in words_of(session.out)
    recorded = session.folder / "baseline" / "baseline.json"
    later = project.run("-m", "performance", "-k", "answers_are", f"--env={file}", f"--baseline={recorded}")

    assert session.rc == 10, session.out
    assert session.outcomes() == {WELL: "broken criterion", GOOD: "passed"}
    assert "HC-4" in {red.item for red in load_baseline(recorded).red}
    assert later.rc == 11, later.out
    assert "was recorded while something was red (HC-4: " in words_of(later.out)


WELL_REPORT = HealthReport.of(
    usual("PAM"), Answer("GET", "http://pam.test", 200, "application/json", b'{"status":"healthy"}', 1.0, "")
)
ILL_REPORT = HealthReport.of(
    usual("PAM"), Answer("GET", "http://pam.test", 503, "application/json", b'{"status":"degraded"}', 1.0, "")
)
NO_ANSWERS = "no answers came"
PLAN = load_plan(ROOT / "plan.toml")


def taken(
    before: HealthReport = WELL_REPORT,
    after: HealthReport = WELL_REPORT,
    *,
    errors: int | None = 0,
    late: int = 0,
    failed: Mapping[str, str] | None = None,
) -> TakenBaseline:
    """As it was recorded: 600 answers, so many of them wrong or late; None: no answers could be recorded."""
    origin = Origin(environment="staging", host="api.test", release="", run="run", taken_at=datetime.now(UTC))
    answers = [
        Sample(due_s=i, latency_ms=900.0 if i < late else 100.0, journey="front page", ok=i >= (errors or 0))
        for i in range(600)
    ]
    observed = (
        Baseline(origin=origin, not_recorded={"answers": NO_ANSWERS})
        if errors is None
        else baseline_of(answers, origin)
    )
    return TakenBaseline(
        HealthAround((before,), (after,)), observed, failed or {}, PLAN.the(ErrorRateLimit), PLAN.the(ResponseTimeLimit)
    )


@pytest.mark.parametrize(
    ("recorded", "red", "answers"),
    [
        pytest.param(taken(), [], True, id="well"),
        pytest.param(taken(before=ILL_REPORT), ["HC-3: PAM: degraded, HTTP 503"], True, id="ill-before"),
        pytest.param(taken(after=ILL_REPORT), ["HC-3: PAM: degraded, HTTP 503"], True, id="ill-after"),
        pytest.param(taken(errors=20), ["MT-2: users' answers: errors"], False, id="errors"),
        pytest.param(taken(late=60), [], False, id="slow"),
        pytest.param(taken(errors=None), [], False, id="no-answers"),
    ],
)
def test_each_part_is_recorded_by_itself(recorded: TakenBaseline, red: list[str], answers: bool) -> None:  # noqa: FBT001 - a case
    """Bad answers are not what is usual, and errors are damage: a baseline of damage makes nothing usual."""
    kept = recorded.kept

    assert [f"{one.item}: {one}".partition(", /")[0] for one in kept.red] == red
    assert (kept.overall is not None) is answers
    assert ("answers" not in kept.not_recorded) is answers
    assert recorded.health.well is not any("HC-3" in one for one in red)


def test_health_that_was_red_is_known_where_somebody_answers_for_it() -> None:
    """It stands in this very baseline; for what nobody answers for a waiver is proposed. Another symptom is another finding."""
    health = taken(before=ILL_REPORT, after=ILL_REPORT).health
    [found] = health.findings
    recorded = {(found.item, found.text): 1}

    def judged(*answers: Waiver) -> HealthAround:
        return health.without(KnownBefore(recorded, answers, today=date(2026, 11, 28)).told(health.findings))

    nobody, somebody = judged(), judged(accepted("HC-3", "PAM: degraded, HTTP 503*"))
    assert (health.well, nobody.well, somebody.well) == (False, False, True)
    assert f'[[waivers]] item = "HC-3", known = ["{found.text}"], at_most = 1, until, reason, approved_by' in str(
        nobody
    )
    assert "R. Ramp" in str(somebody)
    assert "[[waivers]]" not in str(somebody)
    assert not judged(accepted("HC-3", "PAM: degraded, HTTP 200*")).well
    assert not judged(accepted("HC-3", "PAM: degraded*", until=date(2026, 11, 27))).well, "that day is over"


def test_a_baseline_of_ill_health_is_refused_with_the_waiver_that_would_let_it_count() -> None:
    """One for each plan item; what is answered for is not proposed, and a healthy one is refused by nobody."""
    kept = taken(before=ILL_REPORT, errors=20).kept
    nobody, somebody = unanswered_on(date.min, ()), Finding("HC-3", "PAM", kept.red[0].said)

    with pytest.raises(MeasurementFailed, match=r'item = "HC-3", known = .*; \[\[waivers\]\] item = "MT-2", known = '):
        kept.refuse_ill(nobody)
    with pytest.raises(MeasurementFailed) as left:
        kept.refuse_ill(lambda found: tuple(one for one in found if one != somebody))
    assert "HC-3" not in str(left.value)
    taken().kept.refuse_ill(nobody)


def test_each_test_that_meets_a_refused_baseline_proposes_the_waivers() -> None:
    """So that the screen's end has them; one that is of use proposes none."""
    ill = Finding("HC-3", "PAM", "degraded, HTTP 503")
    for refused, proposed in (((ill,), ["HC-3"]), ((), [])):
        register = KnownBefore({(ill.item, ill.text): 1}, refused="it is ill" * bool(refused), ill=refused)
        told = register.told([Finding("CR-4", "home", "pale")])

        assert [one["item"] for one in told.as_data()["findings"]] == proposed


def test_what_could_not_be_recorded_is_named() -> None:
    """With what would let it be; the rest is kept."""
    without = taken(failed={"rows": "the DSN is wrong; to record it: a role that may read"})

    assert without.kept.overall is not None
    with pytest.raises(MeasurementFailed, match="recorded without rows: the DSN is wrong; to record it: a role that"):
        _ = without.answers
    bad = taken(errors=20, failed={"rows": "the DSN is wrong"})
    assert not bad.answers.good, "what is broken goes before what is not known"
    with pytest.raises(MeasurementFailed, match=f"has no answers .{NO_ANSWERS}"):
        _ = taken(errors=None).kept.answers


def test_a_baseline_of_two_releases_is_none() -> None:
    """Nothing is written when a part changed its release meanwhile."""
    component = usual("PAM")
    of = [
        HealthReport.of(
            component,
            Answer(
                "GET", "http://pam.test", 200, "application/json", b'{"status":"healthy","version":"%s"}' % one, 1.0, ""
            ),
        )
        for one in (b"1.41.3", b"1.42.0")
    ]

    with pytest.raises(MeasurementFailed, match=r"withdrawn, nothing was written: PAM ran release 1\.41\.3 before"):
        _ = taken(of[0], of[1]).kept


def test_without_a_baseline_comparisons_are_left_out_and_named(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """Nothing is compared, and nothing is pretended."""
    session = project.run(
        "-m",
        "performance or integrity",
        "-k",
        "before or row or memory_is_low",
        f"--env={running_sandbox.file}",
        "--dry-run",
    )
    left_out = {
        entry["nodeid"].rpartition("::")[2].partition("[")[0]: entry["reason"] for entry in session.record["deselected"]
    }

    assert {left_out[name] for name in COMPARISONS} == {"there is no baseline to compare with, see --baseline"}
    assert {left_out[name] for name in ("test_no_row_is_lost", "test_no_row_is_rewritten")} == {
        "no rows were counted before; a baseline has them, see --baseline"
    }
