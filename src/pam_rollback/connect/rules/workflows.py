"""The workflows of a product's repository: each calls one of the suite's, of one commit, for one environment."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FOLDER = ".github/workflows"
SUITE = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{40})")
_REMOTE = re.compile(r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?")


@dataclass(frozen=True)
class _Called:
    """One of the suite's workflows, and when it runs in the product's repository."""

    about: str
    on: str
    given: str = ""
    """What it is given besides the environment, from the form that starts it by hand."""


def _form(name: str, description: str) -> str:
    given = f'        description: {description}\n        type: string\n        default: ""\n'
    return f"  workflow_dispatch:\n    inputs:\n      {name}:\n{given}"


_AFTER_DEPLOY = _Called(
    "After a deploy: is the release as good as the one before it? Start it from your deploy, or by hand.",
    _form("release", "what must be running"),
    "release",
)
_WATCH = _Called(
    "Is production well? A watch in turns; and once a day: could we roll back right now?",
    '  schedule:\n    - cron: "23 * * * *"\n    - cron: "41 5 * * *"\n  workflow_dispatch:\n',
)
_GATE = _Called(
    "May the candidate be deployed again?",
    _form("candidate", "a commit or its beginning, a tag, a branch, or a release"),
    "candidate",
)
_STAGING_DRILL = _Called(
    "Every week: a real rollback on staging, and its undo.",
    '  schedule:\n    - cron: "23 4 * * 2"\n  workflow_dispatch:\n',
)
_OF_KIND: Mapping[str, Mapping[str, _Called]] = {
    "production": {"after-deploy": _AFTER_DEPLOY, "watch": _WATCH},
    "staging": {"after-deploy": _AFTER_DEPLOY, "gate": _GATE, "staging-drill": _STAGING_DRILL},
}


def names_of(kind: str, environment: str) -> list[str]:
    """The files for an environment of this kind, by their paths below the repository."""
    return [_file(name, environment) for name in _OF_KIND[kind]]


def workflows(kind: str, environment: str, suite: str) -> dict[str, str]:
    """Their texts. ``suite`` is ``OWNER/NAME@COMMIT``."""
    return {
        _file(name, environment): _text(name, called, environment, suite) for name, called in _OF_KIND[kind].items()
    }


def suite_of(remote: str, commit: str) -> str:
    """``OWNER/NAME@COMMIT`` of a clone of GitHub's; empty where that cannot be told."""
    found = _REMOTE.fullmatch(remote.strip())
    said = f"{found[1]}@{commit.strip()}" if found else ""
    return said if SUITE.fullmatch(said) else ""


def lines_apart(there: str, body: str) -> Iterator[str]:
    """What would be new in a file that stays, line by line; comments and empty lines are no news."""
    now, new = ([line.rstrip() for line in text.splitlines()] for text in (there, body))
    for line in difflib.ndiff(now, new):
        if line.startswith("+ ") and line[2:].strip() and not line[2:].lstrip().startswith("#"):
            yield line[2:].strip()


def _file(name: str, environment: str) -> str:
    return f"{FOLDER}/pam-{name}-{environment}.yml"


def _text(name: str, called: _Called, environment: str, suite: str) -> str:
    repository, _, commit = suite.partition("@")
    given = f"      {called.given}: ${{{{ inputs.{called.given} }}}}\n" if called.given else ""
    return (
        f"# {called.about}\n"
        f"name: PAM {name} {environment}\n\n"
        f"on:\n{called.on}\n"
        "permissions: {}\n\n"
        f"jobs:\n  {name}:\n"
        "    permissions:\n      contents: write # refs/pam/state\n"
        f"    uses: {repository}/.github/workflows/{name}.yml@{commit}\n"
        f"    with:\n      environment: {environment}\n{given}      suite: {repository}\n"
        "    secrets: inherit # zizmor: ignore[secrets-inherit] those of this environment, to the commit that is named above\n"
    )
