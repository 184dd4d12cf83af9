"""The site is published as a real host does it: addresses named by content, one live build; and the ways in which that goes wrong."""

import asyncio
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Browser, expect

from pam_rollback.sandbox import site_builder
from pam_rollback.sandbox.builds import SITE, Build, asset_names, load
from pam_rollback.sandbox.problems import SandboxError
from tests.sandbox.site_visits import RunningSandbox, Visit

STABLE, CANDIDATE = "1.41.3", "1.42.0"
COMMIT = "0" * 40
FOR_EVER = "public, max-age=31536000, immutable"
RESOURCES = """() => performance.getEntriesByType("resource")
    .map((entry) => new URL(entry.name).pathname).filter((path) => path.startsWith("/assets/"))"""


def _get(visit: Visit, path: str, **headers: str) -> APIResponse:
    return visit.page.request.get(
        visit.site.frontend + path, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def _files(visit: Visit) -> dict[str, str]:
    files: dict[str, str] = _get(visit, "/asset-manifest.json").json()["files"]
    return files


def _sha256(answer: APIResponse) -> str:
    return hashlib.sha256(answer.body()).hexdigest()


def _strangers(visit: Visit) -> set[str]:
    """The files whose content is not the one that the deploy names."""
    return {path for path, sha256 in _files(visit).items() if _sha256(_get(visit, path)) != sha256}


def _source(folder: Path, release: str = CANDIDATE) -> Path:
    """The site's sources, as a release has them."""
    shutil.copytree(SITE, folder, dirs_exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        document = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**document, "version": release}))
    return folder


def _built(source: Path, commit: str = COMMIT) -> Build:
    return load(asyncio.run(site_builder.build_directly(source, commit=commit)))


class TestBuild:
    """What the product's own build script makes of a release."""

    def test_the_same_content_has_the_same_address(self, tmp_path: Path) -> None:
        """A build can be made again, also by way of npm; a revert is another commit with the same files, and version.json tells which."""
        source = _source(tmp_path / "site")
        first, reverted = _built(source), _built(source, "f" * 40)
        again = load(asyncio.run(site_builder.build(source, commit=COMMIT)))

        assert first == again
        assert {path for path, file in first.files.items() if file != reverted.files[path]} == {"/version.json"}
        assert json.loads(first.files["/version.json"].body) == {"release": CANDIDATE, "commit": COMMIT}

    def test_what_the_tools_write_for_themselves_is_beside_the_build(self, tmp_path: Path) -> None:
        """There it goes with the sandbox's folder, also when somebody kills the sandbox during a build."""
        source = _source(tmp_path / "site")
        with (source / "build.mjs").open("a", encoding="utf-8") as script:
            script.write('\nimport { writeFileSync as note } from "node:fs";\nnote("dist/home", process.env.HOME);\n')
        published = asyncio.run(site_builder.build_directly(source, commit=COMMIT))

        assert Path((published / "home").read_text(encoding="utf-8")).parent == tmp_path

    def test_every_file_of_the_site_is_published(self, tmp_path: Path) -> None:
        """Below the hash, with the manifest's digest; neither the build's own script nor its settings are."""
        made = _built(_source(tmp_path / "site"))
        named = json.loads(made.files["/asset-manifest.json"].body)

        assert set(made.assets) == {made.address(name) for name in asset_names()}
        assert named == {"release": CANDIDATE, "files": {path: file.sha256 for path, file in made.assets.items()}}
        documents = {"/index.html", "/sw.js", "/asset-manifest.json", "/version.json"}
        assert set(made.files) == set(made.assets) | documents

    def test_each_release_has_files_of_its_own(self, tmp_path: Path) -> None:
        """Scripts and styles differ in content, and no address is shared."""
        old, new = (_built(_source(tmp_path / release, release)) for release in (STABLE, CANDIDATE))

        assert not set(old.assets) & set(new.assets)
        for address, file in new.assets.items():
            twin = old.assets[address.replace(new.hash, old.hash)]
            assert (twin.body != file.body) is address.endswith((".js", ".css")), address
        assert old.page != new.page
        assert old.worker != new.worker

    def test_another_content_has_another_address(self, tmp_path: Path) -> None:
        """One changed letter is enough, and a moved file too."""
        site = _source(tmp_path / "site")
        hashes = {_built(site).hash}
        with (site / "styles.css").open("a") as file:
            file.write("\n")
        hashes.add(_built(site).hash)
        (site / "styles.css").rename(site / "style.css")
        hashes.add(_built(site).hash)

        assert len(hashes) == 3

    def test_nothing_is_left_to_fill_in(self, tmp_path: Path) -> None:
        """No file of a deploy has a placeholder, nor has the worker that a fault publishes."""
        made = _built(_source(tmp_path / "site"))
        for file in (made.stuck_worker, *made.files.values()):
            assert not re.search(rb"__[A-Z]+__", file.body)

    def test_a_build_that_fails_says_why(self, tmp_path: Path) -> None:
        """In the words of the tool, with its command."""
        site = _source(tmp_path / "site", "new")

        with pytest.raises(
            SandboxError, match=r"(?s)commit 0{12}.*node build.mjs.*a version such as 1\.42\.0, found new"
        ):
            _built(site)

    def test_a_package_that_is_not_locked_fails(self, tmp_path: Path) -> None:
        """`npm ci` installs what the lock file says, or nothing."""
        site = _source(tmp_path / "site")
        package = json.loads((site / "package.json").read_text())
        (site / "package.json").write_text(json.dumps({**package, "dependencies": {"left-pad": "1.3.0"}}))

        with pytest.raises(SandboxError, match=r"(?s)`npm ci.*left-pad"):
            asyncio.run(site_builder.build(site, commit=COMMIT))


