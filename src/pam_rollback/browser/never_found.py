"""Why an element that the contract describes is not on a page: the page is broken, or it is not the page that was described.

Only what speaks for a broken page is evidence of one. A page that is well and has other elements than the contract says is neither good
nor bad: nobody knows which of the two is out of date.
"""

from dataclasses import dataclass

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.product.front_page import PageContent, shortcoming_of_rendered


class NotAsDescribed(MeasurementFailed):
    """A page that is well has no such element: the page has changed, or the contract."""


@dataclass(frozen=True)
class PageSigns:
    """What a page was like when the wait for one of its elements was over."""

    content: PageContent
    hidden: bool = False
    """The element is in the page, and nobody can see it."""
    failed: tuple[str, ...] = ()
    """Since the page was opened: errors of its scripts, and requests of its own that failed or were refused."""
    unanswered: tuple[str, ...] = ()
    """Its own requests that still wait for an answer."""

    @property
    def broken(self) -> str:
        """What is wrong with the page itself, in words; empty when nothing is."""
        if shortcoming := shortcoming_of_rendered(self.content):
            return shortcoming
        if self.hidden:
            return "it is in the page, and cannot be seen"
        if self.failed:
            return self.failed[0]
        return f"still no answer to {self.unanswered[0]}" if self.unanswered else ""
