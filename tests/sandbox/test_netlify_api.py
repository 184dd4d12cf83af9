"""The stand-in for Netlify's API: its contract, and that visitors get what is published."""

from __future__ import annotations

import time

from tests.sandbox.netlify_host import CANDIDATE, STABLE, Host, restored


class TestRestore:
    """The rollback."""

    def test_accepted_is_not_published(self, host: Host) -> None:
        """201 comes first; users get the deploy later, and then the site says so, with the moment."""
        before = host.call("GET", f"/deploys/{host.deploy_of('stable')}").json["published_at"]
        deploy = restored(host)

        assert host.published()["id"] == host.deploy_of("candidate")
        host.until(lambda: host.published()["id"] == deploy, what="restored")
        assert host.release() == STABLE
        assert host.published()["published_at"] > before

    def test_what_is_published_already_stays(self, host: Host) -> None:
        """Also the moment of its publication."""
        before = host.published()
        restored(host, "candidate")
        time.sleep(2 * host.deploys.latencies.publish_s)

        assert host.published() == before

    def test_a_push_overwrites_it(self, host: Host) -> None:
        """A restore does not lock: what is pushed afterwards is really built, and published."""
        deploy = restored(host)
        host.until(lambda: host.published()["id"] == deploy, what="restored")
        commit = host.repository.push_as_a_colleague({"docs/note.md": "a note\n"}, "A note")

        host.until(lambda: host.published().get("commit_ref") == commit, what="published")
        assert host.visit("/version.json").json == {"release": CANDIDATE, "commit": commit}

    def test_a_lock_holds_it(self, host: Host) -> None:
        """The push is built and is ready, and users keep what they had; unlocking publishes nothing that was built meanwhile."""
        deploy = restored(host)
        host.until(lambda: host.published()["id"] == deploy, what="restored")
        assert host.call("POST", f"/deploys/{deploy}/lock").json["locked"] is True
        commit = host.repository.push_as_a_colleague({"docs/note.md": "another note\n"}, "Another note")

        def built() -> list[str]:
            listed = host.on_site("GET", "/deploys?state=ready").json
            return [found["id"] for found in listed if found.get("commit_ref") == commit]

        host.until(lambda: bool(built()), what="built")
        assert host.call("POST", f"/deploys/{deploy}/unlock").json["locked"] is False
        time.sleep(2 * host.deploys.latencies.publish_s)
        assert host.published()["id"] == deploy
        assert host.release() == STABLE

    def test_only_what_is_published_can_be_locked(self, host: Host) -> None:
        """A lock that is asked for too early is refused, and nothing is locked."""
        assert host.call("POST", f"/deploys/{host.deploy_of('stable')}/lock").status == 422
        assert host.published()["locked"] is False

    def test_while_locked_the_lock_moves(self, host: Host) -> None:
        """Undocumented."""
        host.call("POST", f"/deploys/{host.deploy_of('candidate')}/lock")
        deploy = restored(host)

        host.until(lambda: host.published()["id"] == deploy, what="restored")
        assert host.published()["locked"] is True


def test_a_request_that_is_not_described_is_refused(host: Host) -> None:
    """Another query, another name in a body: our own clients' requests are held to it in every session."""
    asked = [
        ("GET", "/deploys?per_pages=5", None),
        ("POST", "/deploys", {"drafd": True}),
        ("POST", "/deploys?titel=x", {}),
    ]

    assert [host.on_site(*one).status for one in asked] == [422, 422, 422]
