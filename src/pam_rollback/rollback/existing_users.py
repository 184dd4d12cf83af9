"""Ids of users who exist: from the product, which draws them by lot, or from its database."""

from collections.abc import Iterable

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.exposure.feature_check import FeatureCheckApi
from pam_rollback.rollback.asked_users import EVALUATED_USERS, AskedUsers

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
    from pam_rollback.integrity.row_counting import Statements  # noqa: PLC0415 - as above
    from pam_rollback.outside.postgres import Patience, open_snapshot  # noqa: PLC0415 - as above

    patience = Patience(_WITHIN_S, environment.sql.lock_timeout_s)
    with open_snapshot(environment.secret("database_dsn"), patience, connections=1) as snapshot:
        statements = Statements.of(snapshot, ("profiles",), environment.table_names)
        snapshot.refuse_blindness(statements.relations.values())
        return [str(one) for (one,) in snapshot.rows(statements.text(_IDS), {"number": EVALUATED_USERS})]
