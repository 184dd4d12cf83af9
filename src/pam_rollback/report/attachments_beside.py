"""Large attachments beside the Allure report instead of in it, and equal ones once: the report stays small enough to open at once.

What the run's folder has anyway, such as the prober's record, is not copied.

A test whose attachment lies beside has a link to it in its description.
"""

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pam_rollback.report.shared_folder import address

_EVIDENCE: Final = "allure"
"""Any folder of the report's: links start there."""
FOLDER: Final = "attachments"
LARGEST_INSIDE_BYTES: Final = 32 * 1024
"""What people read at a glance is below it: a list of barriers, a table, a message. Traces and records are far above."""
_TEXT: Final = frozenset({".jsonl", ".json", ".txt", ".csv", ".html", ".xml"})
"""Written compressed: a prober's record takes a tenth then."""


def staged(results: Path, work: Path, report: Path, pages: Mapping[str, str] = MappingProxyType({})) -> Path:
    """A copy of the results in ``work`` without large attachments, which go to ``report``. Gives its folder. Raises OSError.

    ``pages``: pages beside the report that are elsewhere, by name, with their address seen from the evidence.
    """
    copy = work / "results"
    copy.mkdir()
    large = {path.name for path in results.iterdir() if "-attachment" in path.name and _is_large(path)}
    own = _own_files(results, report) if large and results.parent == report.parent else {}
    links: dict[str, list[str]] = {}
    for path in results.iterdir():
        if path.name.endswith("-container.json") and large:
            container = _read(path)
            moved = list(_taken_out(container, large))
            if moved:
                for test in container.get("children", ()):
                    links.setdefault(str(test), []).extend(_beside(results, moved, report, own))
                _write(copy / path.name, container)
                continue
        if path.name not in large and not path.name.endswith("-result.json"):
            shutil.copyfile(path, copy / path.name)
    for path in results.glob("*-result.json"):
        result = _read(path)
        mentioned = [*links.get(str(result.get("uuid")), ()), *_beside(results, _taken_out(result, large), report, own)]
        description = said = str(result.get("description") or "")
        for page, there in pages.items():
            said = said.replace(f"](../{page}", f"]({there}")
        if mentioned or said != description:
            listed = "\n".join(dict.fromkeys(mentioned))
            result["description"] = f"{said}\n\n{listed}".strip()
            _write(copy / path.name, result)
        else:
            shutil.copyfile(path, copy / path.name)
    return copy


def _is_large(path: Path) -> bool:
    return path.stat().st_size > LARGEST_INSIDE_BYTES


def _taken_out(part: dict[str, Any], large: set[str]) -> Iterator[tuple[str, str]]:
    """Name and file of each large attachment; they are not in ``part`` any more."""
    kept = []
    for attachment in part.get("attachments", ()):
        if attachment.get("source") in large:
            yield str(attachment.get("name", "attachment")), str(attachment["source"])
        else:
            kept.append(attachment)
    if "attachments" in part:
        part["attachments"] = kept
    for inner in (*part.get("steps", ()), *part.get("befores", ()), *part.get("afters", ())):
        yield from _taken_out(inner, large)


def _own_files(results: Path, report: Path) -> dict[str, Path]:
    """The large files of the run's folder itself, by their digest."""
    found = sorted(path for path in results.parent.rglob("*") if path.is_file() and not path.is_symlink())
    return {
        _digest(path.read_bytes()): path
        for path in found
        if _is_large(path) and not path.is_relative_to(results) and not path.is_relative_to(report)
    }


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _beside(results: Path, moved: Iterable[tuple[str, str]], report: Path, own: Mapping[str, Path]) -> list[str]:
    """Puts each beside the report, once, unless the run's folder has it; gives the links in Markdown."""
    links = []
    for name, source in moved:
        body = (results / source).read_bytes()
        path = own.get(_digest(body)) or _put(body, Path(source).suffix, report)
        label = "".join(character for character in name if character not in "[]()\\`")
        links.append(f"[{label}]({address(path, seen_from=report / _EVIDENCE)}) ({len(body) // 1024} KB)")
    return links


def _put(body: bytes, suffix: str, report: Path) -> Path:
    packed = suffix in _TEXT
    path = report / FOLDER / f"{_digest(body)}{suffix}{'.gz' if packed else ''}"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(body, mtime=0) if packed else body)
    return path


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _write(path: Path, part: dict[str, Any]) -> None:
    path.write_text(json.dumps(part, ensure_ascii=False), encoding="utf-8")
