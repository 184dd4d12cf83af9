"""The stand-in for Netlify's API: its contract, and that visitors get what is published."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from pam_rollback.sandbox.faults import Fault, read_fault
from tests.sandbox.netlify_host import CANDIDATE, STABLE, Host, restored, running

SITE = {
    "index.html": b"<!doctype html><title>by hand</title>",
    "version.json": b'{"release": "9.9.9"}',
    "a b/c.txt": b"c",
}


class TestSite:
    """What is deployed at the start, and how one is told."""

    def test_the_newest_release_is_published(self, host: Host) -> None:
        """The site names the deploy with its commit, and visitors get its files."""
        published = host.published()

        assert published["id"] == host.deploy_of("candidate")
        assert published["commit_ref"] == host.repository.commits["candidate"]
        assert (published["state"], published["context"], published["branch"]) == ("ready", "production", "main")
        assert published["locked"] is False
        assert host.release() == CANDIDATE
        assert host.visit("/version.json").json["commit"] == published["commit_ref"]

    def test_deploys_are_listed_the_newest_first_and_by_pages(self, host: Host) -> None:
        """The header Link leads from page to page; together they are the whole list."""
        whole = [deploy["id"] for deploy in host.on_site("GET", "/deploys?production=true").json]
        pages, path = [], "/deploys?production=true&per_page=1"
        while path:
            answer = host.on_site("GET", path)
            pages += [deploy["id"] for deploy in answer.json]
            following = re.search(r'<[^>]*?(/deploys\?[^>]*)>; rel="next"', answer.headers.get("link", ""))
            path = following.group(1) if following else ""

        assert pages == whole
        assert whole.index(host.deploy_of("candidate")) < whole.index(host.deploy_of("stable"))

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("state=error", 0),
            ("branch=other", 0),
            ("latest-published=true", 1),
            ("deploy-previews=true", 0),
            ("page=9", 0),
        ],
    )
    def test_the_list_is_filtered(self, kept_host: Host, query: str, count: int) -> None:
        """By state, branch, kind and page."""
        assert len(kept_host.on_site("GET", f"/deploys?{query}").json) == count

    def test_one_deploy_has_two_addresses(self, host: Host) -> None:
        """With the site and without."""
        deploy = host.deploy_of("stable")

        assert host.on_site("GET", f"/deploys/{deploy}").json == host.call("GET", f"/deploys/{deploy}").json


class TestRefusals:
    """How the API says no."""

    @pytest.mark.parametrize("token", ["", "nfp_wrong"])
    def test_without_the_right_token(self, kept_host: Host, token: str) -> None:
        """401 in the envelope, with an id of the request."""
        answer = kept_host.call("GET", f"/sites/{kept_host.site.id}", token=token)

        assert (answer.status, answer.json) == (401, {"code": 401, "message": "Access Denied"})
        assert answer.headers["x-request-id"]

    @pytest.mark.parametrize("path", ["/sites/another", "/deploys/0/createSiteRevert", "/nothing"])
    def test_a_path_that_is_not_routed_is_plain_text(self, kept_host: Host, path: str) -> None:
        """No envelope, whoever asks."""
        answer = kept_host.call("POST", path)

        assert (answer.status, answer.text) == (404, "Not Found")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-request-id"]

    def test_a_deploy_that_is_not_there(self, kept_host: Host) -> None:
        """404 in the envelope, also for a restore."""
        for method, path in (("GET", "/deploys/0123"), ("POST", f"/sites/{kept_host.site.id}/deploys/0123/restore")):
            assert kept_host.call(method, path).json == {"code": 404, "message": "Not Found"}

    def test_more_than_the_limit(self, tmp_path: Path) -> None:
        """Three deploys a minute; the fourth is told the moment from which there are more. Reading goes on."""
        with running(tmp_path, deploys_per_min=3) as host:
            answers = [host.on_site("POST", "/deploys", {}) for _ in range(4)]
            reading = host.on_site("GET")

        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].headers["x-ratelimit-limit"] == "3"
        assert answers[-1].headers["x-ratelimit-remaining"] == "0"
        assert 0 < int(answers[-1].headers["x-ratelimit-reset"]) - time.time() <= 61
        assert (reading.status, reading.headers["x-ratelimit-limit"]) == (200, "500")


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
        """Undocumented; the other way is a fault below."""
        host.call("POST", f"/deploys/{host.deploy_of('candidate')}/lock")
        deploy = restored(host)

        host.until(lambda: host.published()["id"] == deploy, what="restored")
        assert host.published()["locked"] is True


class TestBuilds:
    """What a push sets off."""

    def test_a_build_that_fails_is_told(self, host: Host) -> None:
        """The deploy is in error with the tool's words, and users keep what they had."""
        broken = {"frontend/build.mjs": "throw new Error('no such luck');\n"}
        commit = host.repository.push_as_a_colleague(broken, "Break the build")
        try:
            host.until(lambda: bool(host.on_site("GET", "/deploys?state=error").json), what="failed")
            (failed,) = host.on_site("GET", "/deploys?state=error").json

            assert failed["commit_ref"] == commit
            assert "no such luck" in failed["error_message"]
            assert host.on_site("POST", f"/deploys/{failed['id']}/restore").status == 422
            assert host.release() == CANDIDATE
        finally:
            host.repository.reset()

    def test_stopped_builds_build_nothing(self, host: Host) -> None:
        """Neither a push nor a request."""
        changed = host.on_site("PATCH", "", {"build_settings": {"stop_builds": True}})
        count = len(host.on_site("GET", "/deploys").json)
        host.repository.push_as_a_colleague({"docs/note.md": "a third note\n"}, "A third note")
        time.sleep(0.3)

        assert changed.json["build_settings"]["stop_builds"] is True
        assert host.on_site("POST", "/builds", {}).status == 422
        assert len(host.on_site("GET", "/deploys").json) == count

    def test_a_build_can_be_asked_for_and_cancelled(self, host: Host) -> None:
        """It ends in error, and is never published."""
        build = host.on_site("POST", "/builds", {}).json
        cancelled = host.call("POST", f"/deploys/{build['deploy_id']}/cancel")

        assert (cancelled.status, cancelled.json["state"]) == (201, "error")
        assert build["sha"] == host.repository.head("main")
        time.sleep(1)
        assert host.call("GET", f"/deploys/{build['deploy_id']}").json["error_message"] == "Canceled build"
        assert host.published()["id"] == host.deploy_of("candidate")


