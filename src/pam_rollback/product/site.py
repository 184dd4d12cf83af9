"""The site as people see it: by what each element of its pages is found. Accessible names first, as a screen reader has them."""

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import model_validator

from pam_rollback.base.configuration import Table
from pam_rollback.environment.environment_tables import Text
from pam_rollback.product.conditions import Pattern

ElementName = Literal[
    "email",
    "password",
    "log_in",
    "log_out",
    "open_chat",
    "clear_chat",
    "chat_error",
    "message",
    "messages",
    "speak",
    "stop_speaking",
    "amount",
    "note",
    "add_expense",
    "expenses",
    "distance_unit",
    "save",
    "saved",
    "plan_trip",
]
"""``log_out`` ends a session; ``open_chat`` is the button that opens PAM where it has no page of its own, ``clear_chat`` the
one that asks whether all that was said may go, ``chat_error`` what tells that PAM did not answer."""
_WAYS = ("role", "label", "selector")


class Element(Table):
    """One element of a page: by its role (and accessible name), by its label, or by a CSS selector."""

    role: Literal["button", "link", "list", "listitem", "row", "status", "textbox", "combobox"] | None = None
    name: Text | None = None
    """The accessible name, or a part of it, whatever its case."""
    name_matches: Pattern | None = None
    """The accessible name or label by a regular expression, found anywhere in it."""
    label: Text | None = None
    selector: Text | None = None
    items: Literal["listitem", "row"] | None = None
    """What is meant are its members of this role."""
    within: Literal["main", "navigation"] | None = None
    """Only inside this landmark."""

    @model_validator(mode="after")
    def _one_way(self) -> "Element":
        given = [way for way in _WAYS if getattr(self, way) is not None]
        by_label = not given and self.name_matches is not None
        if len(given) != 1 and not by_label:
            raise ValueError(f"expected exactly one of {', '.join(_WAYS)}, found {' and '.join(given) or 'none'}")
        if self.name is not None and self.role is None:
            raise ValueError("name is the accessible name of a role: expected role, too")
        return self


def undescribed(elements: Mapping[ElementName, Element], wanted: Iterable[str]) -> list[str]:
    """Which of the wanted elements the contract does not describe, each once."""
    return [name for name in dict.fromkeys(wanted) if name not in elements]
