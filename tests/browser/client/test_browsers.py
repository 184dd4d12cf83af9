"""Which browser is driven, what is said when it is missing, and how make gets it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pam_rollback.browser import browser
from pam_rollback.browser.browser import ENGINES, BrowserMissing, launch_arguments

SYSTEMS = {name: engine for name, engine in ENGINES.items() if engine.packages}
Installs = Callable[..., list[str]]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH; there is no browser in it yet."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for engine in ENGINES.values():
        monkeypatch.delenv(engine.variable, raising=False)
    return folder


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """Where Playwright would keep its own browser, and has none."""
    return tmp_path / "own" / "browser"


def put(folder: Path, name: str) -> Path:
    """A program of that name."""
    program = folder / name
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.fixture
def installs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installs:
    """A machine on which nothing is installed: what is done there for some browsers, where packages bring programs."""
    put(path, "apt-get")

    def done(*names: str, brings: Mapping[str, str], root: bool = True, ends: int = 0) -> list[str]:
        commands: list[str] = []

        def run(*command: str) -> bool:
            commands.append(" ".join(command))
            brought = [name for package, name in brings.items() if package in command and "install" in command]
            for name in brought:
                put(path, name)
            return bool(brought)

        monkeypatch.setattr(browser, "_run", run)
        monkeypatch.setattr(browser, "_own", lambda name: tmp_path / "own" / name)
        monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)
        assert browser.provide(names) == ends
        return [command.partition("--no-install-recommends ")[2] or command for command in commands]

    return done


def test_the_systems_browser_is_driven(path: Path, nowhere: Path) -> None:
    """Firefox by the channel that Debian's build understands; both with a microphone that hums by itself."""
    chromium, firefox = put(path, "chromium"), put(path, "firefox-esr")

    found = {name: launch_arguments(name, own=nowhere) for name in SYSTEMS}

    assert found["chromium"]["executable_path"] == str(chromium)
    assert "--use-fake-device-for-media-stream" in found["chromium"]["args"]
    assert (found["firefox"]["executable_path"], found["firefox"]["channel"]) == (str(firefox), "moz-firefox")
    assert found["firefox"]["firefox_user_prefs"]["media.navigator.streams.fake"] is True


@pytest.mark.parametrize("name", ENGINES)
def test_a_missing_browser_is_named_with_what_to_do(path: Path, nowhere: Path, name: str) -> None:
    """Which one, the package where systems have one, Playwright's own, and the variable."""
    with pytest.raises(BrowserMissing) as missing:
        launch_arguments(name, own=nowhere)

    engine = ENGINES[name]
    words = str(missing.value)
    told = [name, engine.variable, f"playwright install --with-deps {name}", *engine.packages[:1]]
    assert all(part in words for part in told), words


def test_a_variable_that_names_nothing_is_not_passed_over(
    path: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody wanted that browser and no other."""
    put(path, "firefox-esr")
    monkeypatch.setenv("PAM_FIREFOX", "/nonexistent")

    with pytest.raises(BrowserMissing, match="PAM_FIREFOX names /nonexistent"):
        launch_arguments("firefox", own=nowhere)


def test_nothing_is_installed_when_all_is_there(path: Path, installs: Installs) -> None:
    """And nobody is asked."""
    for name in ("chromium", "firefox-esr"):
        put(path, name)

    assert installs("chromium", "firefox", brings={}) == []


def test_a_system_without_the_best_package_gets_the_next(installs: Installs) -> None:
    """Not every system has Chromium without windows; the lists of packages are renewed once."""
    commands = installs("chromium", "firefox", brings={"chromium": "chromium", "firefox-esr": "firefox"})

    assert commands == ["apt-get update -qq", "chromium-headless-shell", "chromium", "firefox-esr"]


def test_what_cannot_be_installed_is_one_clear_error(installs: Installs, capsys: pytest.CaptureFixture[str]) -> None:
    """With the package and the variable of each that is missing."""
    installs("chromium", "firefox", brings={}, ends=1)

    said = capsys.readouterr().err
    assert [line for line in said.splitlines() if "neither" in line] == [
        f"no {name}: neither the system's packages nor Playwright could install it." for name in ("chromium", "firefox")
    ]
    assert "PAM_CHROMIUM" in said
    assert "PAM_FIREFOX" in said
