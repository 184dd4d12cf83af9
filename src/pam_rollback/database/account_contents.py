"""What the test account itself is shown, held against how it was: rows and fields by fingerprints alone, so that no record has its words.

Rows that came since are set aside: the account goes on living. One that came since and is older than the record, or names another owner,
is somebody else's. Fields that a release does not show are not compared, nor those that move by themselves.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.core.figures import Measured, listed

Contents = Mapping[str, Sequence[Mapping[str, Any]]]
"""By the name of the operation: rows, or the one thing that it gives."""
ROWS_MAX = 1000
"""So many are asked for. What a longer list does not show is not known."""
_OF_THE_SUITE = re.compile(r"rollback|ledger-")
"""In the name of a setting, or at the beginning of an expense's description: ours, and cleared away."""
_MOVES = re.compile(r"(^id|_at|^last_\w+|_count|_seen)$")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_CLOCKS = timedelta(hours=1)
"""A row is older than the record when it is by more than clocks differ."""


class RecordedContents(BaseModel):
    """Of a moment. Kept in a file beside a baseline."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    taken_at: Annotated[datetime, Field(strict=False)]
    salt: str
    rows: dict[str, dict[str, dict[str, str]]]
    """By operation and the fingerprint of a row's id: that of each field."""


def recorded(given: Contents, *, taken_at: datetime, salt: str) -> RecordedContents:
    """How it is now."""
    rows = {
        name: {_print(row.get("id"), salt): _fields(row, salt) for row in found if not _is_ours(row)}
        for name, found in given.items()
    }
    return RecordedContents(taken_at=taken_at, salt=salt, rows=rows)


def changed(
    before: RecordedContents, given: Contents, unread: Mapping[str, str], *, user_id: str, cleared: Collection[str]
) -> Measured:
    """Count what is shown otherwise now. ``cleared``: lists that people may empty, so that all of it may be gone.

    The number is not known where nothing differs, and something could not be read or nothing was compared.
    """
    found, unknown = list[str](), list[str]()
    for name, was in before.rows.items():
        if name not in given:
            unknown.append(f"{name}: {unread.get(name, 'it is not read')}")
            continue
        now = {_print(row.get("id"), before.salt): row for row in given[name]}
        gone = was.keys() - now.keys()
        if gone and len(now) >= ROWS_MAX:
            unknown.append(
                f"{len(gone)} of {len(was)} {name}: not among the {ROWS_MAX} that are shown; clear away what the test "
                "account no longer needs"
            )
        elif gone and not (name in cleared and len(gone) == len(was)):
            found.append(f"{len(gone)} of {len(was)} {name} are gone")
        for key in was.keys() & now.keys():
            fields = _fields(now[key], before.salt)
            others = [field for field in was[key].keys() & fields.keys() if was[key][field] != fields[field]]
            if others:
                which = f" {now[key]['id']}" if "id" in now[key] and len(now) > 1 else ""
                found.append(f"{name}{which} has another {', '.join(sorted(others))}")
        found += (
            f"{name} {row.get('id')} {why}"
            for key, row in now.items()
            if key not in was
            for why in _foreign(row, before.taken_at, user_id)
        )
    n, said = sum(map(len, before.rows.values())), (*found, *(f"not known of {why}" for why in unknown))
    since = f"the baseline of {before.taken_at:%Y-%m-%d %H:%M} UTC"
    same = f"{n} rows and things are shown to the test account as in {since}"
    other = f"the test account is shown something else than in {since}: {listed(said) or 'nothing to compare'}"
    return Measured(
        "what the test account is shown, changed since the baseline",
        asked="0",
        value=len(found) if found or (n and not unknown) else None,
        n=n,
        sentence=other if said or not n else same,
    )


def _foreign(row: Mapping[str, Any], taken_at: datetime, user_id: str) -> Iterator[str]:
    if str(row.get("user_id", user_id)) != user_id:
        yield "names another owner"
    try:
        created = datetime.fromisoformat(str(row.get("created_at")))
    except ValueError:
        return
    if created.replace(tzinfo=created.tzinfo or UTC) < taken_at - _CLOCKS:
        yield "is older, and was not there"


def _is_ours(row: Mapping[str, Any]) -> bool:
    return _OF_THE_SUITE.match(str(row.get("description", ""))) is not None


def _fields(row: Mapping[str, Any], salt: str) -> dict[str, str]:
    return {
        name: _print(value, salt)
        for name, value in row.items()
        if not _MOVES.search(name) and not _OF_THE_SUITE.search(name)
    }


def _print(value: Any, salt: str) -> str:
    return sha256(f"{salt}{_normal(value)}".encode()).hexdigest()[:16]


def _normal(value: Any) -> str:
    """Equal for what is equal, however a release writes it: 12.5 and "12.50"."""
    if isinstance(value, dict):
        return str(sorted((name, _normal(one)) for name, one in value.items()))
    if isinstance(value, list):
        return str([_normal(one) for one in value])
    text = str(value)
    return f"{Decimal(text).normalize():f}" if _NUMBER.fullmatch(text) else text
