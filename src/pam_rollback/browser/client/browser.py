"""Which browsers to drive: those that the machine has, else Playwright's own; run as a module, it sees to them.

Chromium and Firefox are driven by Playwright. Debian's Firefox speaks WebDriver BiDi only, which Playwright reaches through the channel
``moz-firefox``. WebKit is driven through its own WebDriver: Playwright needs a patched build of it that systems do not have.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_INSTALL_WITHIN_S = 600
_SANDBOX = Path("environments") / "sandbox.toml"


@dataclass(frozen=True)
class Engine:
    """One browser: the variable that names another copy of it, what systems call it, and which packages of Debian's have it."""

    name: str
    variable: str
    commands: tuple[str, ...]
    packages: tuple[str, ...]
    """The best first; the next is for systems that do not have it."""
    launch: Mapping[str, Any]
    """How Playwright starts the system's copy."""
    always: Mapping[str, Any]
    """How Playwright starts any copy: with a microphone that hums by itself and that nobody has to allow."""

    def path(self) -> str | None:
        """The machine's copy, or None when Playwright is to use the one that it installed itself.

        The variable wins even when it names nothing, so that a wrong value fails instead of being passed over.
        """
        named = os.environ.get(self.variable)
        if named:
            return named
        return next((found for name in self.commands if (found := shutil.which(name)) and Path(found).is_file()), None)


CHROMIUM = Engine(
    name="chromium",
    variable="PAM_CHROMIUM",
    # Chromium without windows, as Playwright's own copy is: the same engine, and the checks take two thirds of the time (decision 0008).
    commands=("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    packages=("chromium-headless-shell", "chromium"),
    launch={},
    always={"args": ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]},
)
FIREFOX = Engine(
    name="firefox",
    variable="PAM_FIREFOX",
    commands=("firefox-esr", "firefox"),
    packages=("firefox-esr",),
    launch={"channel": "moz-firefox"},
    always={
        "firefox_user_prefs": {
            "media.navigator.streams.fake": True,
            "media.navigator.permission.disabled": True,
            "permissions.default.microphone": 1,
        }
    },
)
PLAYWRIGHTS: Mapping[str, Engine] = {engine.name: engine for engine in (CHROMIUM, FIREFOX)}
"""The browsers that Playwright drives."""


class BrowserMissing(Exception):  # noqa: N818 - named by what happened
    """A browser is not on this machine. The message says which, and how to get it."""


def launch_arguments(name: str, *, own: Path) -> dict[str, Any]:
    """How Playwright starts this browser here; ``own`` is where Playwright keeps its own copy. Raises BrowserMissing."""
    engine = PLAYWRIGHTS.get(name)
    if engine is None:
        raise BrowserMissing(f"Playwright does not drive {name} here: expected one of {', '.join(PLAYWRIGHTS)}")
    path = engine.path()
    if path is None and own.is_file():
        return dict(engine.always)
    if path is None:
        raise BrowserMissing(
            f"there is no {name} on this machine: no {' or '.join(engine.commands)} on the PATH, and Playwright has not installed one; "
            f"{_how_to_get(engine)}"
        )
    if not Path(path).is_file():
        raise BrowserMissing(
            f"there is no {name}: {engine.variable} names {path}, which is not there; correct or unset it"
        )
    return {"executable_path": path, **engine.launch, **engine.always}


@dataclass(frozen=True)
class WebKit:
    """What it takes to drive WebKitGTK: its WebDriver, and a screen for it that nobody sees."""

    driver: str
    screen: str


def webkit() -> WebKit:
    """The machine's WebKit. Raises BrowserMissing."""
    driver = os.environ.get("PAM_WEBKIT_DRIVER") or shutil.which("WebKitWebDriver") or ""
    screen = shutil.which("Xvfb") or ""
    missing = [
        what for what, path in (("WebKitWebDriver", driver), ("Xvfb", screen)) if not (path and Path(path).is_file())
    ]
    if missing:
        raise BrowserMissing(
            f"there is no webkit on this machine: {' and '.join(missing)} not found; "
            f"install it (Debian: apt-get install {' '.join(_WEBKIT_PACKAGES)}) or name the driver with PAM_WEBKIT_DRIVER"
        )
    return WebKit(driver=driver, screen=screen)


