"""What the reports of several runs have in common lies once in a folder beside the runs: program, runbook, fault matrix.

Relative links lead to it, so that whoever copies the runs together with it has all of it. A name has the digest of what is in the file:
a run that was reported earlier keeps its own. ``make forget`` removes what no report refers to any more.
"""

import contextlib
import hashlib
import html
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

NAME: Final = "common"
_NAME: Final = re.compile(r".+-[0-9a-f]{12}(\..+)?")


@dataclass(frozen=True)
class SharedFolder:
    """The folder, which need not be there yet."""

    path: Path

    def keep(self, name: str, text: str) -> Path:
        """Where the text is now, under the name with its digest. Raises OSError."""
        stem, dot, suffix = name.partition(".")
        body = text.encode("utf-8")
        path = self.path / f"{stem}-{hashlib.sha256(body).hexdigest()[:12]}{dot}{suffix}"
        if not path.is_file() or path.stat().st_size != len(body):
            self.path.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        else:
            # So that it is not taken for old before the page that is being made refers to it.
            with contextlib.suppress(OSError):
                os.utime(path)
        return path

    def files(self) -> list[Path]:
        """What was kept; nothing else that may lie there, and no links. Raises OSError."""
        found = sorted(self.path.iterdir()) if self.path.is_dir() and not self.path.is_symlink() else []
        return [path for path in found if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()]

    def referred_to(self, runs: Iterable[Path]) -> set[str]:
        """The names of the files that a page of these folders leads to. Raises OSError: a page that cannot be read may lead to any."""
        names = {path.name: path.name.encode() for path in self.files()}
        found: set[str] = set()
        for folder in runs:
            for page in _pages_of(folder):
                body = page.read_bytes()
                found |= {name for name, written in names.items() if written in body}
        return found


def _pages_of(folder: Path) -> Iterator[Path]:
    """Every page of it. Raises OSError when a folder in it cannot be read."""

    def refuse(error: OSError) -> None:
        raise error

    for place, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(place) / name for name in names if name.endswith(".html"))


def address(path: Path, *, seen_from: Path) -> str:
    """The relative address of a file for a page in the folder ``seen_from``."""
    return quote(os.path.relpath(path, seen_from).replace(os.sep, "/"))


def script(to: str) -> str:
    """A script by its address; a page without it says what is missing instead of staying empty."""
    missing = (
        f"This page needs {to}, which is not here. Copy that folder together with the runs, "
        f"or build the report of this run alone: make report RUN=FOLDER"
    )
    said = html.escape(f"document.body.textContent={missing!r}")
    return f'<script src="{html.escape(to)}" onerror="{said}"></script>'


def signpost(to: str, title: str) -> str:
    """A page that leads to another, to the same section of it."""
    there = html.escape(to)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<script>location.replace({to!r}+location.hash)</script></head>"
        f'<body><p><a href="{there}">{html.escape(title)}</a></p></body></html>\n'
    )
