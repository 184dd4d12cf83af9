"""What is known of the versions of deploys, and how the back end is recognised where it names its version and no commit."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from pam_rollback.base.errors import ActionFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.product.served_release import BACK_END, Served, Wanted
from pam_rollback.product.served_release_reader import ServedApi
from pam_rollback.rollback.deploys import BackendHost, Deploy
from pam_rollback.rollback.git import open_repository
from pam_rollback.rollback.named_versions import (
    Sighting,
    Versions,
    agreed,
    could_answer,
    known_by_version,
    seen_versions,
    version_in,
)
from pam_rollback.rollback.provider_access import git_command
from pam_rollback.rollback.release_marks import MarkedApi
from pam_rollback.rollback.release_proof import MarksSeen, prove


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
    host: BackendHost
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
