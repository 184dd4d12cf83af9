"""Files, written all or not at all."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


class NotWritten(Exception):  # noqa: N818 - named by what happened
    """No file was changed. The message says which could not be written, and why."""


def text_of(path: Path) -> str | None:
    """What is there; None where nothing is. Raises NotWritten for what cannot be read: it is somebody's."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise NotWritten(
            f"{path}: expected a file that can be read, found {_said(error)}; look at it, or take another NAME"
        ) from None


def write_all(texts: Mapping[Path, str]) -> None:
    """Write every file, each in one piece. Raises NotWritten: then all are as they were."""
    drafts: dict[Path, Path] = {}
    done: list[tuple[Path, bytes | None]] = []
    path = Path()
    try:
        for path, text in texts.items():
            drafts[path] = _draft(path, text)
        for path, draft in drafts.items():
            before = path.read_bytes() if path.exists() else None
            draft.replace(path)
            done.append((path, before))
    except BaseException as error:  # also when somebody stops it in between
        for place, before in done:
            with suppress(OSError):
                _put_back(place, before)
        if not isinstance(error, OSError):
            raise
        raise NotWritten(
            f"{path}: expected room and the right to write, found {_said(error)}; nothing was written"
        ) from None
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _draft(path: Path, text: str) -> Path:
    """The whole text beside the file, on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _put_back(path: Path, before: bytes | None) -> None:
    if before is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(before)


def _said(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
