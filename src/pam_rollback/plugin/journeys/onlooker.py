"""Somebody without an account, who opens the pages that need none and sees the site, or an error in its place."""

from pam_rollback.core.environment import Environment
from pam_rollback.core.front_page import shortcoming_of_rendered
from pam_rollback.core.journeys import PagesSeen
from pam_rollback.plugin.journeys.walking import DESKTOP, NewContext, tab, walked


class Onlooker:
    """Somebody who is not signed in and presses nothing."""

    def __init__(self, environment: Environment, browser_name: str, new_context: NewContext) -> None:
        self._environment = environment
        self._browser = browser_name
        self._new_context = new_context

    def looks(self) -> PagesSeen:
        """Open the pages that need no account, one after the other."""
        environment, shown = self._environment, dict[str, str]()

        def steps() -> None:
            site = tab(self._new_context(viewport=DESKTOP), environment)
            for path in dict.fromkeys((environment.pages.home, environment.pages.login)):
                shown[path] = shortcoming_of_rendered(site.rendered(path))

        journey = "what is shown without an account"
        return PagesSeen(**walked(environment, self._browser, journey, steps), shown=shown)
