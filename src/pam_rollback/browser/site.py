"""Where the site is, how what it shows is found, and who visits it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pam_rollback.browser.journeys import Stopped
from pam_rollback.target.chat_answer import Intent
from pam_rollback.target.contract import Element, ElementName
from pam_rollback.target.environment_tables import Pages


@dataclass(frozen=True)
class Site:
    """The site of a product, for a person with a browser."""

    address: str
    pages: Pages
    elements: Mapping[ElementName, Element]
    within_s: float = 5.0
    """How long one step may take."""
    intent: Intent = "named"
    hosts: frozenset[str] = frozenset()
    """By name, those of the product beside the site's own."""
    services: tuple[str, ...] = ()
    """Whom its pages ask. While a question is held, nothing is written there but a sign-in."""
    login_path: str = ""
    chat_path: str = ""
    email: str = field(default="", repr=False)
    """Empty where there is no account."""
    password: str = field(default="", repr=False)
    why_not_signed_in: Callable[[Stopped], Exception] = lambda stop: stop
    """What a sign-in that stopped says: of the site, or that there were too many sign-ins, which says nothing of it."""
