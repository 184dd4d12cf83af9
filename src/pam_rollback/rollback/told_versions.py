"""How the back end is recognised where it names no commit: by its version, as far as those of deploys are known, or by its marks.

Marks are fingerprints of answers, and how old the process is (``release_proof`` says what they prove).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any, get_args

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import ActionFailed
from pam_rollback.http.client import all_at_once, fetch
from pam_rollback.rollback.deploys import Deploy, ServiceHost
from pam_rollback.rollback.git import open_repository
from pam_rollback.rollback.provider_access import git_command
from pam_rollback.rollback.release_proof import (
    MarksSeen,
    Sighting,
    Versions,
    agreed,
    could_answer,
    known_by_version,
    prove,
    seen_versions,
    version_in,
)
from pam_rollback.target.conditions import Nowhere, value_at
from pam_rollback.target.contract import BACKEND, Mark
from pam_rollback.target.contract import Site as PartOfProduct
from pam_rollback.target.environment import Environment
from pam_rollback.target.served_release import BACK_END, Served, Wanted
from pam_rollback.target.served_release_reader import ServedApi


@dataclass(frozen=True)
class MarkedApi:
    """The back end as a client gets it. ``urls`` are by the site of a mark; paths are asked once each, side by side."""

    marks: Sequence[Mark]
    urls: Mapping[str, str]
    deadline_s: float = 5.0

    def look(self) -> MarksSeen:
        """Ask once."""
        addresses = {self._address(mark) for mark in self.marks}
        answers = all_at_once({url: partial(fetch, url, deadline_s=self.deadline_s) for url in addresses})
        at = datetime.now(UTC)
        fingerprints: dict[str, str] = {}
        problems: dict[str, str] = {}
        started_at = None
        for mark in self.marks:
            value, why = _value(mark, answers[self._address(mark)])
            if why:
                problems[mark.title] = why
            elif mark.tells == "release":
                fingerprints[mark.title] = sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
            elif isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
                started_at = at - timedelta(seconds=value)
            else:
                problems[mark.title] = f"expected seconds, found {str(value)[:40]!r}"
        return MarksSeen(at, fingerprints, started_at, problems)

    def _address(self, mark: Mark) -> str:
        return f"{self.urls[mark.site]}{mark.path}"


def marked_api(environment: Environment) -> MarkedApi | None:
    """What tells releases of the back end apart; None where its answers name one."""
    contract = environment.contract
    if contract.health[BACKEND].names_release:
        return None
    urls = {site: str(getattr(environment.urls, site)) for site in get_args(PartOfProduct)}
    marks = [mark for mark in contract.marks if urls[mark.site]]
    return MarkedApi(marks, urls, environment.probing.request_deadline_s)


def _value(mark: Mark, answer: Answer) -> tuple[Any, str]:
    """What the mark is in this answer, or why there is none."""
    if answer.problem or answer.http_status != HTTPStatus.OK:
        return None, answer.problem or f"HTTP {answer.http_status}"
    if mark.header:
        found = answer.headers.get(mark.header.lower())
        return found, "" if found is not None else f"no header {mark.header}"
    if answer.json is None:
        return None, f"not JSON but {answer.content_type or 'no content type'}"
    try:
        return value_at(answer.json, mark.pointer), ""
    except Nowhere as nowhere:
        return None, str(nowhere)


@dataclass
class VersionSources:
    """Where versions are known from: the commit's own file, where ``[git] version_file`` names one, and what answered before.

    The repository is asked when somebody needs a version, and for each commit once; while it does not answer, it is asked again.
    """

    environment: Environment
    sightings: Callable[[], Iterable[Sighting]] = tuple
    _read: dict[str, str] = field(default_factory=dict, init=False)

    def of(self, deploys: Sequence[Deploy], commits: Iterable[str] | None = None) -> Versions:
        """The versions of all these deploys, or of some commits. Whatever cannot be known is left out."""
        wanted = (deploy.commit for deploy in deploys) if commits is None else commits
        problem = self._read_from_repository(set(wanted) - {""})
        from_files = {commit: version for commit, version in self._read.items() if version}
        return Versions(agreed(from_files, seen_versions(deploys, self.sightings())), problem)

    def _read_from_repository(self, commits: set[str]) -> str:
        git = self.environment.git
        if git is None or not git.version_file:
            return f"{self.environment.name} names no [git] version_file"
        unread = commits - set(self._read)
        if not unread:
            return ""
        try:
            with open_repository(git_command(self.environment)) as repository:
                texts = repository.file_in(unread, git.version_file)
        except ActionFailed as error:
            return str(error)
        self._read |= {commit: version_in(git.version_file, texts.get(commit, "")) for commit in unread}
        return ""


@dataclass(frozen=True)
class ApiLook:
    """Says which release answers, held against a commit; by its version where no commit is named and the version is proof."""

    api: ServedApi
    host: ServiceHost
    sources: VersionSources
    marks: MarkedApi | None = None
    """What tells releases apart where no answer names one: then versions, which are constants, are not asked."""
    marks_seen: Callable[[], Iterable[MarksSeen]] = tuple

    def __call__(self, commit: str) -> Served:
        """Look once. Who names a commit is not asked about any further."""
        if self.marks is not None:
            return self._by_marks(commit, self.marks)
        served = self.api.look(Wanted(commit=commit))
        if served.problem or served.commit or not served.version:
            return served
        try:
            deploys = self.host.deploys()
        except ActionFailed as error:
            return replace(
                served, wanted=Wanted(commit, no_proof=f"the deploys that could answer are not known: {error}")
            )
        others = [deploy.commit for deploy in could_answer(commit, deploys)]
        versions = self.sources.of(deploys, [commit, *others])
        return replace(served, wanted=known_by_version(commit, deploys, versions))

    def _by_marks(self, commit: str, marks: MarkedApi) -> Served:
        now, wanted = marks.look(), Wanted(commit)
        try:
            proof = prove(commit, self.host.deploys(), now, self.marks_seen())
        except ActionFailed as error:
            return Served(BACK_END, wanted, problem=f"what its host says is live is not known: {error}")
        return Served(BACK_END, wanted, problem=now.problem, proof=proof)
