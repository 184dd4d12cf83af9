"""Which file of the folder is whose, by names alone: plan, products and environments are the repository's, checks are added to ours."""

from collections.abc import Collection, Mapping
from enum import Enum
from pathlib import PurePosixPath

from pam_rollback.outside.places import PLAN

TREE = ".pam-rollback"
OWN_FOLDERS = ("environments", "products", "checks")
"""What is taken from the repository, besides its plan."""
ALWAYS_OURS = "environments/sandbox.toml"
"""The only environment that needs no addresses. Where others run, only the repository says."""
_ONLY_OURS = "conftest.py"


class Whose(Enum):
    """Where a file of the folder comes from."""

    SUITE = "suite"
    REPOSITORY = "repository"


class NamesClash(Exception):  # noqa: N818 - named by what happened
    """A check of the repository has the name of one of the suite's. The message says which, and what to do."""


def laid_out(shipped: Collection[str], own: Collection[str]) -> Mapping[str, Whose]:
    """Each file of the folder, by its path, and whose it is. Raises NamesClash.

    A plan, a product or an environment of the repository goes before ours of the same name. A check never does: one that takes the place of
    ours would leave less judged, and nobody would see it.
    """
    clashing = sorted(name for name in own if _top(name) == "checks" and name in shipped)
    if clashing:
        raise NamesClash("; ".join(_clash(name) for name in clashing))
    ours = {name for name in shipped if _top(name) != "environments" or name == ALWAYS_OURS}
    theirs = {name for name in own if name == PLAN or _top(name) in OWN_FOLDERS}
    return {**dict.fromkeys(sorted(ours), Whose.SUITE), **dict.fromkeys(sorted(theirs), Whose.REPOSITORY)}


def _top(name: str) -> str:
    return PurePosixPath(name).parts[0]


def _clash(name: str) -> str:
    if PurePosixPath(name).name == _ONLY_OURS:
        return f"{name}: the suite has one there; put yours, with the checks that use it, into a folder below checks/"
    return f"{name}: the suite has a check of that name, and yours would hide it; give yours another name"
