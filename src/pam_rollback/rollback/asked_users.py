"""Users of whom it is asked what they get after a change of flags: ids that exist, since a feature may be kept by nobody else.

Where none can be had, ids are made up, and that nobody of those has a feature proves nothing.
"""

import hashlib
from collections import UserList
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from pam_rollback.access.feature_check import FeatureCheckApi
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.target.environment import Environment

EVALUATED_USERS = 200
"""How many users are asked what they get. With 200, a feature that 2 % of the users keep is found with 98 % probability."""


class AskedUsers(UserList[str]):
    """Drawn when they are first needed: nobody waits for them before the flags are off. Nothing that people read has an id of them."""

    made_up = ""
    """Why nobody of them exists; empty when they do, and before they are drawn."""

    def __init__(self, draw: Callable[[], Iterable[str]], run: str) -> None:
        """``draw`` gives ids that exist, or raises MeasurementFailed. ``run``: other ones are made up in each."""
        self._draw, self._run = draw, run

    @cached_property
    def data(self) -> list[str]:  # type: ignore[override]
        """The users."""
        try:
            if ids := list(self._draw()):
                return ids
            why = "the product has no users"
        except MeasurementFailed as failed:
            why = str(failed)
        self.made_up = f"their ids are made up, since none that exists could be had: {why}"
        # Spread over the stable hash as real ones are.
        return [hashlib.sha256(f"{self._run}:{n}".encode()).hexdigest()[:32] for n in range(EVALUATED_USERS)]


def made_up(users: Sequence[str]) -> str:
    """Why nobody of these users, who were asked, exists; empty when they do."""
    return users.made_up if isinstance(users, AskedUsers) else ""


_WITHIN_S = 5
_IDS = "SELECT profile.id::text FROM profiles AS profile ORDER BY random() LIMIT %(number)s"


def asked_users(environment: Environment, run: str) -> AskedUsers:
    """The users of whom it is asked in this run what they get."""
    return AskedUsers(lambda: _drawn(environment), run)


def _drawn(environment: Environment) -> Iterable[str]:
    """Raises MeasurementFailed, with why neither the product nor its database gives any."""
    problems = []
    for ability, draw in (("feature_check", _from_product), ("database", _from_database)):
        try:
            if ability in environment.abilities:
                return draw(environment)
        except MeasurementFailed as failed:
            problems.append(str(failed))
    raise MeasurementFailed("; ".join(problems) or f"{environment.name} declares neither feature_check nor database")


def _from_product(environment: Environment) -> Iterable[str]:
    url = environment.url_of("feature_check")
    return FeatureCheckApi(url, environment.secret("admin_token"), _WITHIN_S).drawn(EVALUATED_USERS)[1]


def _from_database(environment: Environment) -> Iterable[str]:
    # The driver is loaded only where it is used: it takes a quarter of a second.
    from pam_rollback.database.relations import Statements  # noqa: PLC0415 - as above
    from pam_rollback.http.postgres import Patience, open_snapshot  # noqa: PLC0415 - as above

    patience = Patience(_WITHIN_S, environment.sql.lock_timeout_s)
    with open_snapshot(environment.secret("database_dsn"), patience) as snapshot:
        statements = Statements.of(snapshot, ("profiles",), environment.table_names)
        snapshot.refuse_blindness(statements.relations.values())
        return [str(one) for (one,) in snapshot.rows(statements.text(_IDS), {"number": EVALUATED_USERS})]
