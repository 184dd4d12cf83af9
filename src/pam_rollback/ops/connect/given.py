"""What somebody says of the product that they connect, checked before anything is asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pam_rollback.core.addresses import is_encrypted, is_loopback, loopback_hint, web_address

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class CannotConnect(Exception):  # noqa: N818 - named by what happened
    """Nothing was written. The message says where, what was expected, what was found, and what to do."""

    def __init__(self, where: str, *, expected: str, found: str, advice: str) -> None:
        super().__init__(f"{where}: expected {expected}, found {found}.\n  {advice}\n  Nothing was written.")


@dataclass(frozen=True)
class Given:
    """All of it. Addresses without the slash at their ends; empty: not said."""

    frontend: str
    api: str
    name: str
    kind: str
    product: str
    """The contract, which is there already."""
    backend: str
    supabase: str
    """Empty: as the site's scripts name it."""
    hosts: Mapping[str, Mapping[str, str]]
    """By the name of the host: the keys of its table."""


def checked_name(name: str, what: str = "NAME") -> str:
    """A name for files and environments. Raises CannotConnect."""
    if not _NAME.fullmatch(name):
        raise CannotConnect(
            what,
            expected="small letters a to z, digits and dashes, 63 at most, such as staging",
            found=ascii(name),
            advice=f"Say {what}=staging: the file is called after it, and so is --env.",
        )
    return name


def checked_address(address: str, what: str) -> str:
    """An address of the product. Raises CannotConnect."""
    try:
        found = web_address(address)
    except ValueError as problem:
        expected, _, shown = str(problem).partition(", found ")
        raise CannotConnect(
            what, expected=expected.removeprefix("expected "), found=shown, advice=f"Say {what}=https://host."
        ) from None
    if not is_loopback(found) and not is_encrypted(found):
        raise CannotConnect(
            what,
            expected="https, except on this machine",
            found=found,
            advice=f"Say {what}=https://…, as users open it{loopback_hint(found)}.",
        )
    return found
