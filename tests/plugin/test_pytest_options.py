"""Every option of pytest and its plug-ins is known for what it does to a verdict: a new one fails here before it can make less run."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from _pytest.config import default_plugins, essential_plugins

from pam_rollback.ops.connect.doctor import PLUGIN as DOCTOR
from pam_rollback.plugin.pytest_options import (
    LISTING,
    NARROWING,
    NEEDED_PLUGINS,
    REFUSED,
    WEAKENING,
    changed_settings,
    only_lists,
    partial_reasons,
    refuse,
)
from tests.plugin.beginning import Begin, begin, configured
from tests.sessions import ROOT

__all__ = ["begin"]

HARMLESS = frozenset(
    {
        # How it is shown, and what is kept of it.
        *(
            "verbose",
            "quiet",
            "no_header",
            "no_summary",
            "fold_skipped",
            "force_short_summary",
            "reportchars",
            "showlocals",
        ),
        *("disable_warnings", "tbstyle", "xfail_tb", "showcapture", "fulltrace", "color", "code_highlight", "capture"),
        *("durations", "durations_min", "xmlpath", "junitprefix", "basetemp", "traceconfig", "debug", "setupshow"),
        *("log_level", "log_format", "log_date_format", "log_cli_level", "log_cli_format", "log_cli_date_format"),
        *("log_file", "log_file_mode", "log_file_level", "log_file_format", "log_file_date_format", "log_auto_indent"),
        *("logger_disable", "allure_report_dir", "clean_alluredir", "attach_capture", "allure_link_pattern"),
        *("output", "tracing", "video", "screenshot", "full_page_screenshot", "headed", "slowmo", "playwright_debug"),
        # In which order, how long, and in which processes: what does not run is not run, and told.
        *(
            "last_failed_no_failures",
            "cacheclear",
            "maxfail",
            "usepdb",
            "usepdb_cls",
            "trace",
        ),
        *("stepwise_reset", "timeout", "timeout_method", "timeout_disable_debugger_detection", "session_timeout"),
        *("numprocesses", "maxprocesses", "maxworkerrestart", "dist", "loadscopereorder", "tx", "px", "distload"),
        *("rsyncdir", "rsyncignore", "testrunuid", "maxschedchunk"),
        # How tests are found and read: the count of what the files hold notices what is missing.
        *("pyargs", "importmode", "keepduplicates", "collect_in_virtualenv", "continue_on_collection_errors"),
        *("doctestmodules", "doctestreport", "doctestglob", "doctest_ignore_import_errors"),
        *("doctest_continue_on_failure", "disable_plugin_autoload", "strict", "strict_config", "strict_markers"),
        # Not less strict than without: a warning is no verdict, and an expected failure is not passed.
        *("pythonwarnings", "max_warnings", "runxfail"),
        # Judged by rules of their own: the expression and the browsers that are named, consent, settings, assertions.
        *("markexpr", "browser", "override_ini", "assertmode", "confcutdir", "inifilename", "rootdir", "plugins"),
        "file_or_dir",
    }
)
HARMLESS_WITHOUT = frozenset(
    {
        *("debugging", "unittest", "legacypath", "monkeypatch", "recwarn", "pastebin", "doctest", "cacheprovider"),
        *("stepwise", "unraisableexception", "threadexception", "logging", "faulthandler", "subtests"),
    }
)
REGISTERED = re.compile(r'pluginmanager\.register\(.*"([^"]+)"\)$', re.MULTILINE)
SCRIPT = """
import json, sys, pytest
class Tell:
    def pytest_configure(self, config):
        print("OPTIONS", json.dumps(sorted(vars(config.option))))
