"""``python -m tests.licences``: whether every installed package has a licence that a project under MIT may depend on."""

import re
import sys
from importlib.metadata import Distribution, distributions

ALLOWED = re.compile(
    r"\b(MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla Public|LGPL|ZPL|Zope|0BSD|Zlib|CC0|Unlicense|DFSG|Artistic)\b",
    re.IGNORECASE,
)
EXCEPTIONS = {"axe-playwright-python": "MIT by its repository; its metadata names none"}
"""Packages whose metadata says nothing, with where the licence stands."""
_SHOWN_CHARACTERS = 60


def licence_of(package: Distribution) -> str:
    """What its metadata says, by expression, classifier or free text; empty where it says nothing."""
    told = package.metadata
    classifiers = [one for one in told.get_all("Classifier") or () if one.startswith("License")]
    texts = (told.get_all("License-Expression") or [], classifiers, told.get_all("License") or [])
    return next((found for found in map("; ".join, texts) if found), "")


def problems() -> list[str]:
    """One line for each package that may not be depended on, or whose licence is not known."""
    found = []
    for package in sorted(distributions(), key=lambda one: one.metadata["Name"].lower()):
        name, licence = package.metadata["Name"], licence_of(package)
        if name not in EXCEPTIONS and not ALLOWED.search(licence):
            found.append(
                f"{name} {package.version}: expected a permissive licence, found {licence[:_SHOWN_CHARACTERS]!r}"
            )
    return found


if __name__ == "__main__":
    found = problems()
    sys.stdout.write("\n".join(found) + "\n" if found else "every licence is one that may be depended on\n")
    sys.exit(bool(found))
