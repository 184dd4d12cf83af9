"""Which product the sandbox shows: the one that the rollback plan assumes, or today's, as awkward as it was seen to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Product = Literal["pam-plan", "pam-today"]


@dataclass(frozen=True)
class Personality:
    """What one product has and another has not. What it answers, and how, is the code of its own routes."""

    name: Product
    tells_release: bool
    """Whether answers, pages and a file of the site name the release that gave them."""
    has_flags: bool
    """Whether features are switched by flags; else they are constants of the code."""
    has_wide_settings: bool
    """One row of settings for each user, a column for each kind; else a row for each setting."""
    apologises: bool
    """Whether chat answers 200 with an apology where the model cannot be reached."""
    needs_database_to_start: bool
    believes_every_token: bool
    """Whether the account that a token claims is believed, whoever signed it: a door that is open in every release."""
    bans_scanners: bool
    """Whether an address that asks for many different paths is refused everywhere for an hour."""
    talks_on_socket: bool
    """Whether the page says on a WebSocket what somebody says to PAM."""


PAM_PLAN = Personality(
    "pam-plan",
    tells_release=True,
    has_flags=True,
    has_wide_settings=False,
    apologises=False,
    needs_database_to_start=False,
    believes_every_token=False,
    bans_scanners=False,
    talks_on_socket=False,
)
PAM_TODAY = Personality(
    "pam-today",
    tells_release=False,
    has_flags=False,
    has_wide_settings=True,
    apologises=True,
    needs_database_to_start=True,
    believes_every_token=True,
    bans_scanners=True,
    talks_on_socket=True,
)
PERSONALITIES: Mapping[Product, Personality] = {found.name: found for found in (PAM_PLAN, PAM_TODAY)}
