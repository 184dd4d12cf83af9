"""The client of Netlify: what is asked, what is understood, and what is refused."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed, ProviderError
from pam_rollback.core.wait import Waiter
from pam_rollback.rollback.deploys import stopped, under_way
from pam_rollback.rollback.providers.netlify import NetlifySite, digests_of, netlify_api
from pam_rollback.target.hosts import Netlify
from tests.scripted_provider import Reply, Request, Scripted, reset, says, scripted
from tests.virtual_clock import VirtualClock

SITE = "site-1"
COMMIT = "ab" * 20
DEPLOY: Mapping[str, Any] = {
    "id": "d1",
    "site_id": SITE,
    "state": "ready",
    "commit_ref": COMMIT,
    "branch": "main",
    "context": "production",
    "created_at": "2026-11-25T10:00:00.123Z",
    "published_at": "2026-11-25T10:01:00+02:00",
    "locked": None,
    "error_message": None,
    "title": None,
}
SITE_DOCUMENT: Mapping[str, Any] = {
    "id": SITE,
    "name": "pam",
    "url": "http://pam.example",
    "ssl_url": "https://pam.example",
    "custom_domain": "wheels.example",
    "build_settings": {"stop_builds": True},
    "published_deploy": {**DEPLOY, "locked": True},
}


def host(server: Scripted, *, patience_s: float = 60) -> NetlifySite:
    """The client."""
    settings = Netlify.model_validate({"site_id": SITE, "api_url": server.url})
    api = netlify_api(settings, "token", deadline_s=0.3, patience_s=patience_s, waiter=Waiter(VirtualClock()))
    return NetlifySite(api, settings)


CHANGES = {
    "restore": ("POST /sites/site-1/deploys/d1/restore", 201),
    "lock": ("POST /deploys/d1/lock", 200),
    "unlock": ("POST /deploys/d1/unlock", 200),
    "cancel": ("POST /deploys/d1/cancel", 201),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            says({**DEPLOY, "id": "d2"}, 201),
            "expected a deploy with id d1, found id d2: its answer is about something else",
        ),
        (says({**DEPLOY, "site_id": "site-2"}, 201), "expected a deploy with site_id site-1, found site_id site-2"),
        (says({"id": "d1"}), "expected a deploy with 'state' as a text, found none among id"),
        (
            says({"code": 401, "message": "Access Denied"}, 401, X_Request_Id="r-1"),
            "Access Denied, request r-1; the token of [secrets]",
        ),
        (
            says(text="Not Found", status=404),
            "HTTP 404, Not Found, without a request id; is [netlify] site_id the API id",
        ),
        (says({"code": 422, "message": "no"}, 422), "look at the site's Deploys page and choose another one"),
    ],
)
def test_a_change_that_was_not_confirmed_is_not_done(change: str, reply: Reply, words: str) -> None:
    """Once asked, and an error that says what to do."""
    with scripted(reply) as server, pytest.raises(ProviderError) as caught:
        getattr(host(server), change)("d1")

    assert words in str(caught.value)
    assert str(caught.value).startswith(f"Netlify, {change} the deploy d1 (POST /")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            {**SITE_DOCUMENT, "id": "site-2"},
            "expected a site with id site-1, found id site-2: its answer is about something else",
        ),
        (
            {**SITE_DOCUMENT, "published_deploy": None},
            "expected a site with 'published_deploy' as an object, found None",
        ),
        (
            {**SITE_DOCUMENT, "published_deploy": {**DEPLOY, "locked": "yes"}},
            "with 'locked' as true, false or null, found 'yes'",
        ),
        (
            {**SITE_DOCUMENT, "published_deploy": {**DEPLOY, "created_at": "soon"}},
            "'created_at' as a moment (RFC 3339), found 'soon'",
        ),
    ],
)
def test_a_site_that_is_not_told_as_documented_is_not_known(document: Any, words: str) -> None:
    """A guess could be a false all-clear."""
    with scripted(says(document, X_Request_Id="r-9")) as server, pytest.raises(ProviderError) as caught:
        host(server).live()

    assert words in str(caught.value)
    assert "request r-9" in str(caught.value)


def test_deploys_are_read_page_by_page() -> None:
    """As long as a next page is told of; each once, the newest first, and those of production only."""
    pages = {
        "1": [{**DEPLOY, "id": "d1"}, {**DEPLOY, "id": "d3", "created_at": "2026-11-25T12:00:00Z"}],
        "2": [
            {**DEPLOY, "id": "d1"},
            {**DEPLOY, "id": "d0", "created_at": None},
            {**DEPLOY, "id": "p", "context": "deploy-preview"},
        ],
    }

    def by(request: Request) -> Reply:
        found = pages[request.query["page"]]
        if request.query["page"] == "2":
            return says(found, Link='<http://x/?page=1>; rel="prev"')
        return says(found, Link='<http://x/?page=1>; rel="first", <http://x/?page=2>; rel="next"')

    with scripted(by=by) as server:
        assert [deploy.id for deploy in host(server).deploys()] == ["d3", "d1", "d0"]

    assert [request.query for request in server.requests] == [
        {"production": "true", "page": page, "per_page": "100"} for page in ("1", "2")
    ]


def _stop(site: NetlifySite) -> str:
    return stopped(site, under_way(site, site.deploys()))


def test_what_is_being_built_is_cancelled() -> None:
    """Also when one of them cannot be; what is done, or in a state that nobody knows, is left alone."""
    states = {"a": "building", "b": "enqueued", "c": "ready", "d": "archived", "e": "error"}

    def by(request: Request) -> Reply:
        if request.method == "GET":
            return says([{**DEPLOY, "id": name, "state": state} for name, state in states.items()])
        name = request.path.split("/")[2]
        return says({"message": "too late"}, 422) if name == "a" else says({**DEPLOY, "id": name}, 201)

    with scripted(by=by) as server, pytest.raises(ProviderError, match=r"cancel the deploy a .* too late"):
        _stop(host(server))
    assert server.asked[1:] == ["POST /deploys/a/cancel", "POST /deploys/b/cancel"]

    del states["a"]
    with scripted(by=by) as server:
        assert _stop(host(server)).startswith("stopped b ")


def test_the_cache_is_purged_for_the_whole_site() -> None:
    """Accepted is 202."""
    with scripted(says(None, 202)) as server:
        host(server).purge()

    assert (server.asked, server.requests[0].json) == (["POST /purge"], {"site_id": SITE})
    with scripted(reset, says(None, 202)) as server:
        host(server).purge()
    assert server.asked == ["POST /purge"] * 2, "twice is the same as once: an answer that is lost is no failure"
    with scripted(says({"message": "no"}, 400)) as server, pytest.raises(ProviderError, match="purge the cache"):
        host(server).purge()


# ---------------------------------------------------------------- files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built site."""
    for name, text in {"index.html": "<p>", "a/b c.js": "1", "a/same.js": "1", ".well-known/x": "2"}.items():
        (tmp_path / "dist" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "dist" / name).write_text(text, encoding="utf-8")
    return tmp_path / "dist"


