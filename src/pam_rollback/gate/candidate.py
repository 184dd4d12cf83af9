"""Which commit is to be deployed again."""

from dataclasses import dataclass

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.product.served_release import Served, same_commit


@dataclass(frozen=True)
class Candidate:
    """The commit that the gate is about, and how it is known."""

    commit: str
    version: str
    """Empty when nobody told."""
    why: str
    served: bool
    """Both sites of the environment serve it now: what is measured there is said of it."""

    def __str__(self) -> str:
        """For the terminal, before anything is tested."""
        return f"candidate: {f'release {self.version}, ' if self.version else ''}commit {self.commit[:12]} ({self.why})"

    def refuse_absent(self, environment: str) -> None:
        """Raise MeasurementFailed where the environment serves something else: nothing that is measured there is said of the candidate."""
        if not self.served:
            raise MeasurementFailed(
                f"{environment} does not serve the candidate ({self.commit[:12]}), so nothing that is seen there says anything of it; "
                f"deploy it to {environment} first"
            )


def candidate_of(found: str | None, asked: str, site: Served, api: Served) -> Candidate:
    """``found`` is the commit that ``--to`` (``asked``) names, if any. Without ``--to`` it is what both sites serve.

    Raises MeasurementFailed when that cannot be told, with what was seen.
    """
    served = [one for one in (site, api) if one.commit]
    if asked:
        named = found or next((one.commit for one in served if one.version == asked), None)
        if named is None:
            raise MeasurementFailed(
                f"--to {asked}: expected a commit or its beginning, a tag, a branch, or the release that is served; the repository "
                f"has none; {site}; {api}"
            )
        here = len(served) == 2 and all(same_commit(named, one.commit) for one in served)  # noqa: PLR2004 - both sites
        version = next((one.version for one in served if same_commit(named, one.commit)), "")
        return Candidate(named, version, f"--to {asked}", here)
    if not served or not same_commit(served[0].commit, served[-1].commit):
        raise MeasurementFailed(
            f"which commit is the candidate cannot be told from what is served: {site}; {api}; name it with --to"
        )
    commit = max((one.commit for one in served), key=len)
    return Candidate(commit, served[0].version, "it is served now", len(served) == 2)  # noqa: PLR2004 - both sites
