"""Reads the fields of a provider's JSON: each is what its document says, or the error names it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pam_rollback.base.errors import ProviderError

Complaint = Callable[[str, object], ProviderError]
"""Makes the error from what was expected and what was found."""


@dataclass(frozen=True)
class JsonObject:
    """One JSON object, and who complains about it. ``what`` names it in messages, such as "a deploy"."""

    document: Mapping[str, Any]
    what: str
    complaint: Complaint

    @classmethod
    def of(cls, document: object, what: str, complaint: Complaint) -> "JsonObject":
        """Take what should be an object."""
        if not isinstance(document, dict):
            raise complaint(f"expected {what} as a JSON object", _shown(document))
        return cls(document, what, complaint)

    def text(self, name: str) -> str:
        """A text that has to be there."""
        value = self.document.get(name)
        if not isinstance(value, str) or not value:
            raise self._wrong(name, "a text", value)
        return value

    def text_or_none(self, name: str) -> str:
        """A text; empty where it is null or absent."""
        value = self.document.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "a text or null", value)
        return value or ""

    def truth(self, name: str) -> bool:
        """A truth value; false where it is null or absent."""
        value = self.document.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "true, false or null", value)
        return bool(value)

    def moment(self, name: str) -> datetime | None:
        """A moment with its time zone; None where it is null or absent."""
        value = self.text_or_none(name)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise self._wrong(name, "a moment (RFC 3339)", value) from None
        if moment.tzinfo is None:
            raise self._wrong(name, "a moment with its time zone", value)
        return moment

    def inner(self, name: str) -> "JsonObject | None":
        """An object in it; None where it is null or absent."""
        value = self.document.get(name)
        return None if value is None else JsonObject.of(value, f"{self.what} with {name!r}", self.complaint)

    def inside(self, name: str) -> "JsonObject":
        """An object in it that has to be there."""
        found = self.inner(name)
        if found is None:
            raise self._wrong(name, "an object", None)
        return found

    def same(self, name: str, expected: str) -> None:
        """Refuse an answer about something else."""
        found = self.text(name)
        if found != expected:
            raise self.complaint(
                f"expected {self.what} with {name} {expected}", f"{name} {found}: its answer is about something else"
            )

    def _wrong(self, name: str, expected: str, found: object) -> ProviderError:
        shown = (
            _shown(found) if name in self.document else f"none among {', '.join(sorted(self.document)) or 'no fields'}"
        )
        return self.complaint(f"expected {self.what} with {name!r} as {expected}", shown)


def _shown(value: object) -> str:
    return repr(value)
