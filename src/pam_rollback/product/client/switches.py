"""Features that are switched by rows of a table and by variables of the host: lowered, read back, and told as users get them.

A row is changed by Supabase's REST with the service key, and only while its value is the one that was read: whoever changed it in between
is not written over. A variable counts when the process that answers is no older than the deploy that was made for it.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from pam_rollback.base.answer import Answer
from pam_rollback.base.change_gate import before_change
from pam_rollback.base.errors import ActionFailed, MeasurementFailed, ProviderError, UnreadableAnswer
from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.base.wait import NotReached, Waiter
from pam_rollback.outside.http import fetch
from pam_rollback.plan.flags import Flag, FlagName
from pam_rollback.product.rules.switches import OFF, ON, ServiceVariables, Switch, is_on, why_not_raised

_KEPT_S = 0.5
"""What users get is the same for all of them: they share one look."""
_CLOCKS_S = 2.0
"""Ages are told in whole seconds, by two clocks."""
_TAKEN_OVER_WITHIN_S = 5.0


@dataclass(frozen=True)
class SwitchRows:
    """Rows by Supabase's REST, with the service key."""

    url: str
    key: str = field(repr=False)
    deadline_s: float = 5.0

    def read(self, switch: Switch) -> dict[str, Any] | None:
        """Give the JSON object that has the switch; None where there is no such row. Raises ActionFailed when it cannot be read."""
        answer = self._ask("GET", switch, {switch.key_column: f"eq.{switch.key}", "select": switch.column})
        rows = answer.json
        if not isinstance(rows, list) or len(rows) > 1 or not all(isinstance(row, dict) for row in rows):
            raise UnreadableAnswer(f"{switch.place}: expected one row at most, found {answer}")
        found = rows[0].get(switch.column) if rows else None
        if found is not None and not isinstance(found, dict):
            raise ActionFailed(f"{switch.place}: expected a JSON object, found another value, which is not touched")
        return found

    def write(self, switch: Switch, found: Mapping[str, Any], *, on: bool) -> None:
        """Change that one field, while all of the value is as it was ``found``. Raises ActionFailed when it is not, or was not changed."""
        wanted = {**found, switch.field: on}
        still = {switch.key_column: f"eq.{switch.key}", switch.column: f"eq.{json.dumps(found)}"}
        before_change(switch.place)
        answer = self._ask("PATCH", switch, still, {switch.column: wanted})
        if answer.json == []:
            raise ActionFailed(
                f"{switch.place}: not changed, since somebody else changed it in this moment; look, then do it again"
            )
        if not isinstance(answer.json, list) or [row.get(switch.column) for row in answer.json] != [wanted]:
            raise UnreadableAnswer(f"{switch.place}: expected the one row that was changed, found {answer}")

    def _ask(self, method: str, switch: Switch, query: Mapping[str, str], body: Any = None) -> Answer:
        answer = fetch(
            f"{self.url}/rest/v1/{switch.table}?{urlencode(query)}",
            method=method,
            json=body,
            headers={"apikey": self.key, "Authorization": f"Bearer {self.key}", "Prefer": "return=representation"},
            deadline_s=self.deadline_s,
        )
        if answer.problem or answer.http_status != HTTPStatus.OK:
            raise ProviderError(
                f"{switch.place}: Supabase does not {'change' if body else 'give'} it: {str(answer).replace(self.key, '(the key)')}; "
                "is the key of [secrets] supabase_service_key_env the service key of this project?",
                provider="Supabase",
                operation=f"{method} {switch.table}",
                http_status=answer.http_status,
                sent=answer.sent,
            )
        return answer


