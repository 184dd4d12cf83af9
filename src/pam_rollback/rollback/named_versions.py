"""Which version a deploy has, and when that tells which deploy answers: a product may name its version only, and no commit.

The version is known from the commit's own file, or from what answered while the deploy was with users. It proves nothing where another
deploy that could be answering has the same one, or may have.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pam_rollback.base.answer import read_json
from pam_rollback.product.served_release import Wanted
from pam_rollback.rollback.deploys import NEVER_LIVE, WERE_LIVE, Deploy

_ASSIGNED = re.compile(
    r"""^\s*(?:\w+_)?_*version_*\s*(?::\s*\w+\s*)?[=:]\s*["']([^"'\s]+)["']""", re.IGNORECASE | re.MULTILINE
)
_ALONE = re.compile(r"v?(\d+(?:\.\d+)*[^\s]*)")
_SHORTEST = 4
"""Digits of a commit that name it, as for a target."""
_SETTLED = timedelta(minutes=1)


@dataclass(frozen=True)
class Versions:
    """What is known: versions by commit, or by id where a deploy has none; and why it is not more."""

    known: Mapping[str, str]
    problem: str = ""

    def of(self, deploy: Deploy) -> str:
        """The deploy's version; empty when it is not known."""
        return self.known.get(_name(deploy), "")


VersionsOf = Callable[[Sequence[Deploy]], Versions]
"""Looks the versions of deploys up."""


def version_in(file: str, text: str) -> str:
    """The version that a file of this name gives: JSON and TOML by their key, code by its assignment, a plain file by its only line.

    Empty when it gives none, or several.
    """
    if file.endswith((".json", ".toml")):
        return _of_document(file, text)
    assigned = set(_ASSIGNED.findall(text))
    if assigned:
        return str(assigned.pop()) if len(assigned) == 1 else ""
    alone = _ALONE.fullmatch(text.strip())
    return alone[1] if alone else ""


def _of_document(file: str, text: str) -> str:
    try:
        document = read_json(text) if file.endswith(".json") else tomllib.loads(text)
    except ValueError:
        return ""
    if not isinstance(document, dict):
        return ""
    tool = document.get("tool")
    tables = [document, document.get("project"), tool.get("poetry") if isinstance(tool, dict) else None]
    named = [
        table[name] for table in tables if isinstance(table, dict) for name in ("version", "release") if name in table
    ]
    found = {value for value in named if isinstance(value, str)}
    return found.pop() if len(found) == 1 else ""


@dataclass(frozen=True)
class Sighting:
    """The version that the product named by a moment."""

    at: datetime
    version: str
    settled: timedelta = _SETTLED
    """For so long the deploy must have been with users by then: what was seen sooner may be the one before."""


def seen_versions(deploys: Sequence[Deploy], sightings: Iterable[Sighting]) -> dict[str, str]:
    """By commit, or by id where a deploy has none: what answered while it was with users. What contradicts itself is not known."""
    came = sorted(
        ((deploy.finished_at, deploy) for deploy in deploys if deploy.state in WERE_LIVE and deploy.finished_at),
        key=lambda pair: pair[0],
    )
    found: list[dict[str, str]] = []
    for sighting in sightings:
        before = [(moment, deploy) for moment, deploy in came if moment <= sighting.at]
        if before and sighting.version and sighting.at - before[-1][0] >= sighting.settled:
            found.append({_name(before[-1][1]): sighting.version})
    return agreed(*found)


def agreed(*sources: Mapping[str, str]) -> dict[str, str]:
    """What the sources say together; where two of them contradict each other, nothing is known."""
    said: dict[str, set[str]] = {}
    for source in sources:
        for name, version in source.items():
            said.setdefault(name, set()).add(version)
    return {name: versions.pop() for name, versions in said.items() if len(versions) == 1}


def named_deploy(name: str, deploys: Iterable[Deploy], versions: Versions) -> Deploy | None:
    """The first that has this id, a commit that begins so, or this version; None when none has."""
    return next(
        (
            deploy
            for deploy in deploys
            if name in {deploy.id, versions.of(deploy)}
            or (len(name) >= _SHORTEST and deploy.commit.startswith(name.lower()))
        ),
        None,
    )


def could_answer(commit: str, deploys: Sequence[Deploy]) -> list[Deploy]:
    """The deploys of other commits that may be what answers once this commit was deployed.

    They are the one that was with users before it, and all that came later: an earlier one would have to be deployed anew, and
    be listed again. One of which it is not told when it was made may be a later one.
    """
    ordered = sorted(deploys, key=lambda deploy: deploy.created_at or datetime.max.replace(tzinfo=UTC))
    ours = max((place for place, deploy in enumerate(ordered) if deploy.commit == commit), default=len(ordered))
    others = [
        (place, deploy)
        for place, deploy in enumerate(ordered)
        if deploy.commit != commit and deploy.state not in NEVER_LIVE
    ]
    earlier = [deploy for place, deploy in others if place < ours and deploy.state in WERE_LIVE]
    under_way = [deploy for place, deploy in others if place < ours and deploy.state not in WERE_LIVE]
    return [*earlier[-1:], *under_way, *(deploy for place, deploy in others if place > ours)]


def known_by_version(commit: str, deploys: Sequence[Deploy], versions: Versions) -> Wanted:
    """How the commit is known to whoever sees a version only; with the reason, where that version is no proof."""
    version = versions.known.get(commit, "")
    because = f" ({versions.problem})" if versions.problem else ""
    if not version:
        return Wanted(commit, no_proof=f"the version of commit {commit[:12]} is not known{because}")
    others = could_answer(commit, deploys)
    for deploy in others:
        if versions.of(deploy) == version:
            return Wanted(commit, version, no_proof=f"{deploy} has the version {version}, too")
    for deploy in others:
        if not versions.of(deploy):
            unknown = f"the version of {deploy} is not known{because}, and may be {version}, too"
            return Wanted(commit, version, no_proof=unknown)
    return Wanted(commit, version)


def _name(deploy: Deploy) -> str:
    return deploy.commit or deploy.id
