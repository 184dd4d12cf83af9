"""Which browser is driven, what is said when it is missing, and how make gets it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pam_rollback.browser.client import browser
from pam_rollback.browser.client.browser import CHROMIUM, PLAYWRIGHTS, BrowserMissing, Machine, launch_arguments, webkit

VARIABLES = ("PAM_CHROMIUM", "PAM_FIREFOX", "PAM_WEBKIT_DRIVER")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH; there is no browser in it yet."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
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


@dataclass
class Recorded:
    """A machine on which nothing is installed; it notes what it is told, and `brings` appears on the PATH with each command."""

    folder: Path
    brings: Mapping[str, str] = field(default_factory=dict)
    root: bool = True
    commands: list[str] = field(default_factory=list)

    def run(self, command: list[str]) -> int:
        """Note the command; what it brings is there afterwards."""
        self.commands.append(" ".join(command))
        brought = [name for package, name in self.brings.items() if package in command and "install" in command]
        for name in brought:
            put(self.folder, name)
        return 0 if brought or "update" in command else 1

    @property
    def machine(self) -> Machine:
        """It, as the installer sees it."""
        own = {name: self.folder / "own" / name for name in PLAYWRIGHTS}
        return Machine(run=self.run, is_root=self.root, has_apt=True, own=lambda: own)


def test_the_systems_browser_is_driven(path: Path, nowhere: Path) -> None:
    """Firefox by the channel that Debian's build understands; both with a microphone that hums by itself."""
    chromium, firefox = put(path, "chromium"), put(path, "firefox-esr")

    found = {name: launch_arguments(name, own=nowhere) for name in PLAYWRIGHTS}

    assert found["chromium"]["executable_path"] == str(chromium)
    assert "--use-fake-device-for-media-stream" in found["chromium"]["args"]
    assert (found["firefox"]["executable_path"], found["firefox"]["channel"]) == (str(firefox), "moz-firefox")
    assert found["firefox"]["firefox_user_prefs"]["media.navigator.streams.fake"] is True


def test_playwrights_own_is_driven_where_the_system_has_none(path: Path, tmp_path: Path) -> None:
    """It is found by Playwright itself, so no path and no channel is given."""
    own = put(tmp_path / "own", "firefox")

    assert {"executable_path", "channel"} & set(launch_arguments("firefox", own=own)) == set()


@pytest.mark.parametrize("name", PLAYWRIGHTS)
def test_a_missing_browser_is_named_with_what_to_do(path: Path, nowhere: Path, name: str) -> None:
    """Which one, where it was looked for, the package, and the variable."""
    with pytest.raises(BrowserMissing) as missing:
        launch_arguments(name, own=nowhere)

    engine = PLAYWRIGHTS[name]
    words = str(missing.value)
    assert all(part in words for part in (name, engine.variable, f"apt-get install {engine.packages[0]}", "PATH")), (
        words
    )


def test_a_variable_that_names_nothing_is_not_passed_over(
    path: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody wanted that browser and no other."""
    put(path, "firefox-esr")
    monkeypatch.setenv("PAM_FIREFOX", "/nonexistent")

    with pytest.raises(BrowserMissing, match="PAM_FIREFOX names /nonexistent"):
        launch_arguments("firefox", own=nowhere)


def test_webkit_needs_its_driver_and_a_screen(path: Path) -> None:
    """Both are named when both are missing; with both it is there."""
    with pytest.raises(BrowserMissing, match="WebKitWebDriver and Xvfb not found"):
        webkit()

    driver, screen = put(path, "WebKitWebDriver"), put(path, "Xvfb")
    assert (webkit().driver, webkit().screen) == (str(driver), str(screen))


def test_nothing_is_installed_when_all_is_there(path: Path) -> None:
    """And nobody is asked."""
    for name in ("chromium", "firefox-esr", "WebKitWebDriver", "Xvfb"):
        put(path, name)
    recorded = Recorded(path)

    assert browser.provide(("chromium", "firefox"), recorded.machine) == 0
    assert recorded.commands == []


def test_several_missing_browsers_are_one_installation(path: Path) -> None:
    """One update and one install for what is demanded; WebKit, which nobody demands, comes after."""
    brings = {
        "chromium-headless-shell": "chromium-headless-shell",
        "firefox-esr": "firefox",
        "webkit2gtk-driver": "WebKitWebDriver",
        "xvfb": "Xvfb",
    }
    recorded = Recorded(path, brings=brings)

    assert browser.provide(("chromium", "firefox"), recorded.machine) == 0
    installs = [
        command.partition("--no-install-recommends ")[2] for command in recorded.commands if " install" in command
    ]
    assert installs == ["chromium-headless-shell firefox-esr", "webkit2gtk-driver xvfb xauth"]


def test_a_system_without_the_best_package_gets_the_next(path: Path) -> None:
    """Not every system has Chromium without windows; and of Firefox there is nothing else to try."""
    recorded = Recorded(path, brings={"chromium": "chromium"})

    assert browser.provide(("chromium",), recorded.machine) == 0
    assert [command.split()[-1] for command in recorded.commands if " install" in command][:2] == [
        "chromium-headless-shell",
        "chromium",
    ]


def test_chromium_without_windows_is_preferred(path: Path, nowhere: Path) -> None:
    """The same engine, in two thirds of the time; whoever wants the other names it."""
    put(path, "chromium")
    shell = put(path, "chromium-headless-shell")

    assert launch_arguments("chromium", own=nowhere)["executable_path"] == str(shell)


def test_without_the_systems_packages_playwright_is_asked(path: Path) -> None:
    """Who is not root leaves the system alone."""
    recorded = Recorded(path, brings={"firefox": "firefox"}, root=False)
    put(path, "chromium")

    assert browser.provide(("chromium", "firefox"), recorded.machine) == 0
    [command] = recorded.commands
    assert command.endswith("-m playwright install firefox")


def test_what_cannot_be_installed_is_one_clear_error(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The package and the variable, for each that is missing; WebKit is a note at most."""
    assert browser.provide(("chromium", "firefox"), Recorded(path).machine) == 1

    said = capsys.readouterr()
    assert [line.strip() for line in said.err.splitlines() if "neither" in line] == [
        f"no {name}: neither the system's packages nor Playwright could install it." for name in ("chromium", "firefox")
    ]
    assert "PAM_CHROMIUM" in said.err
    assert "PAM_FIREFOX" in said.err
    assert next(line for line in said.out.splitlines() if "webkit" in line).startswith("note: ")


@pytest.mark.parametrize(
    ("text", "demanded"),
    [
        ('browsers = ["firefox"]\n', ("firefox",)),
        ('name = "sandbox"\n', ("chromium",)),
        ("browsers = [", ("chromium",)),
    ],
)
def test_the_sandboxs_file_says_which_are_demanded(tmp_path: Path, text: str, demanded: tuple[str, ...]) -> None:
    """A file that cannot be read is somebody else's complaint."""
    file = tmp_path / "sandbox.toml"
    file.write_text(text, encoding="utf-8")

    assert browser._demanded(file) == demanded
    assert browser._demanded(tmp_path / "none.toml") == (CHROMIUM.name,)
