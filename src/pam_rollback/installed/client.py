"""The folder on the disk: links, made so that two sessions that begin at once do each other no harm."""

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from pam_rollback.installed.rules import TREE

_NOT_LOOKED_INTO = {"node_modules", "__pycache__"}
_DRAFT = ".draft-"
_IGNORED = {"reports/.gitignore": "out/\nstate/\n", f"{TREE}/.gitignore": "*\n"}


def files_below(folder: Path, *parts: str) -> Iterator[str]:
    """The files below these parts of the folder, by their paths from it; nothing hidden and no compiled modules."""
    for part in parts:
        place = folder / part
        if place.is_file():
            yield part
        for found, folders, files in os.walk(place):
            folders[:] = sorted(name for name in folders if name not in _NOT_LOOKED_INTO and not name.startswith("."))
            yield from ((Path(found) / name).relative_to(folder).as_posix() for name in sorted(files) if _is_seen(name))


def _is_seen(name: str) -> bool:
    return not name.startswith(".") or name == ".npmrc"


def link(tree: Path, wanted: Mapping[str, Path]) -> None:
    """Make the folder hold links to these, and no other links. Raises OSError."""
    for found in [path for path in _links_in(tree) if path.relative_to(tree).as_posix() not in wanted]:
        found.unlink(missing_ok=True)
    for name, target in wanted.items():
        path = tree / name
        if path.is_symlink() and path.readlink() == target:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{_DRAFT}{secrets.token_hex(4)}")
        draft.symlink_to(target)
        draft.replace(path)


def _links_in(tree: Path) -> Iterator[Path]:
    for found, folders, files in os.walk(tree):
        names = (
            name for name in [*folders, *files] if not name.startswith(_DRAFT)
        )  # another session makes it just now
        yield from (path for name in names if (path := Path(found) / name).is_symlink())
        folders[:] = [name for name in folders if name not in _NOT_LOOKED_INTO]


def bring_home(tree: Path, repository: Path, *parts: str) -> None:
    """Move what a command wrote below these parts of the folder into the repository. Raises OSError."""
    for name in [name for name in files_below(tree, *parts) if not (tree / name).is_symlink()]:
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).replace(repository / name)


def keep_out_of_git(repository: Path) -> None:
    """Runs and links are not for the repository's history. Raises OSError."""
    for name, text in _IGNORED.items():
        path = repository / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
