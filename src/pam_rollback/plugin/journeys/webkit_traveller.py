"""Somebody with the third engine, which is driven without Playwright."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from pam_rollback.adapters.pam_api import sign_in
from pam_rollback.core.environment import Environment
from pam_rollback.core.journeys import Conversation
from pam_rollback.plugin.journeys.walking import account_api, step_within_s, walked
from pam_rollback.plugin.runbook import Runbook


@dataclass
class WebKitTraveller:
    """A small journey in WebKit: enough to see that the site works there at all."""

    environment: Environment
    runbook: Runbook
    driver: Any = field(repr=False)

    def asks_pam(self) -> Conversation:
        """Sign in, ask, and see the answer; then look for it at the API."""
        from pam_rollback.adapters.webkit import WebKitSite  # noqa: PLC0415 - loads Selenium

        environment = self.environment
        found: dict[str, Any] = {}
        question = f"How much did I spend this month? ({secrets.token_hex(4)})"

        def steps() -> None:
            site = WebKitSite(
                self.driver, environment.urls.frontend, environment.pages, within_s=step_within_s(environment)
            )
            site.sign_in(environment.secret("test_user_email"), environment.secret("test_user_password"))
            found["answer"] = site.ask(question)
            found["stored"] = self._stored(question)

        walk = walked(environment, "webkit", "signing in and asking PAM", steps)
        return Conversation(**walk, shown_again=bool(found.get("answer")), **found)

    def _stored(self, question: str) -> bool:
        environment = self.environment
        deadline_s = environment.probing.request_deadline_s
        # The browser does not show its token, so the API is asked with one of its own.
        account = sign_in(
            environment.url_of("login"),
            environment.secret("test_user_email"),
            environment.secret("test_user_password"),
            deadline_s=deadline_s,
        )
        self.runbook.secrets.learn([account.token])
        return account_api(environment, account.token).has_message(question)
