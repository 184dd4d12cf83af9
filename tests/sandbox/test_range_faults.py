"""What goes wrong below the edge: releases, their database, and what traffic reaches."""

import psycopg
import pytest

from pam_rollback.sandbox.problems import SandboxError
from tests.sandbox.found_range import HEALTH, RunningSandbox, eventually, raw


class TestFaultsBelow:
    """Processes and servers that really stop."""

    def test_a_killed_release_and_its_return(self, found: RunningSandbox) -> None:
        """502 while it is down; back with the faults that it had, as another process."""
        found.remote.plant("flags-partial", percent=7)
        before = found.remote.identity()["releases"]["candidate"]["pid"]
        found.remote.plant("release-down")
        down = found.get("api", HEALTH)
        pid = found.remote.identity()["releases"]["candidate"]["pid"]
        found.remote.clear("release-down")
        after = found.remote.identity()["releases"]["candidate"]["pid"]

        assert (down.status, pid) == (502, None)
        assert after not in {None, before}
        eventually(lambda: found.get("api", HEALTH).status == 200, "the release is back")
        assert [fault["name"] for fault in found.remote.faults()] == ["flags-partial"]

    def test_a_hung_release_accepts_and_does_not_answer(self, found: RunningSandbox) -> None:
        """The connection stands, nothing comes; it goes on where it was."""
        found.remote.plant("release-down", how="hung")
        assert raw(found, "api", HEALTH, within_s=0.5) == (b"", "open")
        found.remote.clear("release-down")

        assert found.get("api", HEALTH).status == 200

    def test_a_hung_release_can_be_killed_too(self, found: RunningSandbox) -> None:
        """Planting the other kind replaces the first, and one clearing mends it."""
        found.remote.plant("release-down", how="hung")
        found.remote.plant("release-down", how="killed")
        assert found.get("api", HEALTH).status == 502
        found.remote.clear_all()

        eventually(lambda: found.get("api", HEALTH).status == 200, "the release is back")

    def test_the_database_really_stops_and_comes_back(self, found: RunningSandbox) -> None:
        """Connections are refused, the API says so truthfully, and the same address has the same rows afterwards."""
        dsn = found.variables["PAM_DATABASE_DSN"]

        def profiles() -> int:
            with psycopg.connect(dsn, connect_timeout=2) as connection:
                row = connection.execute("SELECT count(*) FROM public.profiles").fetchone()
            assert row is not None
            return int(row[0])

        before = profiles()
        found.remote.plant("database-down")
        with pytest.raises(psycopg.OperationalError):
            profiles()
        answer = found.get("api", "/health/db")
        found.remote.clear("database-down")

        assert (answer.status, answer.json["status"]) == (503, "unhealthy")
        assert profiles() == before > 100
        eventually(lambda: found.get("api", "/health/db").status == 200, "the release has its database back")

    def test_everything_at_once_is_mended_in_one_go(self, found: RunningSandbox) -> None:
        """Whatever the order of planting, clearing all leaves a healthy range."""
        found.remote.plant("database-down")
        found.remote.plant("release-down")
        found.remote.plant("release-down", release="stable", how="hung")
        found.remote.plant("delay-all", ms=5)
        found.remote.clear_all()

        assert found.remote.faults() == []
        eventually(lambda: found.get("api", HEALTH).status == 200, "the sandbox is healthy")

    def test_traffic_moves_to_the_other_release(self, found: RunningSandbox) -> None:
        """API and site say the release that is live."""
        found.remote.go_live("stable")

        assert found.get("api", "/version").json["release"] == "1.41.3"
        assert found.get("frontend", "/version.json").json["release"] == "1.41.3"

    def test_traffic_does_not_move_to_a_release_that_is_down(self, found: RunningSandbox) -> None:
        """Refused with the reason, and nothing moves."""
        found.remote.plant("release-down", release="stable")
        with pytest.raises(SandboxError, match="release stable: expected a healthy answer"):
            found.remote.go_live("stable")

        assert found.remote.identity()["live"] == "candidate"

    def test_a_fault_of_a_release_that_does_not_run_is_refused(self, found: RunningSandbox) -> None:
        """What cannot be planted is not listed as planted."""
        found.remote.plant("release-down")
        with pytest.raises(SandboxError, match="its process does not run"):
            found.remote.plant("errors")

        assert [fault["name"] for fault in found.remote.faults()] == ["release-down"]
