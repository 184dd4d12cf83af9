"""The ways in which today's product was seen to be broken and look healthy: each is really there, and gone when it is taken away."""

import re
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.sandbox.answer import Answer
from tests.sandbox.todays_range import Today

OTHERS_MONEY = "expenses?select=user_id&limit=1000"
PROFILES = "profiles?select=id"
WIPED = "SELECT count(*) FROM user_settings WHERE display_preferences = '{}' AND regional_preferences = '{}'"
MESSAGES = "SELECT count(*) FROM pam_messages"
LATER = "SELECT count(*) FROM supabase_migrations.schema_migrations WHERE version = '99990101000000'"
NEWEST = "SELECT max(version) FROM supabase_migrations.schema_migrations"
MOVED = "SELECT count(*) FROM (SELECT user_id FROM expenses GROUP BY user_id HAVING count(*) BETWEEN 20 AND 30) many"


def owners(answer: Answer) -> int:
    """How many accounts the rows belong to."""
    return len({row["user_id"] for row in answer.json})


LOOKS: dict[str, tuple[Callable[[Today], object], object, object]] = {
    "wide-settings-wiped": (lambda today: today.sql(WIPED), [(0,)], [(400,)]),
    "expenses-moved": (lambda today: today.sql(MOVED), [(0,)], [(1,)]),
    "policy-opened": (lambda today: owners(today.rows(OTHERS_MONEY)) > 1, False, True),
    "policy-for-everybody": (lambda today: len(today.rows(PROFILES, signed_in=False).json) > 400, False, True),
    "policy-dropped": (lambda today: len(today.rows("pam_conversations?select=id").json), 1, 0),
    "row-security-off": (lambda today: owners(today.rows(OTHERS_MONEY)) > 1, False, True),
    "todays-migration-ahead": (lambda today: today.sql(LATER), [(0,)], [(1,)]),
    "todays-migration-behind": (lambda today: today.sql(NEWEST), [("20261118071500",)], [("20261112090000",)]),
    "grants-revoked": (lambda today: today.rows("user_settings").status, 200, 403),
}
"""By damage: where to look, what is seen there without it, and with it."""


@pytest.mark.parametrize("what", LOOKS)
def test_a_damage_is_seen_from_outside_and_heals(today: Today, what: str) -> None:
    """And health, which looks at nothing, says what it always says."""
    look, without, damaged = LOOKS[what]
    assert look(today) == without
    today.remote.plant("data", what=what)
    assert (look(today), today.api("/health").json["status"]) == (damaged, "healthy")
    today.remote.clear("data")
    assert look(today) == without


def test_a_fifth_of_the_messages_can_be_gone(today: Today) -> None:
    """Of those that are older than a day; afterwards all of them are there again."""
    [(before,)] = today.sql(MESSAGES)
    today.remote.plant("data", what="messages-deleted")
    [(left,)] = today.sql(MESSAGES)
    assert 0.78 < left / before < 0.85
    today.remote.clear("data")
    assert today.sql(MESSAGES) == [(before,)]


def test_a_damage_to_tables_of_the_other_product_is_refused(today: Today) -> None:
    """Nothing is planted."""
    with pytest.raises(Exception, match="settings-wiped"):
        today.remote.plant("data", what="settings-wiped")
    assert today.remote.faults() == []


def script(today: Today) -> str:
    """The address of the script that the page names; no two releases share one."""
    found = re.search(r'src="([^"]+main\.js)"', today.call("GET", "frontend", "/").text)
    assert found is not None
    return found[1]


def test_an_old_page_can_stand_before_a_new_api(today: Today) -> None:
    """It works, and only the address of its script says that it is another release's."""
    new = script(today)
    today.remote.go_live("stable")
    old = script(today)
    today.remote.go_live("candidate")
    today.remote.plant("old-page-served")

    assert script(today) == old != new
    assert today.call("GET", "frontend", old).headers["content-type"].startswith("text/javascript")
    assert today.remote.identity()["live"] == "candidate"
    today.remote.clear("old-page-served")
    assert script(today) == new


def render(today: Today, service: str, path: str = "", body: object = None) -> Answer:
    """One request to the host of the services."""
    settings = today.state["render"]
    services = {"service_id": settings["service_id"], "worker_service_id": settings["workers"][0]}
    host = Today({"urls": {"render": settings["api_url"]}}, today.remote)
    headers = {"Authorization": f"Bearer {today.variables['RENDER_API_KEY']}"}
    return host.call(
        "GET" if body is None else "POST", "render", f"/services/{services[service]}{path}", body, **headers
    )


