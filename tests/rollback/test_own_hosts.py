"""Consent for one product changes no other: a host's site or service is bound to the addresses of the environment."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pam_rollback.core.errors import Refused
from pam_rollback.core.question import State
from pam_rollback.core.wait import Waiter
from pam_rollback.rollback import preflight_questions, provider_access
from pam_rollback.rollback.provider_access import refuse_places
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.served_release import ExpectedReleases
from tests.plugin.drilling import CONSENT, as_staging
from tests.rollback.providers.test_netlify import DEPLOY, SITE, SITE_DOCUMENT
from tests.rollback.providers.test_render_deploys import SERVICE, SERVICE_DOCUMENT
from tests.scripted_provider import Reply, Request, Scripted, says, scripted
from tests.sessions import ONLY_HEALTH, Project, RunningSandbox

RENDERED = {**SERVICE_DOCUMENT, "serviceDetails": {"url": "https://pam.onrender.example"}}
DOMAINS = [{"customDomain": {"name": "api.example"}, "cursor": "c"}]
FILE = """
name = "production"
kind = "production"
abilities = ["netlify", "render"]
[urls]
frontend = "{front}"
api = "{api}"
backend = "{back}"
[secrets]
netlify_auth_token_env = "NETLIFY_AUTH_TOKEN"
render_api_key_env = "RENDER_API_KEY"
[netlify]
site_id = "site-1"
api_url = "{at}"
[render]
service_id = "srv-1"
api_url = "{at}"
"""
Open = Callable[..., Environment]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """An environment with these addresses, whose hosts both are this server."""

    def opened(server: Scripted, front: str = "https://a.example", back: str = "https://api-a.example") -> Environment:
        text = FILE.format(front=front, api="https://api-a.example", back=back, at=server.url)
        (tmp_path / "production.toml").write_text(text, encoding="utf-8")
        tokens = {"NETLIFY_AUTH_TOKEN": "nfp_1", "RENDER_API_KEY": "rnd_1"}
        return load_environment(str(tmp_path / "production.toml"), tmp_path, tokens)

    return opened


def answering(request: Request) -> Reply:
    """Both hosts, of another product than the environment's."""
    if request.path.endswith("/custom-domains"):
        return says(DOMAINS)
    if request.path.endswith(f"/services/{SERVICE}"):
        return says(RENDERED)
    if request.path.endswith(f"/sites/{SITE}"):
        return says({**SITE_DOCUMENT, "domain_aliases": ["alias.example"]})
    return says({**DEPLOY, "status": "live"} if request.method == "POST" else [])


def changes(server: Scripted) -> list[str]:
    """What could have changed something."""
    return [str(request) for request in server.requests if request.method != "GET"]


def test_another_products_site_and_service_are_never_changed(opened: Open) -> None:
    """A wrong id, and a token that may: each way to change something is refused, and nothing was sent. A preflight says so."""
    with scripted(by=answering) as server:
        environment = opened(server)
        site, api = provider_access.site_host(environment, Waiter()), provider_access.api_host(environment, Waiter())
        for change in (
            lambda: site.restore("d1"),
            lambda: site.lock("d1"),
            site.purge,
            lambda: api.restore("d1"),
            lambda: api.set_auto_deploy(on=False),
            lambda: api.beside("srv-2").restore("d1"),
        ):
            with pytest.raises(Refused, match=r"expected https://(api-)?a\.example \(\[urls\] (frontend|api)\)"):
                change()
        for story in ("frontend-restore", "backend-provider", "full-system"):
            with pytest.raises(Refused, match="Nothing was changed there: name the right one, or correct the address"):
                provider_access.refuse_another(environment, [story])
        provider_access.refuse_another(environment, ["feature-flag"])
        found = [
            one
            for call in preflight_questions._of_the_hosts(environment, ExpectedReleases(), 2)
            if len(call.questions) > 1
            for one in call.ask()[:1]
        ]

    assert changes(server) == []
    assert [one.state for one in found] == [State.NO, State.NO]
    assert "Netlify: the site site-1 ([netlify] site_id) is what users reach at https://pam.example" in found[0].words


@pytest.mark.parametrize(
    ("front", "back"),
    [
        ("https://pam.example", "https://pam.onrender.example"),
        ("https://www.pam.example/", "https://API.example:443/"),
        ("https://wheels.example", "https://api.example"),
        ("https://alias.example", "https://api.example"),
        ("https://pam.netlify.app", "https://api.example"),
    ],
)
def test_its_own_is_known_by_any_of_its_addresses(opened: Open, front: str, back: str) -> None:
    """Asked once; a host that is out of reach stops nobody at the start, and is asked again before the first change."""
    with scripted(by=answering) as server:
        environment = opened(server, front, back)
        provider_access.refuse_another(environment, ["full-system"])
        site, api = provider_access.site_host(environment, Waiter()), provider_access.api_host(environment, Waiter())
        for _ in range(2):
            site.restore("d1")
            api.cancel("d1")

    assert len(changes(server)) == 4
    assert server.asked.count(f"GET /sites/{SITE}") == server.asked.count(f"GET /services/{SERVICE}") == 2
    environment = environment.model_copy(
        update={
            "netlify": environment.netlify and environment.netlify.model_copy(update={"api_url": "http://127.0.0.1:9"})
        }
    )
    provider_access.refuse_another(environment, ["frontend-restore"])


def test_what_tells_no_address_is_another() -> None:
    """As a worker, which nobody reaches."""
    with pytest.raises(Refused, match="is what users reach at no address"):
        refuse_places([], {"[urls] api": "https://api.example", "[urls] backend": ""}, "Render: the service srv-1")


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions end before any check."""
    return ONLY_HEALTH


@pytest.mark.parametrize("story", ["frontend_restore", "full_system"])
def test_a_real_rollback_of_another_product_is_refused(
    running_sandbox: RunningSandbox, project: Project, story: str
) -> None:
    """13, and the site is as it was. Before, the other product's site was restored and locked."""
    as_staging(running_sandbox, project)
    own = running_sandbox.state["urls"]["frontend"]
    text = (project.folder / "staging.toml").read_text("utf-8")
    project.write("staging.toml", text.replace(own, running_sandbox.state["urls"]["status_page"]))
    site = provider_access.site_host(
        load_environment(
            str(project.folder / "staging.toml"), project.folder / "environments", running_sandbox.variables
        ),
        Waiter(),
    )
    before = site.live()

    ended = project.run(f"drills/test_{story}.py", "-k", "not window", *CONSENT, "--env=staging.toml")

    assert ended.rc == 13, ended.out
    assert "([netlify] site_id) is what users reach at" in " ".join(ended.out.split())
    assert site.live() == before
