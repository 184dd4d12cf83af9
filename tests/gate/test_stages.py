"""Each of the six npm stages is seen red by a commit that breaks what it tests, and no other one is."""

import pytest

from tests.gate.scene import RED, STAGES, UNKNOWN, Commit, changed, commit, gate, one_line, with_outcome
from tests.sessions import Project, Range

UNIT, INTEGRATION, E2E, ACCESSIBILITY, QUALITY, LOAD = (
    "test_unit_tests_pass",
    "test_integration_tests_pass",
    "test_end_to_end_tests_pass",
    "test_accessibility_tests_pass",
    "test_the_quality_check_passes",
    "test_own_load_tests_pass",
)
COMMITS = [
    Commit(
        "money is written wrong",
        changed("frontend/app/format.js", "Number(amount))", "Number(amount) + 1)"),
        {UNIT},
        "an amount is written in the account's currency",
    ),
    Commit(
        "a style sheet is not built",
        changed(
            "frontend/index.html",
            '<link rel="icon"',
            '<link rel="preload" as="style" href="/assets/__BUILD__/gone.css"><link rel="icon"',
        ),
        {INTEGRATION},
        "gone.css is not in the build",
    ),
    Commit(
        "the login says nothing",
        changed("frontend/app/views/login.js", "Enter your e-mail address.", "No."),
        {E2E},
        "a visitor gets from the front page to the login",
    ),
    Commit(
        "a picture has no text",
        changed("frontend/app/views/home.js", 'alt: "", ', ""),
        {ACCESSIBILITY},
        "image-alt",
    ),
    Commit(
        "something to debug",
        changed("frontend/app/format.js", "export const monthName", "console.log(DAY);\nexport const monthName"),
        {QUALITY},
        "console.log",
    ),
    Commit("a file is empty", {"frontend/empty.svg": ""}, {LOAD}, "empty.svg: HTTP 200, 0 bytes"),
    Commit(
        "no script for load",
        changed("frontend/package.json", '"test:load"', '"test:loads"'),
        {LOAD},
        "package.json has no script 'test:load', is it 'test:loads'?",
    ),
    Commit(
        "lock and package do not fit",
        changed("frontend/package.json", '"private": true', '"private": true, "dependencies": {"part": "1.0.0"}'),
        set(),
        "npm ci: exit code",
        unknown=STAGES,
    ),
]


@pytest.mark.long_matrix
@pytest.mark.parametrize("broken", COMMITS, ids=lambda broken: broken.id)
def test_a_broken_commit_turns_its_stage_red_and_no_other(
    broken: Commit, practice_range: Range, project: Project
) -> None:
    """In a fresh checkout of that commit; what users have does not matter."""
    found = gate(project, practice_range, sorted(STAGES), "--to", commit(practice_range, broken.files))

    assert with_outcome(found, RED) == broken.red, found.out
    assert with_outcome(found, UNKNOWN) == broken.unknown, found.out
    assert broken.words in one_line(found), found.out
    assert found.rc == (10 if broken.red else 11)


def test_what_is_served_passes_and_leaves_its_evidence(practice_range: Range, project: Project) -> None:
    """Without --to the candidate is what both sites serve; output and reports of each stage are in the run's folder."""
    practice_range.remote.reset()
    found = gate(project, practice_range, sorted(STAGES))

    assert set(found.outcomes().values()) == {"passed"}, found.out
    assert "candidate: release 1.42.0, commit" in found.out
    kept = {
        str(path.relative_to(found.folder / "gate")) for path in (found.folder / "gate").rglob("*") if path.is_file()
    }
    assert {
        "npm-ci.log",
        "GA-1.log",
        "GA-6.log",
        "GA-1/reports/unit.xml",
        "GA-1/reports/coverage.lcov",
        "GA-6/reports/load.json",
    } <= kept


def test_a_stage_that_does_not_end_is_red(practice_range: Range, project: Project) -> None:
    """By the time of plan.toml."""
    plan = project.folder / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    assert 'command = "npm run test"\ndeadline_s = 600' in text
    plan.write_text(text.replace('npm run test"\ndeadline_s = 600', 'npm run test"\ndeadline_s = 3'), encoding="utf-8")
    hangs = changed(
        "frontend/tests/run.mjs", "await mkdir", "await new Promise(() => setInterval(() => {}, 1000));\nawait mkdir"
    )

    found = gate(project, practice_range, [UNIT], "--to", commit(practice_range, hangs))

    assert with_outcome(found, RED) == {UNIT}, found.out
    assert "no end within 3 s (plan.toml), so it was ended" in one_line(found)
