"""Which migrations a release knows, by the files of its commit, where its answers do not say which it was built with.

What the running commit and the one before both know has to be applied: both of them worked with it. What only the running commit brought
may be applied or not, since a schema grows before a release or after it. Everything newer is of another release.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_FILE = re.compile(r"^(?P<version>\d+)[_-].*(?<!\.down)\.sql$")


@dataclass(frozen=True)
class KnownMigrations:
    """``needed`` is the newest that has to be there; empty where the commits share none. ``own`` are newer, and known to the release."""

    needed: str
    own: tuple[str, ...] = ()


def versions_in(files: Iterable[str]) -> frozenset[str]:
    """The versions of a folder's migrations: ``VERSION_NAME.up.sql``, or ``VERSION-some words.sql`` as Supabase has them."""
    return frozenset(found["version"] for file in files if (found := _FILE.match(file.rpartition("/")[2])))


def known(running: Collection[str], before: Collection[str]) -> KnownMigrations:
    """Of the versions in the running commit and in the one before it; the same ones twice where nothing was before."""
    shared = set(running) & set(before)
    needed = max(shared, default="")
    return KnownMigrations(needed, tuple(sorted(version for version in running if version > needed)))
