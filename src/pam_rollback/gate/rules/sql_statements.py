"""The statements of a migration, as far as it takes to name the one that did something."""

import re
from collections.abc import Collection, Sequence

from pam_rollback.gate.rules.migration_files import MigrationFile

_TOKEN = re.compile(
    r"(?P<remark>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*'|\"[^\"]*\"|(?P<tag>\$\w*\$).*?(?P=tag))|(?P<end>;)",
    re.DOTALL,
)
_SHOWN = 160
_QUOTED = re.compile(r'"(\w+)"')


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


def words_in(message: str) -> set[str]:
    """What PostgreSQL names in a message, which it puts into quotes."""
    return set(_QUOTED.findall(message))


def blamed(pending: Sequence[MigrationFile], names: Collection[str]) -> str:
    """The migration and its statement that speaks of most of these names, the last one of equals; empty when none speaks of any."""
    wanted = {name.lower() for name in names}
    best, most = "", 0
    for migration in pending:
        for statement in statements(migration.up):
            spoken = len(wanted & set(re.findall(r"\w+", statement.lower())))
            if spoken and spoken >= most:
                shown = statement if len(statement) <= _SHOWN else statement[: _SHOWN - 1] + "…"
                best, most = f"{migration}: {shown}", spoken
    return best