@dataclass
class Switches:
    """A ``FlagAdmin`` and a ``FlagEvaluation``. ``out_of_reach``: switches that this environment has no way to."""

    switches: Mapping[FlagName, Switch]
    out_of_reach: Mapping[FlagName, Switch]
    rows: SwitchRows | None
    variables: ServiceVariables | None
    process_age_s: Callable[[], float]
    """For how long the process has run that answers users. Raises MeasurementFailed."""
    _looked: tuple[float, Mapping[FlagName, bool]] | None = field(default=None, init=False, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def read_flags(self) -> dict[FlagName, Flag]:
        """Each switch as it stands. Raises ActionFailed when one cannot be read, or is neither on nor off."""
        found = self._values()
        return {name: ON if is_on(switch, _of(switch, found[name])) else OFF for name, switch in self.switches.items()}

    def set_flags(self, changes: Mapping[FlagName, Flag]) -> None:
        """Change them, rows first: they count at once. Returns when a deploy with the variables is live. Raises ActionFailed.

        What can be lowered is lowered, whatever is refused beside it. A variable that stands there as asked for is deployed all the same:
        whoever set it may have been stopped before its deploy.
        """
        shares = [name for name, flag in changes.items() if flag != ON and not flag.off_for_all]
        if shares:
            raise ActionFailed(f"{', '.join(shares)}: on or off for everybody, so no share of users can be given")
        found = self._values()
        refused, texts = list[str](), dict[str, str]()
        for name, flag in changes.items():
            switch, now = self.switches[name], found[name]
            differs, on = is_on(switch, _of(switch, now)) != flag.enabled, flag == ON
            why = why_not_raised(switch, _of(switch, now)) if differs and on else ""
            if why:
                refused.append(why)
            elif switch.kind == "variable" and (on or now is not None):
                texts[switch.variable] = str(on).lower()
            elif differs and self.rows is not None and isinstance(now, dict):
                self.rows.write(switch, now, on=on)
        if texts and self.variables is not None:
            stuck = self.variables.why_not_written()
            if not stuck:
                self.variables.write(texts)
            refused += [f"{', '.join(texts)}: not changed, {stuck}"] if stuck else []
        if refused:
            raise ActionFailed("; ".join(refused))

    def flags_of(self, user_id: str) -> dict[FlagName, bool]:
        """What this user gets, as everybody does. Raises MeasurementFailed when that is not known."""
        del user_id
        with self._turn:
            if self._looked is None or time.monotonic() - self._looked[0] > _KEPT_S:
                self._looked = time.monotonic(), self._served()
            return dict(self._looked[1])

    def _values(self) -> dict[FlagName, object]:
        """Of a row the JSON object, of a variable the text; None where there is none."""
        names = [switch.variable for switch in self.switches.values() if switch.variable]
        found: dict[str, object] = dict(self.variables.read(names)) if names and self.variables is not None else {}
        return {
            name: found[switch.variable]
            if switch.variable
            else self.rows.read(switch)
            if self.rows is not None
            else None
            for name, switch in self.switches.items()
        }

    def _served(self) -> dict[FlagName, bool]:
        try:
            own = {name: not flag.off_for_all for name, flag in self.read_flags().items()}
            if self.variables is not None and any(switch.variable for switch in self.switches.values()):
                live_s = self.variables.live_for_s
                Waiter().until(
                    lambda: self.process_age_s() - live_s(),
                    holds=lambda older_s: older_s <= _CLOCKS_S,
                    within_s=_TAKEN_OVER_WITHIN_S,
                    what="the process that answers is no older than the host's live deploy (in s), so that it has read its variables",
                )
        except (ActionFailed, NotReached) as problem:
            raise MeasurementFailed(f"what users get is not known: {problem}") from None
        found = {}
        for name, on in own.items():
            others = self.switches[name].also_on_by
            unseen = [self.out_of_reach[other].place for other in others if other in self.out_of_reach]
            if unseen and not on:
                raise MeasurementFailed(
                    f"whether users have {name} is not known: {', '.join(unseen)} switches it on as well, and cannot be read from here"
                )
            found[name] = on or any(own.get(other, False) for other in others)
        return found


@dataclass(frozen=True)
class EverySwitch:
    """The plan's emergency call where the product has no endpoint for it: all switches lowered, past the product. An ``EmergencyCall``."""

    switches: Switches

    def call(self, reason: str, initiated_by: str) -> str:
        """Lower all that are on; the host knows no reason and no name, the journal has both. Raises ActionFailed."""
        del reason, initiated_by
        on = {name: OFF for name, flag in self.switches.read_flags().items() if not flag.off_for_all}
        self.switches.set_flags(on)
        return f"no emergency endpoint here: {', '.join(on) or 'nothing'} lowered past the product"


def _of(switch: Switch, found: object) -> object:
    return found.get(switch.field) if isinstance(found, dict) else found
