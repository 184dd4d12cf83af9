"""``make connect`` writes workflows into the product's repository, where somebody says so."""

from pathlib import Path

import pytest

from tests.connect.product import Run, today

SUITE = f"wheels/pam-rollback@{'a1' * 20}"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Of the product, beside the suite."""
    folder = tmp_path / "product"
    (folder / ".git").mkdir(parents=True)
    return folder


def workflows_in(repository: Path) -> list[str]:
    """Their names."""
    return sorted(path.name for path in (repository / ".github").rglob("*.yml"))


def test_workflows_are_written_where_somebody_asks_for_them(run: Run, repository: Path) -> None:
    """By the option, or by an answer; without either the repository is left alone."""
    named = ("--name", "staging", "--suite", SUITE)
    assert run(today(), *named)[0] == 0
    assert run(today(), *named, ask=lambda _: "")[0] == 0
    assert not (repository / ".github").exists()

    code, out, _ = run(today(), *named, ask=lambda question: "product" if question.startswith("Folder") else "")
    assert code == 0
    assert workflows_in(repository) == [
        "pam-after-deploy-staging.yml",
        "pam-gate-staging.yml",
        "pam-nightly-drill.yml",
        "pam-publish-reports.yml",
        "pam-rollback-staging.yml",
        "pam-staging-drill-staging.yml",
        "pam-undo-staging.yml",
    ]
    assert "pam-gate-staging.yml: written" in out

    assert run(today(), "--name", "production", "--suite", SUITE, "--workflows", "product")[0] == 0
    assert {name for name in workflows_in(repository) if "production" in name} == {
        f"pam-{name}-production.yml" for name in ("after-deploy", "watch", "rollback", "undo", "ramp")
    }


def test_what_a_person_changed_in_a_workflow_stays(run: Run, repository: Path) -> None:
    """What nobody changed is written anew, such as for another commit of the suite; else what would be new is said."""
    asked = ("--name", "production", "--workflows", str(repository))
    assert run(today(), *asked, "--suite", SUITE)[0] == 0
    mine, theirs = (
        repository / ".github" / "workflows" / f"pam-{name}-production.yml" for name in ("watch", "after-deploy")
    )
    mine.write_text(mine.read_text("utf-8").replace("23 * * * *", "5 * * * *"), encoding="utf-8")
    before = mine.read_bytes()

    code, out, _ = run(today(), *asked, "--suite", SUITE.replace("a1", "b2"))

    assert code == 0
    assert mine.read_bytes() == before
    assert "pam-watch-production.yml: NOT touched" in out
    assert f"would be new: uses: wheels/pam-rollback/.github/workflows/watch.yml@{'b2' * 20}" in out
    assert f"after-deploy.yml@{'b2' * 20}" in theirs.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--workflows", "nowhere", "--suite", SUITE), "--workflows: expected the folder of the product's repository"),
        (("--workflows", "product", "--suite", "wheels/pam-rollback@main"), "--suite: expected OWNER/NAME@COMMIT"),
        (("--workflows", "product"), "this is no clone of GitHub's that says so"),
    ],
)
def test_workflows_that_would_call_nothing_are_refused(
    run: Run, repository: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    """Before the product is asked for anything, and nothing is written."""
    code, _, err = run(today(), *arguments)

    assert code == 1
    assert words in err
    assert not (tmp_path / "environments").exists()
    assert not (repository / ".github").exists()
