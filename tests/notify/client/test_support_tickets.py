"""The support tickets are counted in a real database: the right ones, by its clock, without our own, and never by a blind role."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.client import fetch
from pam_rollback.http.postgres import Patience
from pam_rollback.notify.support_tickets import TicketCounts, count_tickets
from pam_rollback.notify.tickets import GAP_D, HISTORY_D
from pam_rollback.target.pam_api import sign_in
from pam_sandbox.remote import Remote
from tests.sessions import RunningSandbox

HOUR_S = 3600.0
DAY_S = 86400.0


@dataclass(frozen=True)
class Desk:
    """The support desk of a sandbox."""

    dsn: str
    remote: Remote
    api: str
    email: str
    password: str

    def count(self, latest_s: float = HOUR_S, own: str | None = "", **names: str) -> TicketCounts:
        """Count, without the test account's own unless told otherwise."""
        return count_tickets(
            self.dsn,
            Patience(),
            names={name.replace("__", "."): here for name, here in names.items()},
            own_email=self.email if own == "" else own,
            latest_s=latest_s,
            recovered_s=latest_s / 2,
        )

    def ages_s(self) -> list[float]:
        """How old each ticket is."""
        with psycopg.connect(self.dsn) as connection:
            rows = connection.execute("SELECT extract(epoch FROM now() - created_at)::float8 FROM support_tickets")
            return [age_s for (age_s,) in rows]

    def open_own(self) -> None:
        """Open a ticket as the test account, through the product."""
        account = sign_in(f"{self.api}/api/v1/auth/login", self.email, self.password, deadline_s=5)
        ticket = {"subject": "From the suite", "message": "Please ignore."}
        url = f"{self.api}/api/v1/support/tickets"
        answer = fetch(url, method="POST", json=ticket, headers=account.headers)
        assert answer.http_status == 201, answer


@pytest.fixture(scope="module")
def started(shared_range: RunningSandbox) -> Desk:
    """The desk of the sandbox."""
    told = shared_range.variables
    return Desk(
        dsn=told["PAM_DATABASE_DSN"],
        remote=shared_range.remote,
        api=shared_range.state["urls"]["api"],
        email=told["TEST_USER_EMAIL"],
        password=told["TEST_USER_PASSWORD"],
    )


@pytest.fixture
def desk(started: Desk, running_sandbox: RunningSandbox) -> Iterator[Desk]:
    """The desk, with nothing damaged, and a product that has found its database again."""
    yield started
    running_sandbox.remote.clear_all()


@pytest.mark.parametrize("latest_s", [HOUR_S, 3 * HOUR_S, DAY_S])
def test_the_spans_are_what_they_are_said_to_be(desk: Desk, latest_s: float) -> None:
    """Against the same sums over the ages of all tickets, done in Python."""
    ages_s = desk.ages_s()
    history = [age_s for age_s in ages_s if latest_s + GAP_D * DAY_S <= age_s < latest_s + (GAP_D + HISTORY_D) * DAY_S]

    found = desk.count(latest_s, own=None)

    assert found.before == len(history) > 10
    assert found.same_hours == sum(age_s % DAY_S < latest_s for age_s in history if age_s >= 2 * DAY_S)
    assert found.latest == sum(age_s < latest_s for age_s in ages_s)
    assert found.oldest_d == pytest.approx(max(ages_s) / DAY_S, abs=0.01)


def test_a_flood_is_counted_and_the_history_is_not_touched(desk: Desk) -> None:
    """Forty more in the hour, those of the last half hour apart, and none of them after the heal."""
    before = desk.count()
    desk.remote.plant("data", what="tickets-flood")

    flooded = desk.count()
    desk.remote.clear("data")

    assert flooded.latest == before.latest + 40
    assert flooded.since_recovery == before.since_recovery + 40
    assert (flooded.before, flooded.same_hours) == (before.before, before.same_hours)
    assert desk.count().latest == before.latest


def test_our_own_tickets_count_nowhere(desk: Desk) -> None:
    """Whoever tests support must not alarm it."""
    before, of_everybody = desk.count(), desk.count(own=None)  # other tests may have opened some of our own
    desk.open_own()

    assert desk.count().latest == before.latest
    assert desk.count(own="nobody@example.org").latest == of_everybody.latest + 1
    assert desk.count(own=None).latest == of_everybody.latest + 1


def test_a_blind_role_knows_nothing(desk: Desk) -> None:
    """No rows to see is not the same as no tickets."""
    desk.remote.plant("data", what="role-blinded")

    with pytest.raises(MeasurementFailed, match="row-level security"):
        desk.count()
