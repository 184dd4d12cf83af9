"""Somebody who is not signed in: which release's page and files they get."""

from typing import Any

from pam_rollback.adapters.http import fetch
from pam_rollback.core.environment import Environment
from pam_rollback.core.journeys import ServedPage, Stopped
from pam_rollback.plugin.journeys.walking import DESKTOP, NewContext, tab, walked


class Visitor:
    """Somebody who is not signed in and only looks at the site."""

    def __init__(
        self, environment: Environment, browser_name: str, new_context: NewContext, expected_release: str
    ) -> None:
        self._environment = environment
        self._browser = browser_name
        self._new_context = new_context
        self._expected = expected_release

    def comes(self) -> ServedPage:
        """Open the site for the first time."""
        return self._visit("what a new visitor gets", returning=False)

    def returns(self) -> ServedPage:
        """Open it again and again, with caches filled and with the service worker in charge where the site has one."""
        return self._visit("what a returning visitor gets", returning=True)

    def _visit(self, journey: str, *, returning: bool) -> ServedPage:
        from pam_rollback.adapters.served_files import Served  # noqa: PLC0415 - loads Playwright

        environment = self._environment
        found: dict[str, Any] = {}

        def steps() -> None:
            site = tab(self._new_context(viewport=DESKTOP), environment)
            served = Served(site.page, environment.urls.frontend)
            site.open(environment.pages.home)
            site.loaded()
            if returning:
                site.worker_is_in_charge()
                # Once for what the worker asks the network for, once for what it has kept.
                for _ in range(2):
                    served.forget()
                    site.reload()
                    site.loaded()
            found["page_release"] = site.release()
            found["files"] = {script.path: script.sha256 for script in served.scripts()}
            found.update(self._manifest())

        return ServedPage(**walked(environment, self._browser, journey, steps), expected=self._expected, **found)

    def _manifest(self) -> dict[str, Any]:
        answer = fetch(
            self._environment.url_of("asset_manifest"), deadline_s=self._environment.probing.request_deadline_s
        )
        body = answer.json
        files = body.get("files") if isinstance(body, dict) else None
        if not isinstance(files, dict):
            raise Stopped(f"read the asset manifest: expected JSON with release and files, found {answer}")
        return {
            "manifest_release": str(body.get("release", "")),
            "manifest": {"/" + str(path).lstrip("/"): str(digest) for path, digest in files.items()},
        }