def live_commit(today: Today, service: str) -> str:
    """Which commit a service runs, by its host: the only one who knows."""
    [live] = render(today, service, "/deploys?status=live").json
    return str(live["deploy"]["commit"]["id"])


def wait_for(ends: Callable[[], bool]) -> None:
    """Until something has happened."""
    end_s = time.monotonic() + 60
    while not ends():
        assert time.monotonic() < end_s
        time.sleep(0.1)


def test_the_worker_is_a_second_service_of_the_same_commit(today: Today) -> None:
    """It has no address; a push deploys both, and each goes back for itself."""
    about = render(today, "worker_service_id").json
    assert (about["type"], about["name"]) == ("background_worker", "pam-celery")
    assert "url" not in about["serviceDetails"]
    assert live_commit(today, "worker_service_id") == live_commit(today, "service_id")

    pushed = today.remote.push()
    for service in ("service_id", "worker_service_id"):
        wait_for(lambda service=service: live_commit(today, service) == pushed)  # type: ignore[misc]
    earlier = [found["deploy"] for found in render(today, "worker_service_id", "/deploys?status=deactivated").json]
    render(today, "worker_service_id", "/rollback", {"deployId": earlier[0]["id"]})
    wait_for(lambda: live_commit(today, "worker_service_id") == earlier[0]["commit"]["id"])
    assert live_commit(today, "service_id") == pushed
    today.remote.reset()
    assert live_commit(today, "worker_service_id") == live_commit(today, "service_id") != pushed


def test_the_api_can_be_live_in_name_only(today: Today) -> None:
    """Its host calls the stable release live, and the process of before goes on answering, until it is deployed anew."""
    began_with = today.api("/openapi.json").text
    pid = today.api("/health/system").json["checks"]["process"]["pid"]
    before = live_commit(today, "service_id")
    today.remote.plant("render-deploys", what="live-in-name-only")
    today.remote.go_live("stable")

    assert live_commit(today, "service_id") == live_commit(today, "worker_service_id") != before
    assert today.api("/openapi.json").text == began_with
    assert today.api("/health/system").json["checks"]["process"]["pid"] == pid
    today.remote.clear("render-deploys")
    today.remote.go_live("candidate")
    assert live_commit(today, "service_id") == before
    today.remote.go_live("stable")
    assert today.api("/openapi.json").text != began_with
    process = today.api("/health/system").json["checks"]["process"]
    assert process["pid"] != pid
    assert process["uptime_seconds"] < 60


def test_the_worker_can_be_left_behind(today: Today) -> None:
    """The API has moved and is healthy, and the worker runs what it ran; without the fault both move."""
    before = live_commit(today, "worker_service_id")
    today.remote.plant("worker-left-behind")
    pushed = today.remote.push()
    wait_for(lambda: live_commit(today, "service_id") == pushed)
    wait_for(
        lambda: render(today, "worker_service_id", "/deploys?limit=1").json[0]["deploy"]["status"] == "update_failed"
    )
    assert (live_commit(today, "worker_service_id"), today.api("/health").json["status"]) == (before, "healthy")

    today.remote.reset()
    today.remote.plant("worker-left-behind")
    today.remote.go_live("stable")
    assert live_commit(today, "service_id") != live_commit(today, "worker_service_id")

    today.remote.clear("worker-left-behind")
    again = today.remote.push(message="Once more")
    wait_for(lambda: live_commit(today, "worker_service_id") == again)
    today.remote.reset()


def test_migrations_have_no_way_back(today: Today) -> None:
    """Supabase's folder and names, some with blanks, in the order of their times; the candidate brings one more."""
    listed = subprocess.run(
        ["git", "-C", today.state["git"]["remote"], "ls-tree", "-r", "--name-only", "-z", "main"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    files = [name for name in listed if name.startswith("supabase/migrations/")]

    assert today.state["git"]["migrations_folder"] == "supabase/migrations"
    assert [name for name in files if "down" in name] == []
    assert any(" " in name for name in files)
    applied = [f"supabase/migrations/{version}-{name}.sql" for version, name in today.sql(APPLIED)]
    assert sorted(files)[:-1] == applied
    assert max(files).endswith("trips.sql")


APPLIED = "SELECT version, name FROM supabase_migrations.schema_migrations ORDER BY version"
