"""The stand-in for Netlify's API, measured with what Netlify itself publishes: its command line tool and its description of the API."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from pam_sandbox.providers.netlify import BASE, DESCRIBED, UNDESCRIBED
from tests.netlify_cli import ON_LOOPBACK, installed
from tests.npm_packages import node
from tests.sandbox.answer import Answer
from tests.sandbox.netlify_host import CANDIDATE, STABLE, Host

WITHIN_S = 120
PATHS = {
    "site": ["/sites/{site_id}"],
    "deploys": ["/sites/{site_id}/deploys"],
    "upload": ["/sites/{site_id}/deploys/{deploy_id}", "/deploys/{deploy_id}/files/{path}"],
    "builds": ["/sites/{site_id}/builds"],
    "purge": ["/purge"],
    "account": ["/user", "/accounts", "/accounts/{account_id}/env", "/sites"],
}
"""What Netlify calls that of which the stand-in takes queries and bodies."""


@pytest.fixture(scope="module")
def tools() -> Path:
    """Netlify's packages."""
    return installed()


@dataclass(frozen=True)
class Cli:
    """The command line tool, signed in, in a home of its own that tells nobody about its use."""

    host: Host
    tools: Path
    home: Path

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a script would."""
        settings = self.home / "netlify" / "config.json"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text('{"telemetryDisabled": true}')
        return subprocess.run(
            [node(), self.tools / "node_modules" / "netlify-cli" / "bin" / "run.js", *arguments],
            cwd=self.home,
            env={
                "PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.home),
                "XDG_CONFIG_HOME": str(self.home),
                "NODE_OPTIONS": f"--require={ON_LOOPBACK}",
                "CI": "true",
                "NO_UPDATE_NOTIFIER": "1",
                "NETLIFY_AUTH_TOKEN": self.host.token,
                "NETLIFY_API_URL": self.host.api_url,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )

    def api(self, operation: str, **parameters: str) -> subprocess.CompletedProcess[str]:
        """Call one operation by its name."""
        return self("api", operation, "--data", json.dumps(parameters))


@pytest.fixture
def netlify(host: Host, tools: Path, tmp_path: Path) -> Cli:
    """The official command line tool, pointed at the stand-in."""
    return Cli(host, tools, tmp_path)


@pytest.fixture
def dist(netlify: Cli) -> Path:
    """A folder that was built elsewhere: a site that calls itself the stable release."""
    folder = netlify.home / "dist"
    folder.mkdir()
    (folder / "index.html").write_text("<p>built here</p>")
    (folder / "version.json").write_text(json.dumps({"release": STABLE, "commit": "0" * 40}))
    (folder / "built-here.txt").write_text("built here")
    return folder


@pytest.fixture(scope="module")
def description(tools: Path) -> dict[str, Any]:
    """The Swagger 2.0 document."""
    file = tools / "node_modules" / "@netlify" / "open-api" / "dist" / "swagger.json"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


class TestCommandLineTool:
    """What a person at the terminal would type."""

    def test_it_restores_a_deploy(self, netlify: Cli, host: Host) -> None:
        """`restoreSiteDeploy` with its data is the plan's rollback as it can really be called."""
        deploy = host.deploy_of("stable")
        done = netlify.api("restoreSiteDeploy", site_id=host.site_id, deploy_id=deploy)

        assert done.returncode == 0, done
        assert json.loads(done.stdout)["id"] == deploy
        host.until(lambda: host.release() == STABLE, what="restored")
        site = netlify.api("getSite", site_id=host.site_id)
        assert json.loads(site.stdout)["published_deploy"]["id"] == deploy

    def test_it_locks_what_is_published(self, netlify: Cli, host: Host) -> None:
        """And says so."""
        done = netlify.api("lockDeploy", deploy_id=host.deploy_of("candidate"))

        assert json.loads(done.stdout)["locked"] is True, done
        assert host.published()["locked"] is True

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("createSiteRevert", "--site-id", "S", "--deploy-id", "D"), "unknown option"),
            (("createSiteRevert",), "not a valid api method"),
        ],
    )
    def test_the_plans_command_does_not_exist(self, netlify: Cli, arguments: tuple[str, ...], words: str) -> None:
        """It fails before it asks anybody, and the site stays as it is."""
        done = netlify("api", *arguments)

        assert done.returncode == 1, done
        assert words in done.stdout + done.stderr
        assert netlify.host.release() == CANDIDATE

    def test_it_deploys_a_folder(self, netlify: Cli, host: Host, dist: Path) -> None:
        """Only what the host lacks is sent; users get the folder."""
        done = netlify("deploy", "--prod", "--no-build", "--dir", str(dist), "--site", host.site_id)

        assert done.returncode == 0, done
        host.until(lambda: host.release() == STABLE, what="published")
        assert host.visit("/built-here.txt").text == "built here"

    def test_it_builds_once_more_unless_told_not_to(self, netlify: Cli, host: Host, dist: Path) -> None:
        """As the plan has it, the build of netlify.toml runs over what was built already (audit F3)."""
        settings = '[build]\ncommand = "touch dist/built-again.txt"\npublish = "dist"\n'
        (netlify.home / "netlify.toml").write_text(settings)
        deploy = ("deploy", "--prod", "--dir", str(dist), "--site", host.site_id)

        told = netlify(*deploy, "--no-build")
        assert told.returncode == 0, told
        assert not (dist / "built-again.txt").exists()

        untold = netlify(*deploy)
        assert untold.returncode == 0, untold
        assert (dist / "built-again.txt").exists()

    def test_without_a_site_it_wants_to_make_a_new_one(self, netlify: Cli, host: Host, dist: Path) -> None:
        """Without a terminal it asks nobody; only this stand-in, which makes no sites, keeps it from publishing there (audit F4)."""
        done = netlify("deploy", "--prod", "--no-build", "--dir", str(dist))

        assert "creating a new project" in done.stdout + done.stderr, done
        assert host.release() == CANDIDATE

    def test_it_refuses_while_production_is_locked(self, netlify: Cli, host: Host, dist: Path) -> None:
        """It sees the lock in the site's published deploy."""
        host.call("POST", f"/deploys/{host.deploy_of('candidate')}/lock")
        done = netlify("deploy", "--prod", "--no-build", "--dir", str(dist), "--site", host.site_id)

        assert done.returncode == 1, done
        assert "locked" in done.stdout + done.stderr
        assert host.release() == CANDIDATE

    def test_an_expired_deploy_fails(self, netlify: Cli, host: Host) -> None:
        """With the host's status."""
        done = netlify.api("restoreSiteDeploy", site_id=host.site_id, deploy_id="0123456789abcdef01234567")

        assert done.returncode == 1, done
        assert "Not Found" in done.stdout + done.stderr


