"""Whole sessions of the performance checks: GO on the healthy sandbox, unknown where nothing can be known, and compared with a baseline."""

from pathlib import Path

from tests.plugin.drilling import calm
from tests.sessions import Project, Range, save_baseline

FAST, FEW_ERRORS = "test_answers_are_fast", "test_few_answers_are_errors"
MEMORY = {"test_memory_is_low", "test_memory_does_not_run_away"}
PAGES = {
    "test_front_page_is_painted_soon[first]",
    "test_front_page_is_painted_soon[return]",
    "test_front_page_does_not_jump[first]",
    "test_front_page_does_not_jump[return]",
    "test_front_page_answers_to_keys",
    "test_front_page_is_light",
    "test_front_page_asks_for_little",
}
CHAT = {name.replace("front_page", "chat") for name in PAGES if "light" not in name and "little" not in name}
WITHOUT_PAGES = ("-m", "performance", "-k", "answers_are or memory")


def with_abilities(range_: Range, folder: Path, abilities: str) -> Path:
    """The sandbox's file, declaring nothing but these."""
    file = folder / "less.toml"
    text = range_.file.read_text(encoding="utf-8")
    file.write_text(text.replace('kind = "sandbox"\n', f'kind = "sandbox"\nabilities = [{abilities}]\n', 1), "utf-8")
    file.chmod(0o600)
    return file


def test_the_healthy_sandbox_is_go(practice_range: Range, project: Project) -> None:
    """All of it, with the n of every figure; nothing is written but by the sign-in."""
    calm(project)
    before = practice_range.remote.request_counts()
    session = project.run("-m", "performance", f"--env={practice_range.file}")
    after = practice_range.remote.request_counts()

    assert session.rc == 0, session.out
    outcomes = session.outcomes_by_case()
    assert set(outcomes.values()) == {"passed"}
    assert {FAST, FEW_ERRORS, *MEMORY, *PAGES, *CHAT} <= set(outcomes)
    figures = {figure["what"]: figure for result in session.record["results"] for figure in result["measured"]}
    assert figures["error rate"]["n"] >= 150
    assert figures["response time"]["n"] >= 100
    assert figures["memory"]["n"] >= 10
    assert {figure["n"] for what, figure in figures.items() if "page" in what} == {5}
    written = {path for path in after if not path.startswith(("GET ", "OPTIONS ")) and after[path] != before.get(path)}
    assert written <= {"POST /api/v1/auth/login"}, written


def test_what_the_environment_does_not_declare_is_left_out_and_named(
    practice_range: Range, project: Project, tmp_path: Path
) -> None:
    """Without account and metrics: the answers of the front page and of the health endpoint, and how the page loads."""
    file = with_abilities(practice_range, tmp_path, '"browser"')
    session = project.run("-m", "performance", f"--env={file}", "--dry-run")

    assert session.rc == 11, session.out
    named = {
        left["nodeid"].rpartition("::")[2].partition("[")[0]: left["reason"] for left in session.record["deselected"]
    }
    assert {named[name] for name in MEMORY} == {"sandbox declares no metrics"}
    assert named["test_chat_is_painted_soon"] == "sandbox declares no test_account"


def test_what_cannot_be_known_is_unknown_and_the_rest_is_judged(
    practice_range: Range, project: Project, tmp_path: Path
) -> None:
    """Every signed-in request fails: that is an error rate, and too few answers are left to say how fast they are.

    Metrics that are declared and missing: nobody knows the memory, and the session says where to look.
    """
    file = tmp_path / "elsewhere.toml"
    file.write_text(practice_range.file.read_text(encoding="utf-8") + '\n[paths]\nmetrics = "/api/metrics"\n', "utf-8")
    file.chmod(0o600)
    practice_range.remote.plant("errors", share=1)
    session = project.run(*WITHOUT_PAGES, f"--env={file}")

    assert session.rc == 10, session.out
    assert session.outcomes()[FEW_ERRORS] == "broken criterion"
    assert session.outcomes()[FAST] == "could not measure"
    assert {session.outcomes()[name] for name in MEMORY} == {"could not measure"}
    assert "memory is not known: expected metrics, found GET" in " ".join(session.out.split())


def test_a_baseline_is_reported_beside_the_figures(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """It does not decide here: that much slower is another criterion."""
    calm(project)
    stored = save_baseline(practice_range, tmp_path, latency_ms=1 / 1.09)
    session = project.run(*WITHOUT_PAGES, f"--env={practice_range.file}", f"--baseline={stored}")

    assert session.outcomes()[FAST] == "passed", session.out
    definitions = [figure["definition"] for result in session.record["results"] for figure in result["measured"]]
    assert any("times the baseline's 1 ms" in definition for definition in definitions), definitions
    assert any("the same as the baseline's 0 %" in definition for definition in definitions), definitions
