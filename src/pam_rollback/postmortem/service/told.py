"""What providers and flags told, read from the files of the collection; a file that is not there, or half written, tells nothing."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pam_rollback.postmortem.rules.timeline import Event


def events_told(material: Path) -> Iterator[Event]:
    """Events of the providers and of the flags, from the files of the collection."""
    yield from _by_hosts(material / "providers")
    history = material / "configuration" / "flag-history.csv"
    if history.is_file():
        with history.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                at = _moment(row["changed_at"])
                if at is not None:
                    yield Event(
                        at, "flags", f"{row['action']} by {row['initiated_by']} {row['reason']}".strip(), history.name
                    )


def _by_hosts(folder: Path) -> Iterator[Event]:
    for path in sorted(folder.glob("*-events.json")):
        host = path.stem.removesuffix("-events")
        for event in _listed(path):
            at = _moment(event.get("at"))
            if at is not None:
                words = f"{host}: {event.get('type')} {_brief(event.get('details'))}"
                yield Event(at, "provider", words, path.name)
    for path in sorted(folder.glob("*-deploys.json")):
        host = path.stem.removesuffix("-deploys")
        for deploy in _listed(path):
            words = (
                f"{host}: deploy {deploy.get('id')} ({deploy.get('state')}, commit {str(deploy.get('commit'))[:12]})"
            )
            for key, what in (("created_at", "begins"), ("finished_at", "done")):
                at = _moment(deploy.get(key))
                if at is not None:
                    yield Event(at, "provider", f"{words} {what}", path.name)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _listed(path: Path) -> Iterable[Mapping[str, Any]]:
    found = read_json(path)
    return found if isinstance(found, list) else ()


def read_json(path: Path) -> Any:
    """What the file holds; None where it holds nothing."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _brief(details: Any) -> str:
    return json.dumps(details, ensure_ascii=False) if details else ""
