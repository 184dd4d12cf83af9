"""An element of a page, as the contract of the product describes it."""

import re

from playwright.sync_api import Locator, Page

from pam_rollback.product.rules.site import Element


def located(page: Page, element: Element, *, hidden_too: bool = False) -> Locator:
    """Where it is, whether it is there or not. ``hidden_too``: also one that nobody can see."""
    place: Page | Locator = page
    if element.within is not None:
        place = page.get_by_role(element.within, include_hidden=hidden_too)
    pattern = None if element.name_matches is None else re.compile(element.name_matches)
    if element.selector is not None:
        found = place.locator(element.selector)
    elif element.role is not None:
        found = place.get_by_role(element.role, name=pattern or element.name, include_hidden=hidden_too)
    else:
        found = place.get_by_label(pattern or element.label or "")
    return found if element.items is None else found.get_by_role(element.items, include_hidden=hidden_too)
