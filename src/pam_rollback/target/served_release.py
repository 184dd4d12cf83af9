"""Which release users really get: by what is served to them, never by a provider's status (audit C12)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from pam_rollback.core.figures import Fact, Measured

FRONT_END, BACK_END = "the front end", "the back end"
FRONT_PAGE = "the front page"
"""What visitors are given: a cache may have another release's, whatever the front end says of itself."""
_SITES = ("frontend", "backend")
_FORMS = "one RELEASE for both sites, or frontend=RELEASE and backend=RELEASE"


@dataclass(frozen=True)
class ExpectedReleases:
    """By site. Empty: nobody said, and then the answers can only be held against each other."""

    frontend: str = ""
    backend: str = ""

    @classmethod
    def named(cls, texts: Sequence[str]) -> "ExpectedReleases":
        """As people name them: ``RELEASE`` for all of it, or ``frontend=RELEASE`` and ``backend=RELEASE``. Raises ValueError."""
        found: dict[str, str] = {}
        for text in texts:
            site, equals, release = text.rpartition("=")
            if not release.strip() or (equals and site not in _SITES):
                raise ValueError(f"{text!r}: expected {_FORMS}")
            for each in [site] if equals else _SITES:
                if each in found:
                    raise ValueError(f"{text!r}: the {each} is named twice, {found[each]} before; expected {_FORMS}")
                found[each] = release.strip()
        return cls(**found)

    @property
    def apart(self) -> tuple[str, ...]:
        """The sites that were named one by one."""
        return tuple(site for site in _SITES if getattr(self, site)) if self.frontend != self.backend else ()

    def told(self, found: Mapping[str, str]) -> str:
        """Which part names which release, and which each should, in words."""
        parts: dict[str, list[str]] = {}
        for name, release in found.items():
            parts.setdefault(release or "none", []).append(name)
        named = "; ".join(f"{release}: {', '.join(names)}" for release, names in parts.items())
        wanted = [f"{name} {one}" for name, one in ((FRONT_END, self.frontend), (BACK_END, self.backend)) if one]
        return f"the parts name releases {named}" + (f"; expected of {', of '.join(wanted)}" if wanted else "")

    def left_behind(self, found: Mapping[str, str]) -> dict[str, str]:
        """The parts that serve something else than they should, with what they serve; by their names, ``FRONT_END`` among them.

        Where nobody said, every part that does not agree with all others counts; one that names no release always does.
        """
        wanted = {name: self.frontend if name in {FRONT_END, FRONT_PAGE} else self.backend for name in found}
        if not any(wanted.values()):
            return dict(found) if len(set(found.values())) > 1 or not all(found.values()) else {}
        return {name: release for name, release in found.items() if not release or release != (wanted[name] or release)}


STRONG, WEAK = "strong: seen in an answer to users", "weak: the host's word"


class Says(Enum):
    """For which release something speaks."""

    TARGET = "the target"
    OTHER = "another one"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Evidence:
    """One thing that speaks for the target or for another release, or tells nothing."""

    by: str
    says: Says
    why: str
    strength: str = STRONG

    def __str__(self) -> str:
        return f"{self.by}: {self.why}" + ("" if self.says is Says.NOTHING else f" ({self.strength})")


@dataclass(frozen=True)
class ReleaseProof:
    """All that is known of whether the deploy of a commit is what answers."""

    evidence: tuple[Evidence, ...]

    @property
    def against(self) -> tuple[Evidence, ...]:
        """What contradicts it, however much else agrees."""
        return tuple(one for one in self.evidence if one.says is Says.OTHER)

    @property
    def proven(self) -> bool:
        """Nothing contradicts it, and something that users get shows it."""
        return bool(self.proven_by)

    @property
    def proven_by(self) -> tuple[str, ...]:
        """What users get that shows it, where nothing contradicts it."""
        return () if self.against else tuple(one.by for one in self._for if one.strength == STRONG)

    @property
    def only_the_hosts_word(self) -> bool:
        """Nothing contradicts it, and the host says so, and nobody else."""
        return not self.against and not self.proven and bool(self._for)

    @property
    def _for(self) -> list[Evidence]:
        return [one for one in self.evidence if one.says is Says.TARGET]

    def __str__(self) -> str:
        """What tells most comes first: contradictions, then what agrees."""
        order = (Says.OTHER, Says.TARGET, Says.NOTHING)
        return "; ".join(map(str, sorted(self.evidence, key=lambda one: order.index(one.says))))


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
class Served(Fact):
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
        return bool(self.proven_by)

    @property
    def proven_by(self) -> tuple[str, ...]:
        """What tells it from every other deploy, and is the target's; nothing where something contradicts that."""
        if self.proof is not None:
            return () if self.problem else self.proof.proven_by
        return tuple(self._proofs) if self._agrees else ()

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
    def measured(self) -> Measured:
        """The release that is served."""
        what = f"release that {self.site} serves"
        return Measured(what, str(self.wanted), self._found(), n=1, sentence=self._sentence, cause=self.cause)

    @property
    def _sentence(self) -> str:
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
