"""Which release answers, where no answer names its commit: its version, what differs between releases, the process's age, the host's word.

A version is known from the commit's own file, or from what answered while the deploy was with users. It proves nothing where another
deploy that could be answering has the same one, or may have.

What a fingerprint tells is known only as far as it was seen before: in a baseline, or when the session began. Strong is what was seen in an
answer to users; the word of the host is weak, because it is what a rollback is to be checked against (audit C12).
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pam_rollback.core.answer import read_json
from pam_rollback.rollback.deploys import LIVE, NEVER_LIVE, WERE_LIVE, Deploy
from pam_rollback.target.served_release import WEAK, Evidence, ReleaseProof, Says, Wanted

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


_CLOCKS_APART = timedelta(seconds=5)
"""What our clock and the host's may differ by."""
_WHOLE_SECONDS = timedelta(seconds=1)
"""What an age that is told in whole seconds, and travels for a moment, may be wrong by."""
_STARTS_WITHIN = timedelta(minutes=5)
"""For so long after a host calls a deploy live, the start of a process is that deploy's."""


@dataclass(frozen=True)
class MarksSeen:
    """What the back end's answers were like at a moment. A mark that did not answer is in ``problems``, with the reason."""

    at: datetime
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """By what they are of, such as ``/openapi.json``."""
    started_at: datetime | None = None
    """When the process started that answers; None where nothing tells."""
    problems: Mapping[str, str] = field(default_factory=dict)
    settled: timedelta = timedelta(minutes=1)
    """For so long a deploy must have been with users by then, to be the one that was seen."""

    @property
    def problem(self) -> str:
        """Why nothing answered at all; empty when something did, or nothing was asked."""
        if self.fingerprints or self.started_at is not None:
            return ""
        return "; ".join(f"{what}: {why}" for what, why in self.problems.items())


def prove(commit: str, deploys: Sequence[Deploy], now: MarksSeen, before: Iterable[MarksSeen]) -> ReleaseProof:
    """Hold what answers now against the deploy of a commit, by all that was seen before."""
    before = tuple(before)
    target = next((deploy for deploy in deploys if deploy.state == LIVE and commit and deploy.commit == commit), None)
    process = _process(now, target)
    is_new = any(one.says is Says.TARGET for one in process)
    known = sorted({name for seen in (now, *before) for name in seen.fingerprints})
    fingerprints = [
        _fingerprint(_Compared.of(name, commit, deploys, now, before), process_is_new=is_new) for name in known
    ]
    unread = [Evidence(name, Says.NOTHING, why) for name, why in now.problems.items() if name not in known]
    return ReleaseProof((_host(commit, deploys, target), *process, *fingerprints, *unread))


def _host(commit: str, deploys: Sequence[Deploy], target: Deploy | None) -> Evidence:
    if target is not None:
        since = f" since {_shown(target.finished_at)}" if target.finished_at is not None else ""
        return Evidence("the host", Says.TARGET, f"{target} is live{since}", WEAK)
    live = next((deploy for deploy in deploys if deploy.state == LIVE), None)
    found = f"live is {live}" if live is not None else "no deploy is live"
    return Evidence("the host", Says.OTHER, f"{found}, expected one of commit {commit[:12]}", WEAK)


def _process(now: MarksSeen, target: Deploy | None) -> tuple[Evidence, ...]:
    """A process that is older than the deploy is that of another one, whatever else it looks like."""
    if now.started_at is None or target is None or target.created_at is None:
        return ()
    by, started = "the process that answers", f"it started at {_shown(now.started_at)}"
    if now.started_at < target.created_at - _CLOCKS_APART:
        asked = f"before {target.id} was asked for at {_shown(target.created_at)}: another deploy still answers"
        return (Evidence(by, Says.OTHER, f"{started}, {asked}"),)
    if now.started_at < target.created_at - _WHOLE_SECONDS:
        about = f"about when {target.id} was asked for: the clocks of host and product do not tell which came first"
        return (Evidence(by, Says.NOTHING, f"{started}, {about}"),)
    if target.finished_at is not None and now.started_at <= target.finished_at + _STARTS_WITHIN:
        return (Evidence(by, Says.TARGET, f"{started}, as {target.id} was brought to users"),)
    later = f"long after {target.id} was brought to users: any release may have been started again"
    return (Evidence(by, Says.NOTHING, f"{started}, {later}"),)


@dataclass(frozen=True)
class _Compared:
    """One fingerprint of now beside those that were seen before."""

    name: str
    found: str
    own: str
    """The target's; empty where it was not seen."""
    others: Sequence[Deploy]
    same: Deploy | None
    """Another deploy that could answer, and has the same."""
    unseen: Deploy | None
    """Another deploy that could answer, whose fingerprint was never seen."""
    problem: str

    @classmethod
    def of(
        cls, name: str, commit: str, deploys: Sequence[Deploy], now: MarksSeen, before: Iterable[MarksSeen]
    ) -> "_Compared":
        seen = seen_versions(deploys, (Sighting(one.at, one.fingerprints.get(name, ""), one.settled) for one in before))
        found, others = now.fingerprints.get(name, ""), could_answer(commit, deploys)
        values = [(deploy, seen.get(deploy.commit or deploy.id, "")) for deploy in others]
        return cls(
            name,
            found,
            seen.get(commit, ""),
            others,
            same=next((deploy for deploy, value in values if value == found), None),
            unseen=next((deploy for deploy, value in values if not value), None),
            problem=now.problems.get(name, "it was not answered"),
        )


def _fingerprint(it: _Compared, *, process_is_new: bool) -> Evidence:
    if not it.found:
        return Evidence(it.name, Says.NOTHING, it.problem)
    says, why = _compared(it, process_is_new=process_is_new)
    return Evidence(it.name, says, why)


def _compared(it: _Compared, *, process_is_new: bool) -> tuple[Says, str]:
    """What a fingerprint says. One that the target shares, or may share, tells nothing."""
    if it.own and it.own != it.found:
        whose = f"that of {it.same}" if it.same is not None else "not the one that the target had when it was seen"
        return Says.OTHER, f"it is {whose}"
    if it.same is not None and not it.own and not process_is_new:
        return Says.OTHER, f"it is still that of {it.same}, and nobody saw that the target has the same"
    if it.same is not None:
        return Says.NOTHING, f"these releases cannot be told apart by it: {it.same} has the same"
    if it.unseen is not None or not it.others:
        other = f"that of {it.unseen}" if it.unseen is not None else "another one"
        return Says.NOTHING, f"{other} was not seen, and may be the same"
    if it.own:
        return Says.TARGET, "it is the target's, as it was seen before, and no other deploy that could answer has it"
    return Says.TARGET, f"it is no longer that of {' or '.join(map(str, it.others))}, and no other deploy could answer"


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S} UTC"
