"""The workflows that a product's repository gets: they call what the suite has, with what it takes, at a commit that stays what it is."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pam_rollback.connect.rules.workflows import SUITE, WAYS, lines_apart, names_of, suite_of, workflows

OWN = Path(__file__).resolve().parents[3] / ".github" / "workflows"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
AT = f"wheels/pam-rollback@{COMMIT}"


def read(text: str) -> Any:
    """As the service reads it."""
    return YAML(typ="safe").load(text)


@pytest.mark.parametrize("kind", ["production", "staging"])
def test_each_calls_what_is_there_with_what_it_takes(kind: str) -> None:
    """A workflow of the suite that may be called, its inputs, no more rights than it has, and a commit instead of a branch."""
    made = workflows(kind, "here", AT)

    assert [*made] == names_of(kind, "here")
    for text in made.values():
        [job] = read(text)["jobs"].values()
        where, _, commit = job["uses"].partition("@")
        called = read((OWN / where.rpartition("/")[2]).read_text(encoding="utf-8"))
        inputs = called["on"]["workflow_call"]["inputs"]
        needed = {name for name, one in inputs.items() if one.get("required")}
        given = job.get("with", {})
        assert needed <= {*given} <= {*inputs}
        assert (where.rpartition("/.github/")[0], commit) == tuple(AT.split("@"))
        assert given.get("environment") == ("here" if "environment" in inputs else None)
        granted = [own.get("permissions", called["permissions"]) for own in called["jobs"].values()]
        for own in granted:
            assert all(job["permissions"].get(right) in (level, "write") for right, level in own.items())
        assert job["permissions"].items() <= {pair for own in granted for pair in own.items()}
        assert ("secrets" in job) == ("secrets." in str(called["jobs"]) or "$/" in str(called["jobs"]))


@pytest.mark.parametrize("kind", ["production", "staging"])
def test_a_form_is_that_of_the_suite(kind: str) -> None:
    """What a person fills in, and that all of it reaches the workflow that is called; the ways too."""
    for name, text in workflows(kind, "here", AT).items():
        here = read(text)
        [job] = here["jobs"].values()
        own = read((OWN / job["uses"].partition("@")[0].rpartition("/")[2]).read_text(encoding="utf-8"))
        form, theirs = ((one["on"]["workflow_dispatch"] or {}).get("inputs", {}) for one in (here, own))
        assert form.keys() <= theirs.keys(), name
        assert {*form} == {*job.get("with", {})} - {"environment"}
        for field, asked in form.items():
            assert asked.get("required") == theirs[field].get("required")
            assert asked.get("options") == theirs[field].get("options")
    assert [*WAYS] == read((OWN / "rollback.yml").read_text("utf-8"))["on"]["workflow_dispatch"]["inputs"]["story"][
        "options"
    ]


def test_a_rollback_finds_the_drill_that_it_cancels() -> None:
    """By the title of its run, which is the caller's."""
    [drill] = [read(text) for name, text in workflows("staging", "here", AT).items() if "staging-drill" in name]
    script = (OWN / "rollback.yml").read_text(encoding="utf-8")

    assert drill["run-name"] == "drill on here"
    assert 'select(.displayTitle | startswith("drill on "))' in script
    assert read((OWN / "staging-drill.yml").read_text("utf-8"))["run-name"].startswith("drill on ")


def test_all_that_a_product_can_use_is_offered() -> None:
    """Every workflow of the suite, but those of its own changes and the one that the others call; what is no environment's is one file."""
    kinds = ("production", "staging")
    offered = {name: text for kind in kinds for name, text in workflows(kind, kind, AT).items()}
    called = {next(iter(read(text)["jobs"])) for text in offered.values()}

    assert {path.stem for path in OWN.glob("*.yml")} - called == {"pull-request", "session"}
    everywhere = {name for name in offered if not name.endswith(tuple(f"-{kind}.yml" for kind in kinds))}
    assert {Path(name).stem for name in everywhere} == {"pam-nightly-drill", "pam-publish-reports"}
    assert everywhere == {*workflows("production", "p", AT)} & {*workflows("staging", "s", AT)}


def test_production_is_watched_and_never_drilled() -> None:
    """The schedule tells turn and preflight apart, as in the workflow that is called."""
    made = workflows("production", "production", AT)
    [watch] = [read(text) for name, text in made.items() if "watch" in name]

    assert not any("staging-drill" in name or "gate" in name for name in made)
    assert watch["on"]["schedule"] == read((OWN / "watch.yml").read_text(encoding="utf-8"))["on"]["schedule"]


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/wheels/pam-rollback.git",
        "https://x-access-token:abc@github.com/wheels/pam-rollback",
        "git@github.com:wheels/pam-rollback.git",
        "ssh://git@github.com/wheels/pam-rollback",
    ],
)
def test_the_clone_says_which_suite_it_is(remote: str) -> None:
    """Without what stands before the host."""
    assert suite_of(remote + "\n", COMMIT) == AT
    assert SUITE.fullmatch(AT)


@pytest.mark.parametrize(
    ("remote", "commit"),
    [
        ("", COMMIT),
        ("https://gitlab.com/wheels/pam-rollback.git", COMMIT),
        ("https://github.com.example.org/wheels/pam-rollback", COMMIT),
        ("/srv/git/pam-rollback.git", COMMIT),
        ("git@github.com:wheels/pam-rollback.git", COMMIT[:7]),
        ("git@github.com:wheels/pam-rollback.git", ""),
    ],
)
def test_what_does_not_say_so_is_no_suite(remote: str, commit: str) -> None:
    """Somebody has to name it."""
    assert suite_of(remote, commit) == ""


def test_comments_are_no_news() -> None:
    """What a workflow does is."""
    assert [*lines_apart("a: 1\n# mine\nb: 2\n", "# theirs\na: 1\n\nb: 3\n")] == ["b: 3"]
    assert [*lines_apart("a: 1\n", "a: 1\n")] == []
