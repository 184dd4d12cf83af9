"""Migrations as files: what a folder holds, and which of them a deploy applies to the database.

Two forms. With ways back: ``VERSION_NAME.up.sql`` and ``VERSION_NAME.down.sql``. Supabase's, where no file has one: ``VERSION_NAME.sql``,
with hyphens or blanks as people write them, and with versions that several files have.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pam_rollback.core.errors import MeasurementFailed

_TOKEN = re.compile(
    r"(?P<remark>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*'|\"[^\"]*\"|(?P<tag>\$\w*\$).*?(?P=tag))|(?P<end>;)",
    re.DOTALL,
)


def statements(script: str) -> tuple[str, ...]:
    """Each on one line and without remarks; a semicolon within quotes, dollar quotes or remarks ends none."""
    found, current, position = [], "", 0
    for token in _TOKEN.finditer(script):
        current += script[position : token.start()] + (token["text"] or " ")
        position = token.end()
        if token["end"]:
            found.append(current)
            current = ""
    return tuple(line for one in (*found, current + script[position:]) if (line := " ".join(one.split())))


_FILE = re.compile(r"^(?P<version>\d+)(?P<mark>[_-])(?P<name>[\w .-]+?)(\.(?P<way>up|down))?\.sql$")
_APPLIED_BY_SUPABASE = "_"
"""The Supabase command line applies ``VERSION_NAME.sql`` only, and passes over other names without an error."""
_SHOWN = 3


@dataclass(frozen=True)
class MigrationFile:
    """One step of the schema, and the way back from it; ``down`` is None where there is none."""

    version: str
    name: str
    up: str
    down: str | None
    mark: str = "_"
    """What stands between the two in the file's name."""

    def __str__(self) -> str:
        return f"{self.version}{self.mark}{self.name}"


def migrations_in(files: Mapping[str, str], place: str) -> tuple[MigrationFile, ...]:
    """The migrations of a folder, in the order of their names. Raises MeasurementFailed with everything that cannot be understood."""
    found = {file: match for file in sorted(files) if (match := _FILE.match(file))}
    ways: dict[tuple[str, str, str], dict[str, str]] = {}
    for file, match in found.items():
        ways.setdefault((match["version"], match["mark"], match["name"]), {})[match["way"] or "up"] = files[file]
    versions = [version for version, _, _ in ways]
    problems = []
    if not found or any(match["way"] for match in found.values()):
        problems += [
            f"{file}: expected VERSION_NAME.up.sql or VERSION_NAME.down.sql" for file in files if file not in found
        ]
        problems += [f"{one}: two migrations have this version" for one in set(versions) if versions.count(one) > 1]
    problems += [
        f"{version}{mark}{name}: has a way back and no way there"
        for (version, mark, name), way in ways.items()
        if "up" not in way
    ]
    if not files:
        problems.append("expected migrations, found none; is [git] migrations_folder right?")
    if problems:
        raise MeasurementFailed(f"{place}: {'; '.join(sorted(problems))}")
    return tuple(
        MigrationFile(version, name, way["up"], way.get("down"), mark) for (version, mark, name), way in ways.items()
    )


def one_way(migrations: Sequence[MigrationFile]) -> bool:
    """Whether the product's migrations have no ways back at all. One that lacks its own among others is a fault of that one."""
    return all(migration.down is None for migration in migrations)


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


def edited(migrations: Sequence[MigrationFile], before: Mapping[str, str]) -> str:
    """What is wrong with those that do other than under the same version in the release before; empty: nothing.

    ``before`` has its files with their texts. Remarks and blanks do nothing, and a way back may still be mended.
    """
    known: dict[str, dict[str, str]] = {}
    for file, text in before.items():
        if (match := _FILE.match(file)) and match["way"] != "down":
            known.setdefault(match["version"], {})[match["name"]] = text
    other = [
        one
        for one in migrations
        if (old := known.get(one.version))
        and statements(one.up)
        not in {statements(text) for text in ([old[one.name]] if one.name in old else old.values())}
    ]
    if not other:
        return ""
    return (
        f"{_few(other)}: the release before has it with another text, so it was applied as it stood there and never will be again: "
        "put the old text back, and write a new migration for what is to change"
    )


@dataclass(frozen=True)
class ToApply:
    """What a deploy of the candidate applies, and what had to be assumed to know it."""

    migrations: tuple[MigrationFile, ...]
    problem: str = ""
    """Why not all of them will ever be applied as they are named; empty: they will."""
    assumed: tuple[str, ...] = field(default=())


def to_apply(
    migrations: Sequence[MigrationFile], applied: Collection[str], before: Mapping[str, str] | None
) -> ToApply:
    """In Supabase's form: what the candidate brings beyond the release before, by its file names, and nobody noted as applied.

    ``before`` has the files of the release before with their texts, and is None where that release is not known; then it is what nobody
    noted. Raises MeasurementFailed when the database has what only the candidate brings.
    """
    brought, assumed, taken = pending_of(migrations, applied), [], list[MigrationFile]()
    if before is not None:
        old = {(match["version"], match["mark"], match["name"]) for file in before if (match := _FILE.match(file))}
        old_versions = {version for version, _, _ in old}
        brought = tuple(one for one in migrations if (one.version, one.mark, one.name) not in old)
        kept = [one for one in migrations if one not in brought]
        if problem := edited(kept, before):
            return ToApply(brought, problem)
        refuse_seen(
            {one.version for one in brought} - old_versions, pending_of(brought, applied), back_to="the release before"
        )
        taken = [one for one in brought if one.version in old_versions]
        if unnoted := pending_of(kept, applied):
            assumed.append(
                f"{len(unnoted)} older migrations are noted nowhere and taken as applied, "
                f"since the stable release has them: {_few(unnoted)}"
            )
    if passed_over := [one for one in brought if one.mark != _APPLIED_BY_SUPABASE]:
        assumed.append(
            f"`supabase db push` passes over {_few(passed_over)}, which has no underscore after its version: apply it by hand"
        )
    versions, problem = [one.version for one in brought], ""
    if twice := [one for one in brought if versions.count(one.version) > 1]:
        problem = f"{_few(twice)} have the same version, of which the database notes only one: give each its own"
    if taken:
        problem = f"{_few(taken)}: an older migration has the same version, so it counts as applied and never will be: give it its own"
    return ToApply(brought, problem, tuple(assumed))


def _few(migrations: Sequence[MigrationFile]) -> str:
    more = f" and {len(migrations) - _SHOWN} more" if len(migrations) > _SHOWN else ""
    return ", ".join(map(str, migrations[:_SHOWN])) + more


def wanted_of(
    migrations: Sequence[MigrationFile], applied: Collection[str], before: Mapping[str, str] | None, commit_before: str
) -> ToApply:
    """Return what the copy lacks, in either form. Raises MeasurementFailed when it has what only the candidate brings.

    ``before`` has the files of the release before with their texts, and is None where that release is not known.
    """
    if one_way(migrations):
        return to_apply(migrations, applied, before)
    pending = pending_of(migrations, applied)
    problem = edited(migrations, before or {})
    if problem:
        return ToApply(pending, problem)
    if before is not None:
        brought = {migration.version for migration in migrations} - {name.partition("_")[0] for name in before}
        refuse_seen(brought, pending, back_to=f"commit {commit_before[:12]}")
    elif not pending:
        raise MeasurementFailed(
            "the copy has every migration of the candidate, and which of them the release before has cannot be told "
            "(no earlier deploy is known): whether this deploy can be taken back was not tried"
        )
    return ToApply(pending)
