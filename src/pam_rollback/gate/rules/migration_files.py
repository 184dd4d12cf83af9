"""Migrations as files: what a folder holds, and which of them the database does not have yet."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.core.errors import MeasurementFailed

_FILE = re.compile(r"^(?P<version>\d+)_(?P<name>\w+?)(\.(?P<way>up|down))?\.sql$")


@dataclass(frozen=True)
class MigrationFile:
    """One step of the schema, and the way back from it; ``down`` is None where there is none."""

    version: str
    name: str
    up: str
    down: str | None

    def __str__(self) -> str:
        """For messages."""
        return f"{self.version}_{self.name}"


def migrations_in(files: Mapping[str, str], place: str) -> tuple[MigrationFile, ...]:
    """The migrations of a folder, the oldest first. Raises MeasurementFailed with everything that cannot be understood.

    ``VERSION_NAME.up.sql`` and ``VERSION_NAME.down.sql``; a ``VERSION_NAME.sql`` alone has no way back.
    """
    ways: dict[tuple[str, str], dict[str, str]] = {}
    problems = []
    for file, text in sorted(files.items()):
        found = _FILE.match(file)
        if found is None:
            problems.append(f"{file}: expected VERSION_NAME.up.sql or VERSION_NAME.down.sql")
            continue
        ways.setdefault((found["version"], found["name"]), {})[found["way"] or "up"] = text
    versions = [version for version, _ in ways]
    problems += [
        f"{version}: two migrations have this version" for version in set(versions) if versions.count(version) > 1
    ]
    problems += [
        f"{version}_{name}: has a way back and no way there" for (version, name), way in ways.items() if "up" not in way
    ]
    if not files:
        problems.append("expected migrations, found none; is [git] migrations_folder right?")
    if problems:
        raise MeasurementFailed(f"{place}: {'; '.join(sorted(problems))}")
    return tuple(
        MigrationFile(version, name, way["up"], way.get("down")) for (version, name), way in sorted(ways.items())
    )


def pending_of(migrations: Sequence[MigrationFile], applied: Collection[str]) -> tuple[MigrationFile, ...]:
    """Those that the database does not have yet, the oldest first."""
    return tuple(migration for migration in migrations if migration.version not in applied)


def refuse_seen(brought: Collection[str], pending: Sequence[MigrationFile], *, back_to: str) -> None:
    """Raise MeasurementFailed when the copy has migrations that only the candidate brings: whether they can be rolled back is not tried."""
    seen = sorted(set(brought) - {migration.version for migration in pending})
    if seen:
        raise MeasurementFailed(
            f"the copy has {', '.join(seen)} already, which {back_to} does not have, so taking it back was not tried; "
            "make the copy of a database that the candidate has not seen"
        )
