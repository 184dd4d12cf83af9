"""Variables of the service: written by Render's API, and brought to users by deploying the running build again, without a new one.

Contract: https://api-docs.render.com. ``deployMode: deploy_only`` deploys the *last successful build*. After a rollback that is the one
that was rolled back from, so it is refused wherever anything but the live deploy may have built last; and the new deploy is held against
the live one's commit. Writing a variable deploys nothing by itself. The service's own variables go before those of linked groups.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from pam_rollback.base.errors import ActionFailed, ProviderError
from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.base.wait import Backoff, NotReached
from pam_rollback.outside.json_object import JsonObject
from pam_rollback.rollback.providers.render.render_deploys import RenderDeploys, deploy_of
from pam_rollback.rollback.rules.deploys import LIVE, NEVER_LIVE, WERE_LIVE, Deploy

_LIVE_WITHIN_S = 900.0
_ASKED = Backoff(least_s=0.1, most_s=5.0)
_GROUPS_MAX = 100
"""The largest page that Render gives."""
_LATEST = 10


@dataclass(frozen=True)
class RenderVariables:
    """The service's variables: ``ServiceVariables``."""

    deploys: RenderDeploys

    def read(self, names: Collection[str]) -> dict[str, str | None]:
        """``GET /services/{id}/env-vars``, then for what is not there the groups that are linked to the service."""
        pages = self.deploys.pages("the variables", f"{self._path}/env-vars", "envVar")
        own = {one.text("key"): str(one.document.get("value", "")) for one in pages}
        missing = set(names) - set(own)
        return {
            **dict.fromkeys(names),
            **{name: own[name] for name in names if name in own},
            **self._of_groups(missing),
        }

    def why_not_written(self) -> str:
        """By the list of deploys: only where the live one is the last that was built is the last build the one that runs."""
        live, newer = self._live()
        if live is None:
            return "Render names no live deploy"
        if live.trigger == "rollback":
            return f"{live} was a rollback, so the last build is not the one that runs: deploying it again would bring that back"
        if newer:
            return f"{newer[0]} is later than the live {live}, so the last build may not be the one that runs; wait, or deploy by hand"
        return ""

    def write(self, texts: Mapping[str, str]) -> None:
        """``PUT`` each, look at them, then ``POST /deploys`` with ``deploy_only``, and wait until it is live. Raises ActionFailed."""
        api, (live, _) = self.deploys.api, self._live()
        if live is None:
            raise ActionFailed("Render names no live deploy")
        try:
            before = self.read(texts)
            for name, text in texts.items():
                if before[name] != text:
                    path = f"{self._path}/env-vars/{api.part_of_path('a variable', name)}"
                    api.ask(f"set {name} to {text}", path, method="PUT", json={"value": text}, repeatable=True)
            if self.read(texts) != dict(texts):
                raise ActionFailed(f"{', '.join(texts)}: accepted, and read back otherwise; nothing was deployed")
            told = api.ask_told(
                "deploy the running build again",
                f"{self._path}/deploys",
                "a deploy",
                method="POST",
                json={"deployMode": "deploy_only"},
                expected=(200, 201),
            )
            made = deploy_of(told)
            if made.commit != live.commit:
                self.deploys.cancel(made.id)
                raise ActionFailed(
                    f"expected the running build, {live}, to be deployed again, found {made}: it was cancelled"
                )
        except ProviderError as error:
            # Not to be looked for by the variables alone: they may stand there without a deploy.
            raise ActionFailed(f"{error}; what stands there counts only with the next deploy") from error
        self._wait_for(made, live)

    def _wait_for(self, made: Deploy, live: Deploy) -> None:
        if made.commit != live.commit:
            self.deploys.cancel(made.id)
            raise ActionFailed(
                f"expected the running build, {live}, to be deployed again, found {made}: it was cancelled"
            )

        def ended() -> Deploy | str:
            try:
                return self.deploys.deploy(made.id)
            except ProviderError as error:
                return str(error)  # asked again

        over = NEVER_LIVE | WERE_LIVE
        what = f"the deploy {made.id} is live"
        try:
            found = self.deploys.api.waiter.until(
                ended,
                holds=lambda seen: isinstance(seen, Deploy) and seen.state in over,
                within_s=_LIVE_WITHIN_S,
                what=what,
                every_s=_ASKED,
            )
        except NotReached as error:
            raise ActionFailed(str(error)) from error
        if not isinstance(found, Deploy) or found.state != LIVE:
            raise ActionFailed(f"{what}: it failed, {found}")

    def live_for_s(self) -> float:
        """Since the live deploy was asked for."""
        live, _ = self._live()
        if live is None or live.created_at is None:
            raise ActionFailed("Render names no live deploy, or not since when")
        return (datetime.now(UTC) - live.created_at).total_seconds()

    def quickest_s(self) -> float | None:
        """Of the latest that were live; most of them were built, too."""
        found = [one for one in self.deploys.deploys()[:_LATEST] if one.state in WERE_LIVE]
        took = [
            (one.finished_at - one.created_at).total_seconds() for one in found if one.finished_at and one.created_at
        ]
        return min(took, default=None)

    @property
    def _path(self) -> str:
        return f"/services/{self.deploys.settings.service_id}"

    def _live(self) -> tuple[Deploy | None, list[Deploy]]:
        """The live deploy, and those after it that may have built something."""
        newest = self.deploys.deploys()
        place = next((at for at, deploy in enumerate(newest) if deploy.state == LIVE), None)
        if place is None:
            return None, []
        return newest[place], [deploy for deploy in newest[:place] if deploy.state != "build_failed"]

    def _of_groups(self, names: Collection[str]) -> dict[str, str]:
        """What linked groups of variables say of these; a service's own goes before them."""
        found: dict[str, str] = {}
        if not names:
            return found
        api, what = self.deploys.api, "the groups of variables"
        query = (("limit", str(_GROUPS_MAX)),)
        for group in api.told_list(what, api.ask(what, "/env-groups", query=query), "a group"):
            links = group.document.get("serviceLinks") or []
            if self.deploys.settings.service_id not in [link.get("id") for link in links]:
                continue
            path = f"/env-groups/{api.part_of_path(what, group.text('id'))}"
            told: JsonObject = api.ask_told(what, path, "a group of variables")
            found |= {
                one["key"]: str(one["value"]) for one in told.document.get("envVars") or [] if one["key"] in names
            }
        return found