def sha1(text: str) -> str:
    """As Netlify names content."""
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324


def publishing(required: Any, upload: Reply | None = None, *, state: str = "uploaded") -> Any:
    """A site that wants these digests; its deploy is in that state when it is looked at."""

    def by(request: Request) -> Reply:
        if request.method == "PUT" and "/files/" in request.path:
            return upload or says({"id": "f"})
        if request.method == "PUT":
            return says({**DEPLOY, "state": "uploading", "required": required})
        if request.method == "POST" and request.path.endswith("/deploys"):
            return says({**DEPLOY, "state": "new", "commit_ref": None})
        return says({**DEPLOY, "state": state, "commit_ref": None, "title": f"Rollback [commit {COMMIT}]"})

    return by


def test_only_what_is_lacking_is_sent(folder: Path) -> None:
    """By digest; the commit is found again in the title."""
    with scripted(by=publishing([sha1("1")])) as server:
        made = host(server).publish_files(folder, title="Rollback", commit=COMMIT)

    create, name, *uploads, _ = server.requests
    assert (str(create), create.query, create.json) == (
        "POST /sites/site-1/deploys",
        {"title": f"Rollback [commit {COMMIT}]"},
        {"draft": False},
    )
    assert str(name) == "PUT /sites/site-1/deploys/d1"
    assert name.json == {
        "files": {".well-known/x": sha1("2"), "a/b c.js": sha1("1"), "a/same.js": sha1("1"), "index.html": sha1("<p>")},
        "async": False,
        "draft": False,
    }
    assert [(str(upload), upload.query, upload.body) for upload in uploads] == [
        ("PUT /deploys/d1/files/a/same.js", {"size": "1"}, b"1")
    ]
    assert (made.state, made.commit) == ("uploaded", COMMIT)


