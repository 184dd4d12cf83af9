"""Asks each address of a load test which release it serves, before the load and after it."""

from collections.abc import Mapping
from datetime import datetime

from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.load.rules.served import Served
from pam_rollback.outside.http import fetch
from pam_rollback.rollback.service.provider_access import marked_api

_TIMES, _EVERY_S = 3, 1.0
"""What was just under load may need a moment."""


def served_by(environment: Environment, waiter: Waiter, *, stable: bool) -> Mapping[str, Served]:
    """By address: the live API, and the stable release's where that is asked, too."""
    marked = marked_api(environment)
    if marked is not None:
        seen = marked.look()
        started_s = None if seen.started_at is None else seen.started_at.timestamp()
        found = {environment.urls.api: Served(seen.fingerprints, started_s, seen.problem)}
    else:
        found = {environment.urls.api: _told(environment.url_of("version"), environment, waiter)}
    if stable:
        address = environment.load.stable_api
        found[address] = _told(address + environment.paths.version, environment, waiter)
    return found


def _told(url: str, environment: Environment, waiter: Waiter) -> Served:
    problem = ""
    for number in range(_TIMES):
        waiter.pause(_EVERY_S if number else 0)
        answer = fetch(url, deadline_s=environment.probing.request_deadline_s)
        body = answer.json if isinstance(answer.json, dict) else {}
        # Today's product names its release under "version".
        found = {"release": body.get("release") or body.get("version"), "commit": body.get("commit")}
        if told := {what: str(value) for what, value in found.items() if value}:
            return Served(told, _moment(body.get("started_at")))
        problem = str(answer)
    return Served(problem=problem)


def _moment(text: object) -> float | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None