class TestHost:
    """What is published, and for how long a browser may keep it."""

    def test_the_manifest_is_true(self, visit: Visit) -> None:
        """Each file that the deploy names is there with the content that it names, to be kept for ever."""
        manifest = _get(visit, "/asset-manifest.json")

        assert manifest.json()["release"] == CANDIDATE
        assert manifest.headers["cache-control"] == "no-store"
        assert len(_files(visit)) == len(asset_names())
        for path, sha256 in _files(visit).items():
            answer = _get(visit, path)
            assert _sha256(answer) == sha256, path
            assert answer.headers["cache-control"] == FOR_EVER, path
            assert answer.headers["content-type"].startswith(("text/javascript", "text/css", "image/svg+xml")), path

    def test_the_page_loads_what_the_manifest_names(self, visit: Visit) -> None:
        """Everything that the browser takes from the host's files is one of this build."""
        visit.sign_in(then="/")
        visit.page.wait_for_function("document.images.length && [...document.images].every((image) => image.complete)")
        loaded = set(visit.page.evaluate(RESOURCES))

        assert loaded == set(_files(visit))
        assert visit.release == CANDIDATE

    @pytest.mark.parametrize("path", ["/", "/wins", "/sw.js"])
    def test_what_keeps_its_address_is_asked_for_each_time(self, visit: Visit, path: str) -> None:
        """A browser that has it gets 304, and the new one as soon as there is one."""
        first = _get(visit, path)
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == "no-cache"
        assert _get(visit, path, If_None_Match=tag).status == 304

        visit.site.control.go_live("stable")
        assert _get(visit, path, If_None_Match=tag).status == 200

    def test_a_file_that_is_not_there_is_the_page(self, visit: Visit) -> None:
        """As on the real host: a 200 proves nothing. It must not be kept for ever either."""
        answer = _get(visit, "/assets/0123456789ab/app/main.js")

        assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert answer.headers["cache-control"] == "no-cache"

    def test_head_tells_without_sending(self, visit: Visit) -> None:
        """As for every file of a host."""
        path = next(iter(_files(visit)))
        answer = visit.page.request.head(visit.site.frontend + path)

        assert (answer.status, answer.body()) == (200, b"")
        assert int(answer.headers["content-length"]) == len(_get(visit, path).body())

    def test_a_new_release_replaces_the_whole_deploy_at_once(self, visit: Visit) -> None:
        """Page, worker, documents and files are the new release's, and the old one's files are gone."""
        old = _files(visit)
        visit.site.control.go_live("stable")

        assert f'content="{STABLE}"' in _get(visit, "/").text()
        assert STABLE in _get(visit, "/sw.js").text()
        for document in ("/version.json", "/config.json", "/asset-manifest.json"):
            assert _get(visit, document).json()["release"] == STABLE
        assert not _strangers(visit)
        assert {_get(visit, path).headers["content-type"] for path in old} == {"text/html; charset=utf-8"}
        visit.open("/login")
        assert visit.release == STABLE
        assert visit.complaints == []


