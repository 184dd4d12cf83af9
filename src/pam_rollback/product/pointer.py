"""Where a value stands in a JSON document: JSON Pointer (RFC 6901), so that a key with a dot or a slash can be named, too."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9]\d{0,8}")

Path = tuple[str | int, ...]
"""The steps to a value: keys of objects, places in lists."""


class Nowhere(LookupError):  # noqa: N818 - named by what was found
    """The document has nothing there. The message says how far the way went."""


def accepted(pointer: str) -> str:
    """The pointer itself. Raises ValueError when it is none."""
    if not _POINTER.fullmatch(pointer):
        raise ValueError(f'expected a JSON pointer such as "/checks/database/status", found {pointer!r}')
    return pointer


def steps_of(pointer: str) -> Sequence[str]:
    """The steps as they are written."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def written(path: Path) -> str:
    """The pointer of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def path_of(document: Any, pointer: str) -> Path:
    """The path that a pointer takes through this document. Raises Nowhere."""
    found, path = document, Path()
    for step in steps_of(pointer):
        if isinstance(found, dict) and step in found:
            key: str | int = step
        elif isinstance(found, list) and _INDEX.fullmatch(step) and int(step) < len(found):
            key = int(step)
        else:
            raise Nowhere(f"{written(path) or 'the answer'} has no {step!r}")
        found, path = found[key], (*path, key)
    return path


def value_at(document: Any, pointer: str) -> Any:
    """What stands there. Raises Nowhere."""
    found = document
    for step in path_of(document, pointer):
        found = found[step]
    return found


def has_value(document: Any, pointer: str) -> bool:
    """Whether there is a document, and something at that place."""
    try:
        value_at(document, pointer)
    except Nowhere:
        return False
    return document is not None


def leaves(document: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no object and no list, with its path."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from leaves(value, (*path, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from leaves(value, (*path, index))
    else:
        yield path, document
