"""Features that are switched by rows of a table and by variables of the host: lowered, read back, and told as users get them.

A row is changed by Supabase's REST with the service key, only while its value is the one that was read, and counts at once. A variable
counts with the next start of a process: the running build is deployed again, and what users get is known when the process that answers is
no older than the live deploy.
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, ProviderError, UnreadableAnswer
from pam_rollback.core.wait import NotReached, Waiter, before_change
from pam_rollback.http.client import fetch
from pam_rollback.plan.flags import Flag, FlagName
from pam_rollback.rollback.deploys import LIVE, NEVER_LIVE, WERE_LIVE, Deploy, VariableHost
from pam_rollback.rollback.provider_access import api_host
from pam_rollback.rollback.settling import until_deploy
from pam_rollback.rollback.told_versions import marked_api
from pam_rollback.target.environment import Environment
from pam_rollback.target.switches import OFF, ON, Switch

_KEPT_S = 0.5
"""What users get is the same for all of them: they share one look."""
_CLOCKS = timedelta(seconds=2)
"""An age is told in whole seconds, by another clock than the host's."""
_TAKEN_OVER_WITHIN_S, _LIVE_WITHIN_S, _LATEST = 5.0, 900.0, 10


@dataclass
class Switches:
    """Those that this environment reaches: a ``FlagAdmin``, a ``FlagEvaluation`` and, past the product, an ``EmergencyCall``."""

    environment: Environment
    switches: Mapping[FlagName, Switch]
    host: VariableHost | None
    """Whose variables the back end starts with; None where no switch is one."""
    deadline_s: float = 5.0
    waiter: Waiter = field(default_factory=Waiter)
    _looked: tuple[float, Mapping[FlagName, bool]] | None = field(default=None, init=False, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def variables(self) -> list[str]:
        """The names of those at the host."""
        return [switch.variable for switch in self.switches.values() if switch.variable]

    def read_flags(self) -> dict[FlagName, Flag]:
        """Each switch as it stands. Raises ActionFailed when one cannot be read, or is neither on nor off."""
        return {name: ON if self.switches[name].is_on(found) else OFF for name, found in self._found().items()}

    def set_flags(self, changes: Mapping[FlagName, Flag]) -> None:
        """Change them, rows first. Returns when a deploy with the variables is live. Raises ActionFailed.

        What can be lowered is lowered, whatever is refused beside it. A variable that stands there as asked for is deployed all the same:
        whoever set it may have been stopped before its deploy.
        """
        found, refused, texts = self._found(), list[str](), dict[str, str]()
        for name, flag in changes.items():
            switch, now, on = self.switches[name], found[name], flag == ON
            differs = switch.is_on(now) != on
            if not on and not flag.off_for_all:
                refused.append(f"{name}: on or off for everybody, so no share of users can be given")
            elif on and differs and not switch.may_be_raised(now):
                refused.append(f"{switch.place}: the false that was left there is gone: that is not raised over")
            elif switch.variable and (on or now is not None):
                texts[switch.variable] = str(on).lower()
            elif differs and isinstance(now, dict):
                self.write_row(switch, now, on=on)
        if texts and self.host is not None and (why := self._deployed(self.host, texts)):
            refused.append(f"{', '.join(texts)}: not changed, {why}")
        if refused:
            raise ActionFailed("; ".join(refused))

    def flags_of(self, user_id: str) -> dict[FlagName, bool]:
        """What this user gets, as everybody does. Raises MeasurementFailed when that is not known."""
        del user_id
        with self._turn:
            if self._looked is None or time.monotonic() - self._looked[0] > _KEPT_S:
                self._looked = time.monotonic(), self._served()
            return dict(self._looked[1])

    def call(self, reason: str, initiated_by: str) -> str:
        """Lower all that are on. No host takes reason and name, which the journal has. Raises ActionFailed."""
        del reason, initiated_by
        on = {name: OFF for name, flag in self.read_flags().items() if flag == ON}
        self.set_flags(on)
        return f"no emergency endpoint here: {', '.join(on) or 'nothing'} lowered past the product"

    def in_time(self, within_s: float) -> str:
        """How long a variable would take. Raises ActionFailed when one is on, and could not be lowered within the time."""
        if self.host is None:
            return ""
        _, why = _running(self.host)
        latest = [one for one in self.host.deploys()[:_LATEST] if one.state in WERE_LIVE]
        took = [
            (one.finished_at - one.created_at).total_seconds() for one in latest if one.finished_at and one.created_at
        ]
        told = (
            f"the quickest of the latest deploys took {min(took):.0f} s"
            if took
            else "nothing tells how long a deploy takes"
        )
        late = "" if took and min(took) <= within_s else f"{told}, the plan allows {within_s:.0f} s"
        problem = "; ".join(filter(None, (why, late)))
        found = self._found()
        on = [one.variable for name, one in self.switches.items() if one.variable and one.is_on(found[name])]
        if on and problem:
            raise ActionFailed(f"{', '.join(on)} could not be lowered in time: {problem}")
        return f"{', '.join(self.variables)}: off, and could not be lowered in time: {problem}" if problem else told

    def write_row(self, switch: Switch, found: Mapping[str, Any], *, on: bool) -> None:
        """Change that one field, while all of the value is as it was ``found``. Raises ActionFailed when it is not."""
        wanted = {**found, switch.field: on}
        before_change(switch.place)
        rows = self._rows("PATCH", switch, {switch.column: f"eq.{json.dumps(found)}"}, {switch.column: wanted})
        if rows != [wanted]:
            raise ActionFailed(
                f"{switch.place}: not changed, since somebody else changed it in this moment; look, then do it again"
            )

    def _found(self) -> dict[FlagName, object]:
        """Of a row the JSON object, of a variable the text; None where there is none."""
        found: dict[str, object] = dict(self.host.variables(self.variables)) if self.host is not None else {}
        for switch in self.switches.values():
            if switch.kind == "row":
                found[switch.place] = next(iter(self._rows("GET", switch, {"select": switch.column})), None)
        return {name: found[switch.variable or switch.place] for name, switch in self.switches.items()}

    def _rows(self, method: str, switch: Switch, query: Mapping[str, str], body: Any = None) -> list[Any]:
        key = self.environment.secret("supabase_service_key")
        asked = urlencode({switch.key_column: f"eq.{switch.key}", **query})
        answer = fetch(
            f"{self.environment.urls.supabase}/rest/v1/{switch.table}?{asked}",
            method=method,
            json=body,
            headers={"apikey": key, "Authorization": f"Bearer {key}", "Prefer": "return=representation"},
            deadline_s=self.deadline_s,
        )
        if answer.problem or answer.http_status != HTTPStatus.OK:
            raise ProviderError(
                f"{switch.place}: Supabase does not {'change' if body else 'give'} it: {str(answer).replace(key, '(the key)')}; "
                "is the key of [secrets] supabase_service_key_env the service key of this project?",
                provider="Supabase",
                operation=f"{method} {switch.table}",
                http_status=answer.http_status,
                sent=answer.sent,
            )
        try:
            return [row[switch.column] for row in answer.json]
        except (TypeError, KeyError):
            raise UnreadableAnswer(f"{switch.place}: expected rows with {switch.column}, found {answer}") from None

    def _deployed(self, host: VariableHost, texts: Mapping[str, str]) -> str:
        """Set the variables and deploy the running build again; gives why not, when nothing was done. Raises ActionFailed."""
        live, why = _running(host)
        if live is None or why:
            return why
        try:
            before = host.variables(texts)
            for name, text in texts.items():
                if before[name] != text:
                    host.set_variable(name, text)
            if (now := host.variables(texts)) != texts:
                raise ActionFailed(
                    f"the host's variables were accepted as {texts}, and read back as {now}: nothing was deployed"
                )
            made = host.deploy_again()
            if made.commit != live.commit:
                host.cancel(made.id)
                raise ActionFailed(
                    f"expected the running build, {live}, to be deployed again, found {made}: it was cancelled"
                )
        except ProviderError as error:
            # Whoever looks at the variables alone would take this for done.
            raise ActionFailed(f"{error}; what stands there counts only with a deploy") from error
        until_deploy(
            lambda: host.deploy(made.id),
            holds=lambda deploy: deploy.state == LIVE,
            failed=lambda deploy: deploy.state in NEVER_LIVE | WERE_LIVE,
            waiter=self.waiter,
            within_s=_LIVE_WITHIN_S,
            what=f"the deploy {made.id} with {', '.join(texts)} is live",
        )
        return ""

    def _served(self) -> dict[FlagName, bool]:
        try:
            own = {name: flag == ON for name, flag in self.read_flags().items()}
            if self.host is not None:
                self._see_process(self.host)
        except (ActionFailed, NotReached) as problem:
            raise MeasurementFailed(f"what users get is not known: {problem}") from None
        known = self.environment.contract.flags.switches
        for name, switch in self.switches.items():
            unseen = [known[other].place for other in switch.also_on_by if other not in own]
            if unseen and not own[name]:
                raise MeasurementFailed(
                    f"whether users have {name} is not known: {unseen[0]} counts as well, and is out of reach here"
                )
        return {
            name: on or any(own[other] for other in self.switches[name].also_on_by if other in own)
            for name, on in own.items()
        }

    def _see_process(self, host: VariableHost) -> None:
        """See that the process that answers has read its variables. Raises ActionFailed or NotReached."""
        marks = marked_api(self.environment)
        if marks is None or not any(mark.tells == "uptime_s" for mark in marks.marks):
            raise ActionFailed("the contract has no mark that tells for how long the process runs that answers")
        live, _ = _running(host)
        if live is None or live.created_at is None:
            raise ActionFailed("the host names no live deploy, or not since when")
        asked_for = live.created_at - _CLOCKS
        self.waiter.until(
            lambda: marks.look().started_at,
            holds=lambda started_at: started_at is not None and started_at >= asked_for,
            within_s=_TAKEN_OVER_WITHIN_S,
            what=f"the process that answers has started since {asked_for:%H:%M:%S} UTC, as the live deploy {live.id} was asked for",
        )


def switches_of(environment: Environment, deadline_s: float) -> Switches:
    """The contract's switches, as far as they can be reached from here."""
    reached = environment.switches
    has_variables = any(switch.variable for switch in reached.values())
    host = cast("VariableHost", api_host(environment, Waiter())) if has_variables else None
    return Switches(environment, reached, host, deadline_s)


def _running(host: VariableHost) -> tuple[Deploy | None, str]:
    """The live deploy, and why it is not surely the last build: that is what the host would deploy again."""
    newest = host.deploys()
    place = next((at for at, deploy in enumerate(newest) if deploy.state == LIVE), None)
    if place is None:
        return None, "the host names no live deploy"
    live, newer = newest[place], [deploy for deploy in newest[:place] if deploy.state != "build_failed"]
    if live.trigger == "rollback":
        return (
            live,
            f"{live} was a rollback, so the last build is not the one that runs: deployed again, it would come back",
        )
    why = f"{newer[0]} is later than the live {live}, so the last build may not be the one that runs" if newer else ""
    return live, why


def admin(environment: Environment, initiated_by: str, deadline_s: float) -> Switches:
    """As a ``FlagService``: who reads and changes them. No host takes a name."""
    del initiated_by
    return switches_of(environment, deadline_s)


evaluation = switches_of


def door(environment: Environment) -> str:
    """An address that nobody may read without a key."""
    tables = [switch.table for switch in environment.switches.values() if switch.table]
    host = environment.host_of("backend")
    rows = f"{environment.urls.supabase}/rest/v1/{tables[0]}" if tables else ""
    return rows or (f"{host.api_url}/services/{host.id}/env-vars" if host is not None else "")
