"""Somebody with the third engine, which is driven without Playwright."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from pam_rollback.core.environment import Environment
from pam_rollback.core.journeys import Conversation
from pam_rollback.plugin.accounts import account_api, signed_in
from pam_rollback.plugin.journeys.walking import step_within_s, walked
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
                self.driver,
                environment.urls.frontend,
                environment.pages,
                environment.contract.elements,
                within_s=step_within_s(environment),
                chat_path=environment.path_of("chat"),
                intent=environment.chat_intent,
            )
            site.sign_in(environment.secret("test_user_email"), environment.secret("test_user_password"))
            found["answer"] = site.ask(question)
            found["stored"] = self._stored(question)

        walk = walked(environment, "webkit", "signing in and asking PAM", steps)
        return Conversation(**walk, shown_again=bool(found.get("answer")), **found)

    def _stored(self, question: str) -> bool:
        environment = self.environment
        # The browser does not show its token, so the API is asked with one of its own.
        account = signed_in(environment)
        self.runbook.secrets.learn([account.token])
        return account_api(environment, account).has_message(question)
