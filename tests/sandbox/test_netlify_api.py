"""The stand-in for Netlify's API: a restore does not lock, a lock holds, and what Netlify does not describe is refused."""

import time

from tests.sandbox.netlify_host import CANDIDATE, PUBLISHED_WITHIN_S, STABLE, Host


def restored(host: Host) -> str:
    """Have the stable deploy restored; gives its id."""
    deploy = host.deploy_of("stable")
    assert host.on_site("POST", f"/deploys/{deploy}/restore").status == 201
    host.until(lambda: host.published()["id"] == deploy, what="restored")
    return deploy


def test_a_push_overwrites_a_restore(host: Host) -> None:
    """What is pushed afterwards is really built, and published."""
    restored(host)
    commit = host.found.remote.push()

    host.until(lambda: host.published().get("commit_ref") == commit, what="published")
    assert host.visit("/version.json").json == {"release": CANDIDATE, "commit": commit}


def test_a_lock_holds_it(host: Host) -> None:
    """The push is built and is ready, and users keep what they had; unlocking publishes nothing that was built meanwhile."""
    assert host.call("POST", f"/deploys/{host.deploy_of('stable')}/lock").status == 422, "only what is published"
    deploy = restored(host)
    assert host.call("POST", f"/deploys/{deploy}/lock").json["locked"] is True
    commit = host.found.remote.push()

    def built() -> list[str]:
        listed = host.on_site("GET", "/deploys?state=ready").json
        return [found["id"] for found in listed if found.get("commit_ref") == commit]

    host.until(lambda: bool(built()), what="built")
    assert host.call("POST", f"/deploys/{deploy}/unlock").json["locked"] is False
    time.sleep(PUBLISHED_WITHIN_S)
    assert (host.published()["id"], host.release()) == (deploy, STABLE)


def test_a_request_that_is_not_described_is_refused(host: Host) -> None:
    """Another query, another name in a body: our own client's requests are held to it in every session."""
    asked = [
        ("GET", "/deploys?per_pages=5", None),
        ("POST", "/deploys", {"drafd": True}),
        ("POST", "/deploys?titel=x", {}),
    ]

    assert [host.on_site(*one).status for one in asked] == [422, 422, 422]