_WEBKIT_PACKAGES = ("webkit2gtk-driver", "xvfb", "xauth")


def _how_to_get(engine: Engine) -> str:
    return (
        f"install it (Debian: apt-get install {engine.packages[0]}; elsewhere: playwright install {engine.name}) "
        f"or name one with {engine.variable}=/path/to/{engine.name}"
    )


# ---------------------------------------------------------------- installing, for make


@dataclass(frozen=True)
class Machine:
    """What installing needs from the machine."""

    run: Callable[[list[str]], int]
    """Runs a command; gives its exit code."""
    is_root: bool
    has_apt: bool
    own: Callable[[], Mapping[str, Path]]
    """Where Playwright keeps its own copies, by name."""

    @property
    def packages(self) -> bool:
        """Whether the system's packages may be installed."""
        return self.is_root and self.has_apt


def main() -> int:
    """Make sure of every browser that the sandbox demands. One clear error when one cannot be had."""
    return provide(_demanded(_SANDBOX), _this_machine())


def provide(names: Iterable[str], machine: Machine) -> int:
    """Install what is missing: by the system's packages where we may, all in one go, else by Playwright."""
    names = tuple(names)
    missing = _missing(names, machine)
    if missing:
        _say(f"no {' and no '.join(missing)} found: installing (once)…")
        if machine.packages:
            missing = _by_packages(missing, machine)
        if missing:
            machine.run([sys.executable, "-m", "playwright", "install", *missing])
            missing = _missing(missing, machine)
    for name in missing:
        _say(
            f"no {name}: neither the system's packages nor Playwright could install it.\n  {_how_to_get(PLAYWRIGHTS[name])}",
            error=True,
        )
    _see_to_webkit(machine)
    return 1 if missing else 0


def _by_packages(names: tuple[str, ...], machine: Machine) -> tuple[str, ...]:
    """Install the best package that the system has of each; gives what is still missing."""
    missing = names
    for choice in range(max(len(PLAYWRIGHTS[name].packages) for name in names)):
        wanted = [package for name in missing for package in PLAYWRIGHTS[name].packages[choice : choice + 1]]
        if wanted:
            _apt(machine, wanted)
            missing = _missing(missing, machine)
    return missing


def _see_to_webkit(machine: Machine) -> None:
    """The third engine is a bonus: where it cannot be had, nothing is lost but its smoke test."""
    try:
        webkit()
    except BrowserMissing as problem:
        if machine.packages and _apt(machine, list(_WEBKIT_PACKAGES)) == 0:
            return
        if machine.packages:
            _say(f"note: {problem}")


def _missing(names: Iterable[str], machine: Machine) -> tuple[str, ...]:
    without = [name for name in names if name in PLAYWRIGHTS and PLAYWRIGHTS[name].path() is None]
    if not without:
        return ()
    own = machine.own()  # costs half a second, so only when it matters
    return tuple(name for name in without if not own[name].is_file())


def _apt(machine: Machine, packages: list[str]) -> int:
    """One update, one install. The lists of packages may be stale, so the update comes first; offline it fails and the install may not."""
    machine.run(["apt-get", "update", "-qq"])
    return machine.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages])


def _demanded(file: Path) -> tuple[str, ...]:
    try:
        browsers = tomllib.loads(file.read_text(encoding="utf-8")).get("browsers", ["chromium"])
    except (OSError, ValueError):
        browsers = ["chromium"]  # whoever loads the file for a session says what is wrong with it
    return tuple(str(name) for name in browsers)


def _this_machine() -> Machine:
    return Machine(
        run=_run,
        is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
        has_apt=shutil.which("apt-get") is not None,
        own=_playwrights_own,
    )


def _run(command: list[str]) -> int:
    try:
        return subprocess.run(  # noqa: S603 - fixed commands
            command,
            capture_output=True,
            timeout=_INSTALL_WITHIN_S,
            check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 1


def _playwrights_own() -> Mapping[str, Path]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - costs 0.2 s, needed here only

    with sync_playwright() as playwright:
        return {name: Path(getattr(playwright, name).executable_path) for name in PLAYWRIGHTS}


def _say(words: str, *, error: bool = False) -> None:
    print(words, file=sys.stderr if error else sys.stdout, flush=True)


if __name__ == "__main__":
    sys.exit(main())