@pytest.mark.parametrize(
    ("required", "upload", "words"),
    [
        (
            [sha1("1")],
            says({"message": "too large"}, 422),
            "Netlify, send a/same.js (PUT /deploys/d1/files/a/same.js): HTTP 422, too large",
        ),
        (["0" * 40], None, "expected only digests of this folder to be required"),
        (None, None, "expected a deploy with 'required' as a list of digests, found None"),
    ],
)
def test_a_deploy_that_lacks_files_is_cancelled(folder: Path, required: Any, upload: Reply | None, words: str) -> None:
    """It must never be published."""
    lacking = publishing(required, upload, state="uploading")
    with scripted(by=lacking) as server, pytest.raises(ProviderError) as caught:
        host(server).publish_files(folder, title="Rollback", commit=COMMIT)

    assert words in str(caught.value)
    assert server.asked[-1] == "POST /deploys/d1/cancel"


@pytest.mark.parametrize("state", ["uploaded", "processing", "ready"])
def test_a_deploy_that_lacks_nothing_is_no_failure(folder: Path, state: str) -> None:
    """Every answer of the uploads was lost, and all files arrived: Netlify publishes it, so it is neither given up nor called failed."""
    with scripted(by=publishing([sha1("2")], reset, state=state)) as server:
        made = host(server).publish_files(folder, title="Rollback", commit=COMMIT)

    assert (made.state, made.commit) == (state, COMMIT)
    assert "POST /deploys/d1/cancel" not in server.asked


def test_a_folder_that_is_no_site_is_not_published(folder: Path, tmp_path: Path) -> None:
    """An empty deploy would take the site away."""
    with pytest.raises(
        ActionFailed, match=r"expected the built site, found no such folder; is \[git\] publish_folder right"
    ):
        digests_of(tmp_path / "nothing")
    with pytest.raises(ActionFailed, match=r"found no index\.html in it"):
        digests_of(tmp_path)
    (folder / "odd#name.js").touch()
    with pytest.raises(ActionFailed, match="Netlify refuses file names"):
        digests_of(folder)
    (folder / "odd#name.js").unlink()
    (tmp_path / "secret").touch()
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ActionFailed, match="a link out of the folder"):
        digests_of(folder)


def test_a_file_that_changes_meanwhile_is_not_sent(folder: Path) -> None:
    """Its digest would be of something else."""
    calm = publishing([sha1("2")], state="uploading")

    def by(request: Request) -> Reply:
        if request.method == "PUT":
            (folder / ".well-known" / "x").write_text("3", encoding="utf-8")
        return calm(request)  # type: ignore[no-any-return]

    with scripted(by=by) as server, pytest.raises(ActionFailed, match="changed while it was being published"):
        host(server).publish_files(folder, title="Rollback", commit=COMMIT)
    assert server.asked[-1] == "POST /deploys/d1/cancel"
