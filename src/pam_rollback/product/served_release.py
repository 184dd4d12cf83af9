"""Which release users really get: by what is served to them, never by a provider's status (audit C12)."""

from dataclasses import dataclass

from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.product.release_evidence import ReleaseProof

_SHORTEST_COMMIT = 7


@dataclass(frozen=True)
class Wanted:
    """How the target release is known from outside. What is empty is not looked at; something has to be there."""

    commit: str = ""
    version: str = ""
    page_sha256: str = ""
    """The front end's page as the target has it, from the deploy's own address."""
    no_proof: str = ""
    """Why the version alone does not prove it, where the site names nothing else. A version that differs always disproves it."""

    def __str__(self) -> str:
        parts = (
            ("release", self.version),
            ("commit", self.commit[:12]),
            ("a page with SHA-256", self.page_sha256[:12]),
        )
        return ", ".join(f"{name} {value}" for name, value in parts if value) or "nothing to recognise it by"


@dataclass(frozen=True, repr=False)
class Served(Sentence):
    """What one of the two sites serves, held against what is wanted."""

    site: str
    """``FRONT_END`` or ``BACK_END``."""
    wanted: Wanted
    commit: str = ""
    version: str = ""
    page_sha256: str = ""
    problem: str = ""
    """Why nothing was served that names a release."""
    cause: str = ""
    """What stood in its way, and in that of others."""
    proof: ReleaseProof | None = None
    """Where no answer is meant to name a release: what tells instead. Nothing else counts then."""

    @property
    def is_wanted(self) -> bool:
        """It is the target: everything by which both are known agrees, and there is at least one such thing that proves it."""
        if self.proof is not None:
            return self.proof.proven and not self.problem
        return self._agrees and bool(self._proofs)

    @property
    def only_the_host_says(self) -> bool:
        """Nothing that users get names a release or tells two apart: that it is the target, the host says, and nobody contradicts."""
        return self.proof is not None and self.proof.only_the_hosts_word and not self.problem

    @property
    def holds(self) -> bool:
        """It is the target, as far as anybody can tell; ``unproven`` says how far that is."""
        return self.is_wanted or self.only_the_host_says

    @property
    def contradicted(self) -> bool:
        """The host says so, and what users get says otherwise; or the host itself says otherwise."""
        return self.proof is not None and bool(self.proof.against)

    @property
    def is_another(self) -> bool:
        """What users get is known, and it is not the target."""
        return self.contradicted or (self.proof is None and not self.problem and not self._agrees)

    @property
    def unproven(self) -> str:
        """A condition of the verdict: what is believed without having been seen; empty when there is nothing."""
        return f"{self}" if self.only_the_host_says else ""

    @property
    def cannot_be_told(self) -> bool:
        """What is served may be the target or another deploy: it names its version only, and that is no proof here."""
        return self._agrees and not self._proofs and bool(self.version and self.wanted.no_proof)

    @property
    def _agrees(self) -> bool:
        """Nothing that is served contradicts what is wanted."""
        wanted = self.wanted
        commits_agree = not (wanted.commit and self.commit) or same_commit(wanted.commit, self.commit)
        pairs = [(wanted.version, self.version), (wanted.page_sha256, self.page_sha256)]
        return not self.problem and commits_agree and all(asked == found for asked, found in pairs if asked and found)

    @property
    def _proofs(self) -> list[str]:
        """What both are known by, and tells the target from every other deploy."""
        pairs = [(self.wanted.commit, self.commit), (self.wanted.page_sha256, self.page_sha256)]
        if not self.wanted.no_proof:
            pairs.append((self.wanted.version, self.version))
        return [found for asked, found in pairs if asked and found]

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(what=f"release that {self.site} serves", asked=str(self.wanted), measured=self._found(), n=1)

    def __str__(self) -> str:
        if self.proof is not None and not self.problem:
            return self._by_proof(self.proof)
        if self.is_wanted:
            return f"{self.site} serves {self._found()}"
        if self.cannot_be_told:
            return (
                f"{self.site} serves {self._found()} and names no commit, expected {self.wanted}: whether it is that cannot be told, "
                f"{self.wanted.no_proof}"
            )
        return f"{self.site} serves {self._found()}, expected {self.wanted}"

    def _by_proof(self, proof: ReleaseProof) -> str:
        if proof.proven:
            return f"{self.site} serves {self.wanted}: {proof}"
        if proof.only_the_hosts_word:
            return f"that {self.site} serves {self.wanted} only its host says: {proof}"
        return f"{self.site} does not serve {self.wanted}: {proof}"

    def _found(self) -> str:
        if self.proof is not None and not self.problem:
            told = f"{self.wanted}, says the host" if self.only_the_host_says else "something else"
            return str(self.wanted) if self.proof.proven else told
        if self.problem:
            return f"nothing that names a release ({self.problem})"
        return str(Wanted(commit=self.commit, version=self.version, page_sha256=self.page_sha256))


def same_commit(one: str, other: str) -> bool:
    """Whether two hashes, one of which may be shortened, are of one commit. Too short a hash is of none."""
    shorter, longer = sorted((one.lower(), other.lower()), key=len)
    return len(shorter) >= _SHORTEST_COMMIT and longer.startswith(shorter)
