"""The site's service worker helps on a bad connection, never holds a release back, and can be one that does."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.running_product import eventually
from tests.sandbox.site_visits import RunningSandbox, Visit

STABLE, CANDIDATE = "1.41.3", "1.42.0"
# Shortly after its start Chromium takes some seconds to look for a newer worker.
RENEWED_WITHIN_S = 20
READY = "() => navigator.serviceWorker.ready.then((registration) => registration.active.scriptURL)"
CONTROLLED = "() => navigator.serviceWorker.controller !== null"
CACHES = "() => caches.keys()"
KEPT = """async () => {
    const kept = [];
    for (const name of await caches.keys()) {
        for (const request of await (await caches.open(name)).keys()) kept.push(request.url);
    }
    return kept;
}"""


@pytest.fixture(params=["chromium", "firefox"])
def visit(request: pytest.FixtureRequest, site: RunningSandbox) -> Iterator[Visit]:
    """Open each browser for somebody who has not been here before."""
    context = request.getfixturevalue(request.param).new_context()
    yield Visit(context.new_page(), site)
    context.close()


def _build(visit: Visit) -> str:
    files = visit.page.request.get(visit.site.frontend + "/asset-manifest.json").json()["files"]
    return str(next(iter(files)).split("/")[2])


def _come_back(visit: Visit, path: str = "/login") -> None:
    """Visit once until the worker is there, and once more."""
    visit.open(path)
    visit.settle()
    assert visit.page.evaluate(READY) == visit.site.frontend + "/sw.js"
    visit.open(path)
    visit.settle()
    assert visit.page.evaluate(CONTROLLED)


def _opened_as(visit: Visit, release: str) -> Callable[[], bool]:
    def opened() -> bool:
        visit.open("/login")
        return visit.release == release

    return opened


def test_it_keeps_the_page_and_this_builds_files_only(visit: Visit) -> None:
    """Nothing that changes from moment to moment is kept; and the browser has nothing to complain of."""
    visit.sign_in()
    visit.settle()  # a request that is still under way would fail when the page is left
    _come_back(visit, "/")
    _come_back(visit, "/wins")
    site = visit.site.frontend
    eventually(lambda: f"{site}/" in visit.page.evaluate(KEPT), within_s=5, what="the page is kept")
    kept = visit.page.evaluate(KEPT)

    assert [url for url in kept if not url.startswith(f"{site}/assets/{_build(visit)}/")] == [f"{site}/"]
    assert len(kept) > 5
    assert visit.complaints == []
    assert visit.failures == []


def test_a_page_instead_of_a_file_is_not_kept(visit: Visit) -> None:
    """The host answers a missing file with the page: kept as the file it would stay broken for ever."""
    _come_back(visit)
    missing = f"/assets/{_build(visit)}/app/no-such.js"
    kind = visit.page.evaluate("(path) => fetch(path).then((answer) => answer.headers.get('Content-Type'))", missing)

    assert kind.startswith("text/html")
    assert visit.site.frontend + missing not in visit.page.evaluate(KEPT)


def test_a_rolled_back_release_is_gone_with_the_next_load(visit: Visit) -> None:
    """The page comes from the network first, and what was kept of the other release is thrown away."""
    _come_back(visit)
    old = _build(visit)
    visit.site.control.go_live("stable")
    visit.open("/login")

    assert visit.release == STABLE
    eventually(
        lambda: not any(old in name for name in visit.page.evaluate(CACHES)),
        within_s=RENEWED_WITHIN_S,
        what="the old release's files are gone",
    )
    assert visit.complaints == []
    assert visit.failures == []


def test_the_page_opens_without_a_network(chromium_visit: Visit) -> None:
    """What was kept is shown, and says that the service cannot be found."""
    visit = chromium_visit
    _come_back(visit)
    _come_back(visit)
    visit.page.context.set_offline(True)
    visit.page.goto(visit.site.frontend + "/login")

    expect(visit.page.get_by_role("alert")).to_contain_text("could not find its service")
    visit.page.context.set_offline(False)
    visit.page.get_by_role("button", name="Try again").click()
    expect(visit.page.get_by_role("heading", level=1, name="Log in")).to_be_visible()


@pytest.fixture
def chromium_visit(request: pytest.FixtureRequest, site: RunningSandbox) -> Iterator[Visit]:
    """Open Chromium only: Firefox cannot be taken off the network from outside."""
    context = request.getfixturevalue("chromium").new_context()
    yield Visit(context.new_page(), site)
    context.close()


def test_a_stuck_one_shows_its_release_from_the_second_load_on(visit: Visit) -> None:
    """The host publishes the live release, and the person sees the other one; a worker that works sets it right."""
    visit.site.control.plant("service-worker-stuck")
    visit.open("/login")
    assert visit.release == CANDIDATE
    assert visit.page.evaluate(READY)

    visit.sign_in()
    assert visit.release == STABLE
    version = visit.page.evaluate("() => fetch('/version.json').then((answer) => answer.json())")
    assert version["release"] == CANDIDATE
    assert visit.complaints == []

    visit.site.control.clear_all()
    eventually(_opened_as(visit, CANDIDATE), within_s=RENEWED_WITHIN_S, what="the live release's page")


def test_a_stuck_one_survives_the_rollback(visit: Visit) -> None:
    """Planted with the bad release's name it does no harm until that is rolled back, and then keeps showing it."""
    visit.site.control.plant("service-worker-stuck", release="candidate")
    _come_back(visit)
    assert visit.release == CANDIDATE
    visit.site.control.go_live("stable")
    for _ in range(3):
        visit.open("/login")
        assert visit.release == CANDIDATE

    assert visit.page.request.get(visit.site.frontend + "/version.json").json()["release"] == STABLE
    assert visit.complaints == []