class TestOldAsset:
    """`old-asset-served`: one file is not the one that the deploy put there."""

    @pytest.mark.parametrize("asset", ["app/main.js", "styles.css", "app/views/chat.js"])
    def test_one_file_is_the_other_releases(self, visit: Visit, asset: str) -> None:
        """Its address is the live one, so only its content tells; the page works and complains of nothing."""
        visit.site.control.plant("old-asset-served", asset=asset)
        (stranger,) = _strangers(visit)
        answer = _get(visit, stranger)

        assert stranger.endswith(f"/{asset}")
        assert STABLE in answer.text().partition("\n")[0]
        assert answer.headers["cache-control"] == FOR_EVER
        visit.sign_in()
        assert visit.release == CANDIDATE
        assert visit.complaints == []
        visit.site.control.clear_all()
        assert not _strangers(visit)

    def test_a_rolled_back_release_can_have_left_it(self, visit: Visit) -> None:
        """Planted with the bad release's name it is invisible until another one is live."""
        visit.site.control.plant("old-asset-served", release="candidate")
        assert not _strangers(visit)
        visit.site.control.go_live("stable")

        (stranger,) = _strangers(visit)
        assert CANDIDATE in _get(visit, stranger).text().partition("\n")[0]

    def test_a_file_that_the_site_does_not_have_is_refused(self, visit: Visit) -> None:
        """A fault that cannot be is not planted."""
        with pytest.raises(SandboxError, match=r"asset is 'app/no\.js'"):
            visit.site.control.plant("old-asset-served", asset="app/no.js")


class TestOldPage:
    """`old-page-served`: the host's cache has a page that is no longer published."""

    def test_the_page_works_and_is_another_releases(self, visit: Visit) -> None:
        """With its files in the cache too, nothing but its own words give it away."""
        visit.site.control.plant("old-page-served")
        visit.sign_in()

        assert visit.release == STABLE
        assert _get(visit, "/version.json").json()["release"] == CANDIDATE
        assert not set(visit.page.evaluate(RESOURCES)) & set(_files(visit))
        assert visit.complaints == []

    def test_without_its_files_it_never_starts(self, visit: Visit) -> None:
        """It asks for scripts and gets pages."""
        visit.site.control.plant("old-page-served", assets="gone")
        visit.page.goto(visit.site.frontend + "/login")
        visit.page.wait_for_load_state("networkidle")

        expect(visit.page.get_by_text("Loading Wheels & Wins")).to_be_visible()
        assert any("MIME type" in words for words in visit.complaints), visit.complaints

    def test_a_rolled_back_release_can_have_left_it(self, chromium: Browser, site: RunningSandbox) -> None:
        """Planted with the bad release's name it is invisible until another one is live."""
        site.control.plant("old-page-served", release="candidate")
        seen = []
        for live in ("candidate", "stable"):
            site.control.go_live(live)
            visit = Visit(chromium.new_page(), site)
            visit.open("/login")
            seen.append((_get(visit, "/version.json").json()["release"], visit.release))
            visit.page.close()

        assert seen == [(CANDIDATE, CANDIDATE), (STABLE, CANDIDATE)]

    def test_it_can_be_bad_too(self, visit: Visit) -> None:
        """Faults of the page come on top."""
        visit.site.control.plant("old-page-served")
        visit.site.control.plant("page", what="console-error.js")
        visit.open("/")

        assert visit.release == STABLE
        assert len(visit.complaints) == 1