pytest.main(["-m", "journey", "--env=sandbox", "--collect-only", "-q", "-p", "timeout"], plugins=[Tell()])
"""


def test_every_option_is_known() -> None:
    """By its effect: lists, narrows, weakens, is refused, is harmless, or is our own."""
    ran = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    line = next(line for line in ran.stdout.splitlines() if line.startswith("OPTIONS "))
    options = {name for name in json.loads(line.removeprefix("OPTIONS ")) if not name.startswith("pam_")}
    known = [set(LISTING), set(NARROWING), set(WEAKENING), set(REFUSED), set(HARMLESS)]

    assert options - set().union(*known) == set(), "classify it in plugin/pytest_options.py, or as harmless here"
    assert sum(map(len, known)) == len(set().union(*known)), "an option has two kinds"


def test_every_builtin_plugin_is_known() -> None:
    """Needed, or harmless to go without; pytest itself keeps the essential ones."""
    builtin = set(default_plugins) - set(essential_plugins)

    assert builtin - NEEDED_PLUGINS - HARMLESS_WITHOUT == set(), "classify it in plugin/pytest_options.py"
    assert not NEEDED_PLUGINS & HARMLESS_WITHOUT


@pytest.mark.parametrize("dest", [*NARROWING, *WEAKENING])
def test_each_of_them_is_named(dest: str) -> None:
    """Set to anything, it is a reason; left alone, it is none."""
    everything = dict.fromkeys([*NARROWING, *WEAKENING, "override_ini"])

    assert partial_reasons(SimpleNamespace(**everything), ["checks"]) == []
    assert len(partial_reasons(SimpleNamespace(**{**everything, dest: ["x"]}), ["checks"])) == 1


def test_settings_that_only_show_change_nothing() -> None:
    """All others may make less run, so they are named."""
    given = ["log_cli=true", "junit_family=xunit1", "python_functions=x", "filterwarnings=", "xfail_strict=false"]

    assert changed_settings(given) == ["python_functions=x", "filterwarnings=", "xfail_strict=false"]


@pytest.mark.parametrize("dest", LISTING)
def test_a_list_is_no_session(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, dest: str) -> None:
    """Whoever types it gets the list; from elsewhere, or beside a consent, it would be taken for a session that did something."""
    spelling = LISTING[dest][0]

    def listing(*typed: str, consented: bool = False) -> str:
        config = configured(pytestconfig, ROOT, "-m", "health")
        config.invocation_params.args = typed
        setattr(config.option, dest, True)
        return only_lists(config, consented=consented)

    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    assert listing(spelling) == ""
    assert listing() == f"{spelling} only lists, and it comes from addopts: take it out there"
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-q {spelling}")
    assert listing() == f"{spelling} only lists, and it comes from PYTEST_ADDOPTS: take it out there"
    explains = dest in {"markers", "help", "version"}
    assert listing(spelling, consented=True) == ("" if explains else f"{spelling} only lists; leave it out")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        *(
            (("-p", f"no:{name}"), f"-p no:{name}: {name} is needed by every session of the runbook")
            for name in (*sorted(NEEDED_PLUGINS), "pam_rollback.plugin.verdict", "pam-verdict")
        ),
        (("-o", "addopts="), "-o addopts: the options in pyproject.toml are part of the suite"),
        (("--noconftest",), "--noconftest leaves out the fixtures"),
        (("--ff",), "--failed-first tears a situation's tests apart"),
        (("--nf",), "--new-first tears a situation's tests apart"),
        (("--pastebin=all",), "sends what a session printed to a public service"),
    ],
    ids=str,
)
def test_what_the_suite_stands_on_is_not_taken_away(
    pytestconfig: pytest.Config, arguments: tuple[str, ...], words: str
) -> None:
    """One line, before anything of it was used."""
    config = configured(pytestconfig, ROOT, "-m", "health", *arguments)

    with pytest.raises(pytest.UsageError) as refused:
        refuse(config)

    assert words in str(refused.value)


def test_what_registers_later_has_a_name_that_is_ours() -> None:
    """By its beginning it is known as needed, before it is there."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src" / "pam_rollback").rglob("*.py")]
    names = [DOCTOR, *(name for text in sources for name in REGISTERED.findall(text))]

    assert {"pam-verdict", "pam-told"} <= {*names}
    assert [name for name in names if not name.startswith("pam-")] == []


def test_other_settings_and_another_root_are_refused(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """The project's own are part of the suite; what does not change them may be typed."""
    config = configured(pytestconfig, ROOT, "-m", "health", "-c", "other.ini", "--rootdir=checks")
    refuse(config)  # pytest found the project all the same
    config.inipath, config.rootpath = tmp_path / "other.ini", ROOT / "checks"

    with pytest.raises(pytest.UsageError) as refused:
        refuse(config)

    assert "-c other.ini: the settings of the suite stand in pyproject.toml; leave it out" in str(refused.value)
    assert f"--rootdir checks: the project is {ROOT}; leave it out" in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-m", "health", "--env=sandbox", "--assert=plain"), "assertions are switched off"),
        (
            (
                *(
                    "drills/test_feature_flag.py",
                    "--env",
                    "environments/examples/production.toml",
                    "--mode",
                    "real",
                    "--execute",
                    "--setup-plan",
                ),
                *("--confirm", "production", "--reason", "errors", "--initiated-by", "alex"),
            ),
            "would act and verify nothing",
        ),
    ],
)
def test_a_session_that_would_verify_nothing_is_refused(begin: Begin, arguments: tuple[str, ...], words: str) -> None:
    """13, before the first request."""
    begun = begin(ROOT, *arguments)

    assert begun.rc == 13, begun.said
    assert words in begun.said
