"""The files of the folder `damage`: which there are, and what one says."""

import re
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.sandbox.problems import SandboxError

_FOLDER = Path(__file__).with_name("damage")
_SUMMARY = "-- summary: "
_SUPERUSER = "-- needs: superuser"
_TODAY = "-- product: pam-today"
_SECTIONS = ("plant", "offenders", "heal")


@dataclass(frozen=True)
class Damage:
    """One damage. `offenders` is a query that gives a row for each thing that is wrong while it is planted."""

    name: str
    summary: str
    needs_superuser: bool
    is_for_today: bool
    """Whether it is done to tables as only today's product has them."""
    plant: str
    offenders: str
    heal: str

    @property
    def identifier(self) -> str:
        """The name as a part of a schema's name."""
        return self.name.replace("-", "_")


def damage_names(*, of_today: bool = False) -> tuple[str, ...]:
    """Every damage that can be done to the plan's product, and where it is asked for those to today's tables alone, too."""
    known = sorted(file.stem for file in _FOLDER.glob("*.sql"))
    return tuple(name for name in known if of_today or not read_damage(name).is_for_today)


def read_damage(name: str) -> Damage:
    """What the file of this damage says. Raises SandboxError when there is none or a part of it is missing."""
    file = _FOLDER / f"{name}.sql"
    known = damage_names(of_today=True)
    if name not in known:
        raise SandboxError(f"damage {name!r}", expected=f"one of {', '.join(known)}", found="none such")
    head, *parts = re.split(r"^-- (plant|offenders|heal)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    first, *more = head.splitlines() or [""]
    sections = dict(zip(parts[::2], (text.strip() for text in parts[1::2]), strict=True))
    if not first.startswith(_SUMMARY) or tuple(parts[::2]) != _SECTIONS or not all(sections.values()):
        raise SandboxError(
            str(file),
            expected=f"{_SUMMARY}…, then the sections {', '.join(_SECTIONS)}, each with statements",
            found=f"{first!r}, then {', '.join(parts[::2]) or 'no section'}",
        )
    return Damage(
        name=name,
        summary=first.removeprefix(_SUMMARY),
        needs_superuser=_SUPERUSER in more,
        is_for_today=_TODAY in more,
        plant=sections["plant"],
        offenders=sections["offenders"],
        heal=sections["heal"],
    )
