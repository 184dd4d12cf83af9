"""The front end is built once, from a clean install, by a real npm; whatever goes wrong is told with the build's own last words."""

import json
from pathlib import Path

import pytest

from pam_rollback.core.errors import ProviderError
from pam_rollback.rollback.npm_build import NpmBuild

BUILD = "mkdir -p dist && echo built >> dist/index.html && cp node_modules/part/part.txt dist/"


def project(folder: Path, **scripts: str) -> Path:
    """A front end that needs one package, which is a folder beside it: no registry is asked."""
    part = folder / "part"
    part.mkdir(parents=True)
    (part / "package.json").write_text(json.dumps({"name": "part", "version": "1.0.0"}), encoding="utf-8")
    (part / "part.txt").write_text("the part\n", encoding="utf-8")
    package = {"name": "site", "version": "1.0.0", "dependencies": {"part": "file:part"}, "scripts": scripts}
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    lock = {
        "name": "site",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "site", "version": "1.0.0", "dependencies": {"part": "file:part"}},
            "node_modules/part": {"resolved": "part", "link": True},
            "part": {"version": "1.0.0"},
        },
    }
    (folder / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where npm's output goes."""
    return tmp_path / "build.log"


def test_it_is_built_once_from_a_clean_install(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stood in the folder before is not published, and the plan's NODE_ENV=production does no harm."""
    monkeypatch.setenv("NODE_ENV", "production")
    folder = project(tmp_path / "tree" / "web", **{"build:production": BUILD})
    (folder / "dist").mkdir()
    (folder / "dist" / "old.html").write_text("of the bad release", encoding="utf-8")
    (folder / "node_modules" / "part").mkdir(parents=True)
    builder = NpmBuild(log, frontend_folder="web")

    published = builder.build(tmp_path / "tree")

    assert published == folder / "dist"
    assert sorted(path.name for path in published.iterdir()) == ["index.html", "part.txt"]
    assert (published / "index.html").read_text(encoding="utf-8") == "built\n"
    assert "$ npm ci" in log.read_text(encoding="utf-8")


def test_a_build_that_fails_is_told_with_its_last_words(tmp_path: Path, log: Path) -> None:
    """And its exit code; all of it is in the log."""
    script = "seq 1 60; echo 'src/pam.ts(3,1): error TS2304: Cannot find name'; exit 3"
    folder = project(tmp_path / "tree", **{"build:production": script})
    with pytest.raises(ProviderError, match=r"npm run build:production: exit code 3; all of it: .*build\.log") as told:
        NpmBuild(log).build(folder)

    assert "error TS2304: Cannot find name" in str(told.value)
    assert "\n1\n" not in str(told.value)
    assert "\n1\n" in log.read_text(encoding="utf-8")


def test_a_build_of_nothing_is_no_build(tmp_path: Path, log: Path) -> None:
    """Exit code 0, and an empty folder would have been published."""
    folder = project(tmp_path / "tree", **{"build:production": "mkdir -p dist/assets"})
    with pytest.raises(
        ProviderError, match=r"it ended with 0, but dist/ holds no file; is \[git\] publish_folder right"
    ):
        NpmBuild(log).build(folder)


def test_a_secret_of_the_session_is_out_of_its_reach(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts of packages run here; what the pages need of the build's variables is passed on."""
    monkeypatch.setenv("NETLIFY_AUTH_TOKEN", "invented")
    monkeypatch.setenv("VITE_API_URL", "https://api.example.com")
    folder = project(tmp_path / "tree", **{"build:production": "mkdir dist && env > dist/env.txt"})
    seen = (NpmBuild(log).build(folder) / "env.txt").read_text(encoding="utf-8")

    assert "NETLIFY_AUTH_TOKEN" not in seen
    assert "VITE_API_URL=https://api.example.com" in seen