class TestDescription:
    """Every answer has the shape that @netlify/open-api says, and nothing beside it."""

    @pytest.fixture
    def answers(self, host: Host) -> Mapping[tuple[str, str], Answer]:
        """One answer of each operation, by its method and path in the description."""
        site, stable, candidate = host.site_id, host.deploy_of("stable"), host.deploy_of("candidate")
        uploaded = host.upload({"index.html": os.urandom(20).hex().encode()})
        empty = host.on_site("POST", "/deploys", {"draft": True})
        digests = {"files": {"index.html": "0" * 40}}
        return {
            ("get", "/sites/{site_id}"): host.on_site("GET"),
            ("patch", "/sites/{site_id}"): host.on_site("PATCH", "", {"build_settings": {"stop_builds": False}}),
            ("get", "/sites/{site_id}/deploys"): host.on_site("GET", "/deploys"),
            ("post", "/sites/{site_id}/deploys"): empty,
            ("get", "/deploys/{deploy_id}"): host.call("GET", f"/deploys/{uploaded}"),
            ("get", "/sites/{site_id}/deploys/{deploy_id}"): host.on_site("GET", f"/deploys/{candidate}"),
            ("put", "/sites/{site_id}/deploys/{deploy_id}"): host.on_site(
                "PUT", f"/deploys/{empty.json['id']}", digests
            ),
            ("post", "/deploys/{deploy_id}/lock"): host.call("POST", f"/deploys/{candidate}/lock"),
            ("post", "/deploys/{deploy_id}/unlock"): host.call("POST", f"/deploys/{candidate}/unlock"),
            ("post", "/sites/{site_id}/deploys/{deploy_id}/restore"): host.on_site(
                "POST", f"/deploys/{stable}/restore"
            ),
            ("post", "/deploys/{deploy_id}/cancel"): host.call("POST", f"/deploys/{empty.json['id']}/cancel"),
            ("post", "/sites/{site_id}/builds"): host.on_site("POST", "/builds", {}),
            ("post", "/purge"): host.call("POST", "/purge", {"site_id": site}),
            ("get", "/sites"): host.call("GET", "/sites?filter=all"),
            ("get", "/accounts"): host.call("GET", "/accounts?minimal=true"),
        }

    def test_every_answer_is_described(
        self, description: dict[str, Any], answers: Mapping[tuple[str, str], Answer]
    ) -> None:
        """Status and body, for each operation that is used."""
        assert description["basePath"] == BASE
        problems = []
        for (method, path), answer in answers.items():
            described = description["paths"][path][method]["responses"]
            if str(answer.status) not in described:
                problems.append(f"{method} {path}: status {answer.status}, described {sorted(described)}")
            elif "schema" in described[str(answer.status)]:
                problems += [
                    f"{method} {path}: {said}"
                    for said in _problems(answer.json, described[str(answer.status)]["schema"], description)
                ]
        assert problems == []

    def test_every_refusal_is_described(self, description: dict[str, Any], host: Host) -> None:
        """The envelope of `default`."""
        schema = description["paths"]["/deploys/{deploy_id}"]["get"]["responses"]["default"]["schema"]
        for answer in (host.call("GET", "/deploys/0"), host.call("GET", "/deploys/0", Authorization="Bearer wrong")):
            assert answer.status >= HTTPStatus.BAD_REQUEST
            assert _problems(answer.json, schema, description) == []

    @pytest.mark.parametrize("operation", DESCRIBED)
    def test_all_that_it_takes_is_described(self, description: dict[str, Any], operation: str) -> None:
        """So a request of ours that it takes has no name that Netlify does not know."""
        method, _, what = operation.partition(" ")
        names: dict[str, set[str]] = {"query": set(), "body": set()}
        for path in PATHS[what]:
            described = description["paths"][path]
            for parameter in (*described.get("parameters", ()), *described[method.lower()].get("parameters", ())):
                if parameter["in"] == "query":
                    names["query"].add(parameter["name"])
                elif parameter["in"] == "body":
                    names["body"] |= _names(parameter["schema"], description)
        queries, bodies = DESCRIBED[operation]
        assert not queries - names["query"]
        assert not bodies - names["body"] - UNDESCRIBED

    def test_an_answer_with_another_shape_is_found(self, description: dict[str, Any], host: Host) -> None:
        """What this file is measured with can fail."""
        schema = {"$ref": "#/definitions/deploy"}
        deploy = host.published()

        assert _problems({**deploy, "locked": "no"}, schema, description)
        assert _problems({**deploy, "made_up": 1}, schema, description)


def _names(schema: Mapping[str, Any], description: Mapping[str, Any]) -> set[str]:
    """What an object may have."""
    whole = description["definitions"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return set(whole.get("properties", ())).union(*(_names(part, description) for part in whole.get("allOf", ())))


def _problems(document: object, schema: Mapping[str, Any], description: Mapping[str, Any]) -> list[str]:
    """What of a document is not as described."""
    closed = _closed({**schema, "definitions": description["definitions"]})
    return [f"{error.json_path}: {error.message[:200]}" for error in Draft4Validator(closed).iter_errors(document)]


def _closed(schema: Any) -> Any:
    """The same schema, with nothing beside what it names; only where it names all by itself."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: part if name == "allOf" else _closed(part) for name, part in schema.items()}
    closes = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    return {"additionalProperties": False, **inner} if closes else inner
