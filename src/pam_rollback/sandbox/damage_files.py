"""The files of the folder `damage`: which there are, and what one says."""

import re
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.sandbox.problems import RangeError

_FOLDER = Path(__file__).with_name("damage")
_SUMMARY = "-- summary: "
_SUPERUSER = "-- needs: superuser"
_SECTIONS = ("plant", "offenders", "heal")


@dataclass(frozen=True)
class Damage:
    """One damage. `offenders` is a query that gives a row for each thing that is wrong while it is planted."""

    name: str
    summary: str
    needs_superuser: bool
    plant: str
    offenders: str
    heal: str

    @property
    def identifier(self) -> str:
        """The name as a part of a schema's name."""
        return self.name.replace("-", "_")


def damage_names() -> tuple[str, ...]:
    """Every damage that there is."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.sql")))


def read_damage(name: str) -> Damage:
    """What the file of this damage says. Raises RangeError when there is none or a part of it is missing."""
    file = _FOLDER / f"{name}.sql"
    if name not in damage_names():
        raise RangeError(f"damage {name!r}", expected=f"one of {', '.join(damage_names())}", found="none such")
    head, *parts = re.split(r"^-- (plant|offenders|heal)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    first, *more = head.splitlines() or [""]
    sections = dict(zip(parts[::2], (text.strip() for text in parts[1::2]), strict=True))
    if not first.startswith(_SUMMARY) or tuple(parts[::2]) != _SECTIONS or not all(sections.values()):
        raise RangeError(
            str(file),
            expected=f"{_SUMMARY}…, then the sections {', '.join(_SECTIONS)}, each with statements",
            found=f"{first!r}, then {', '.join(parts[::2]) or 'no section'}",
        )
    return Damage(
        name=name,
        summary=first.removeprefix(_SUMMARY),
        needs_superuser=_SUPERUSER in more,
        plant=sections["plant"],
        offenders=sections["offenders"],
        heal=sections["heal"],
    )
