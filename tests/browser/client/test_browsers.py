"""Which browser is driven, what is said when it is missing, and how make gets it."""

from pathlib import Path

import pytest

from pam_rollback.browser import browser
from pam_rollback.browser.browser import ENGINES, BrowserMissing, launch_arguments, provide

SYSTEMS = {name: engine for name, engine in ENGINES.items() if engine.commands}


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
    told = [name, engine.variable, f"playwright install --with-deps {name}", *engine.commands[:1]]
    assert all(part in words for part in told), words


def test_a_variable_that_names_nothing_is_not_passed_over(
    path: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody wanted that browser and no other."""
    put(path, "firefox-esr")
    monkeypatch.setenv("PAM_FIREFOX", "/nonexistent")

    with pytest.raises(BrowserMissing, match="PAM_FIREFOX names /nonexistent"):
        launch_arguments("firefox", own=nowhere)


@pytest.mark.parametrize("brings", ["", "playwright", "apt-get"])
def test_a_missing_browser_is_installed(
    path: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], brings: str
) -> None:
    """Playwright's own where that can be had, else the system's package; where neither can, one says so, with what to do."""
    asked: list[str] = []

    def run(*command: str) -> bool:
        asked.append("playwright" if "playwright" in command else command[0])
        if brings == asked[-1] and "install" in command:
            put(*((nowhere.parent, nowhere.name) if brings == "playwright" else (path, command[-1])))
        return brings == asked[-1]

    put(path, "apt-get")
    monkeypatch.setattr(browser, "_run", run)
    monkeypatch.setattr(browser, "_own", lambda _: nowhere)
    monkeypatch.setattr("os.geteuid", lambda: 0)

    assert provide(["firefox"]) == (0 if brings else 1)
    assert (
        asked[: 1 if brings == "playwright" else 2] == ["playwright", "apt-get"][: 1 if brings == "playwright" else 2]
    )
    assert ("no firefox: neither Playwright nor" in capsys.readouterr().err) is not bool(brings)
