"""The workflows of a product's repository: each calls one of the suite's, of one commit, for one environment or for all of them."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FOLDER = ".github/workflows"
_SECRETS = "    secrets: inherit # zizmor: ignore[secrets-inherit] only to the commit that is named above\n"
SUITE = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{40})")
_REMOTE = re.compile(r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?")


@dataclass(frozen=True)
class _Called:
    """One of the suite's workflows, and when it runs in the product's repository."""

    about: str
    on: str
    given: tuple[str, ...] = ()
    """What it is given besides the environment, from the form that starts it by hand."""
    run_name: str = ""
    """How its runs are called; ``{}`` is the environment."""
    rights: tuple[str, ...] = ("contents: write # refs/pam",)
    everywhere: bool = False
    """It is about no environment: one file, whatever is connected."""
    secrets: str = _SECRETS


def _form(name: str, description: str, *, required: bool = False) -> str:
    rest = "required: true" if required else 'default: ""'
    return f"      {name}:\n        description: {description}\n        type: string\n        {rest}\n"


_BY_HAND = "  workflow_dispatch:\n    inputs:\n"
_WHY = _form("reason", "why, for the journal and the team", required=True)
WAYS = (
    "feature-flag", "gradual", "emergency", "frontend-restore", "frontend-commit", "frontend-revert",
    "backend-provider", "backend-commit", "backend-branch", "full-system",
)  # fmt: skip
"""Of rolling back, as the suite's form has them."""
_AFTER_DEPLOY = _Called(
    "After a deploy: is the release as good as the one before it? Start it from your deploy, or by hand.",
    _BY_HAND + _form("release", "what must be running"),
    ("release",),
)
_WATCH = _Called(
    "Is production well? A watch in turns; and once a day: could we roll back right now?",
    '  schedule:\n    - cron: "23 * * * *"\n    - cron: "41 5 * * *"\n  workflow_dispatch:\n',
)
_GATE = _Called(
    "May the candidate be deployed again?",
    _BY_HAND + _form("candidate", "a commit or its beginning, a tag, a branch, or a release"),
    ("candidate",),
)
_STAGING_DRILL = _Called(
    "Every week: a drill on staging, which puts everything back. Its file says drills = true.",
    '  schedule:\n    - cron: "23 4 * * 2"\n  workflow_dispatch:\n',
    run_name="drill on {}",  # by which a rollback finds it, and cancels it
)
_ROLLBACK = _Called(
    "The real rollback: what would be done, a person's yes, then the rollback and its verification.",
    f"{_BY_HAND}      story:\n        description: the way\n        type: choice\n"
    f"        options: [{', '.join(WAYS)}]\n        required: true\n{_WHY}"
    + _form("to", "what to go back to; nothing for the rule")
    + "      beside_a_deploy:\n        description: go on although a deploy is in progress\n"
    "        type: boolean\n        default: false\n",
    ("story", "reason", "to", "beside_a_deploy"),
    "ROLLBACK of {} by ${{{{ inputs.story }}}}",
    ("contents: write # refs/pam", "actions: write # a drill is cancelled"),
)
_UNDO = _Called(
    "Puts back what a run left changed, by its journal.",
    _BY_HAND + _form("run", "the id of the run", required=True) + _WHY,
    ("run", "reason"),
    "undo ${{{{ inputs.run }}}} on {}",
)
_RAMP = _Called(
    "One invocation of the staged re-deployment; by schedule only while the variable PAM_RAMP says why.",
    f'  schedule:\n    - cron: "11,41 * * * *"\n{_BY_HAND}{_WHY}'
    + _form("approve", "'where a person''s yes is asked for: RA-4=who: why'"),
    ("reason", "approve"),
)
_NIGHTLY_DRILL = _Called(
    "Every night: all drills on the sandbox, so that their ages are known here.",
    '  schedule:\n    - cron: "17 3 * * *"\n  workflow_dispatch:\n',
    everywhere=True,
)
_PUBLISH_REPORTS = _Called(
    "The pages of a workflow run's sessions, where the team can read them: a public repository publishes to everybody.",
    _BY_HAND + _form("run", "the id of the workflow run that has the evidence", required=True),
    ("run",),
    rights=(
        "actions: read # the evidence of another run",
        "pages: write",
        "id-token: write # Pages asks who publishes",
    ),
    everywhere=True,
    secrets="",
)
_EVERYWHERE: Mapping[str, _Called] = {"nightly-drill": _NIGHTLY_DRILL, "publish-reports": _PUBLISH_REPORTS}
_OF_KIND: Mapping[str, Mapping[str, _Called]] = {
    "production": {
        "after-deploy": _AFTER_DEPLOY, "watch": _WATCH, "rollback": _ROLLBACK, "undo": _UNDO, "ramp": _RAMP, **_EVERYWHERE,
    },
    "staging": {
        "after-deploy": _AFTER_DEPLOY, "gate": _GATE, "staging-drill": _STAGING_DRILL,
        "rollback": _ROLLBACK, "undo": _UNDO, **_EVERYWHERE,
    },
}  # fmt: skip


def names_of(kind: str, environment: str) -> list[str]:
    """The files for an environment of this kind, by their paths below the repository."""
    return [_file(name, called, environment) for name, called in _OF_KIND[kind].items()]


def workflows(kind: str, environment: str, suite: str) -> dict[str, str]:
    """Their texts. ``suite`` is ``OWNER/NAME@COMMIT``."""
    return {
        _file(name, called, environment): _text(name, called, environment, suite)
        for name, called in _OF_KIND[kind].items()
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


def _file(name: str, called: _Called, environment: str) -> str:
    return f"{FOLDER}/pam-{name}.yml" if called.everywhere else f"{FOLDER}/pam-{name}-{environment}.yml"


def _text(name: str, called: _Called, environment: str, suite: str) -> str:
    repository, _, commit = suite.partition("@")
    title = f"PAM {name}" if called.everywhere else f"PAM {name} {environment}"
    run_name = f"run-name: {called.run_name.format(environment)}\n" if called.run_name else ""
    rights = "".join(f"      {right}\n" for right in called.rights)
    given = "" if called.everywhere else f"      environment: {environment}\n"
    given += "".join(f"      {one}: ${{{{ inputs.{one} }}}}\n" for one in called.given)
    return (
        f"# {called.about}\n"
        f"name: {title}\n{run_name}\n"
        f"on:\n{called.on}\n"
        "permissions: {}\n\n"
        f"jobs:\n  {name}:\n"
        f"    permissions:\n{rights}"
        f"    uses: {repository}/.github/workflows/{name}.yml@{commit}\n"
        + (f"    with:\n{given}" if given else "")
        + called.secrets
    )
