"""Facts of the whole session that Allure reads from files beside its results."""

import json
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from pam_rollback.base.outside_text import visible


def write_environment(results: Path, facts: Mapping[str, str]) -> Path:
    """Writes ``environment.properties``: what the report shows as metadata. The caller keeps secrets out."""
    lines = [f"{_escaped(name, key=True)} = {_escaped(visible(value), key=False)}\n" for name, value in facts.items()]
    return _write(results / "environment.properties", "".join(lines))


def write_recommendation(results: Path, *, name: str, text: str, status: str) -> Path:
    """Writes what a decision session recommends as a result of its own, since no test says it: it stands beside them in the report."""
    identifier = str(uuid.uuid4())
    attachment = _write(results / f"{identifier}-attachment.txt", text)
    now_ms = int(time.time() * 1000)
    result = {
        "uuid": identifier,
        "name": name,
        "fullName": "recommendation",
        "historyId": "recommendation",
        "status": status,
        "stage": "finished",
        "statusDetails": {"message": name},
        "start": now_ms,
        "stop": now_ms,
        "labels": [{"name": "epic", "value": "Recommendation"}, {"name": "suite", "value": "Recommendation"}],
        "attachments": [{"name": "recommendation.txt", "source": attachment.name, "type": "text/plain"}],
    }
    return _write(results / f"{identifier}-result.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def write_died(results: Path, nodeid: str, *, name: str, labels: Iterable[tuple[str, str]], message: str) -> Path:
    """Writes the result of a test whose process died before it wrote one."""
    path, _, function = nodeid.partition("::")
    full_name = f"{path.removesuffix('.py').replace('/', '.')}#{function.rpartition('::')[2].partition('[')[0]}"
    now_ms = int(time.time() * 1000)
    result = {
        "uuid": str(uuid.uuid4()),
        "name": name,
        "fullName": full_name,
        "historyId": nodeid,
        "status": "broken",
        "stage": "finished",
        "statusDetails": {"message": message},
        "start": now_ms,
        "stop": now_ms,
        "labels": [{"name": label, "value": value} for label, value in labels],
    }
    return _write(results / f"{result['uuid']}-result.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _escaped(text: str, *, key: bool) -> str:
    """One key or value of a properties file: only ASCII, with the separators of a key escaped."""
    special = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if key:
        special |= {character: f"\\{character}" for character in " =:#!"}
    body = "".join(special.get(character, character) for character in text)
    if body.startswith(" "):
        body = f"\\{body}"
    return "".join(character if character.isascii() else _utf16_escape(character) for character in body)


def _utf16_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))