class TestUploads:
    """Files that were built elsewhere."""

    def test_only_what_is_missing_is_asked_for(self, host: Host) -> None:
        """The published deploy's own files are there already; a second time none is missing."""
        files = {path.lstrip("/"): file.body for path, file in host.deploys.build.files.items()}
        first = host.upload(files | {"extra.txt": b"new in this deploy"})

        assert host.call("GET", f"/deploys/{first}").json["required"] == []
        host.until(lambda: host.published()["id"] == first, what="published")
        assert host.visit("/extra.txt").text == "new in this deploy"
        assert host.release() == CANDIDATE

    def test_a_draft_is_ready_and_not_published(self, host: Host) -> None:
        """As `netlify deploy` without --prod."""
        deploy = host.upload(SITE, draft=True)
        found = host.until_state(deploy, "ready")

        assert (found["context"], found["draft"]) == ("deploy-preview", True)
        time.sleep(2 * host.deploys.latencies.publish_s)
        assert host.published()["id"] == host.deploy_of("candidate")

    def test_a_file_with_another_content_is_refused(self, host: Host) -> None:
        """The digest was promised; the deploy waits for the right file."""
        deploy = host.on_site("POST", "/deploys", {}).json["id"]
        host.on_site("PUT", f"/deploys/{deploy}", {"files": {"index.html": "0" * 40}})
        wrong = host.call("PUT", f"/deploys/{deploy}/files/index.html", b"wrong", kind="application/octet-stream")

        assert wrong.status == 422
        assert host.call("GET", f"/deploys/{deploy}").json["state"] == "uploading"

    @pytest.mark.parametrize("files", [None, {}, {"index.html": "no digest"}, {"what?.html": "0" * 40}])
    def test_digests_that_are_none_are_refused(self, host: Host, files: object) -> None:
        """Also names that no address can have."""
        deploy = host.on_site("POST", "/deploys", {}).json["id"]

        assert host.on_site("PUT", f"/deploys/{deploy}", {"files": files}).status == 422


class TestCache:
    """What the host's cache keeps of an earlier release."""

    @pytest.mark.parametrize("fault", ["old-page-served", "old-asset-served"])
    def test_a_purge_empties_it(self, host: Host, fault: str) -> None:
        """202 without a body, and users get what is published."""
        host.faults.add(_fault(fault))
        address = "/" if fault == "old-page-served" else host.deploys.build.address("app/main.js")
        before = host.visit(address).text
        purged = host.call("POST", "/purge", {"site_id": host.site.id})

        assert STABLE in before
        assert CANDIDATE in host.visit(address).text
        assert (purged.status, purged.text) == (202, "")

    def test_a_purge_can_be_without_effect(self, host: Host) -> None:
        """Accepted is not done."""
        host.faults.add(_fault("old-page-served"))
        with host.fault("netlify-behaviour", what="purge-without-effect"):
            assert host.call("POST", "/purge", {"site_id": host.site.id}).status == 202
        assert STABLE in host.visit().text

    @pytest.mark.parametrize(("body", "status"), [({}, 400), ({"site_id": "another"}, 404)])
    def test_a_purge_names_its_site(self, host: Host, body: object, status: int) -> None:
        """As the contract says."""
        assert host.call("POST", "/purge", body).status == status


def _fault(name: str) -> Fault:
    return read_fault(name, {"release": "stable"})
