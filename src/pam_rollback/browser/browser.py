"""Which browsers Playwright drives: those that the machine has, else its own; run as a module, it sees to those that the sandbox demands.

Debian's Firefox speaks WebDriver BiDi only, which Playwright reaches through the channel ``moz-firefox``. WebKit is Playwright's own build.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_INSTALL_WITHIN_S = 600
_SANDBOX = Path("environments") / "sandbox.toml"


@dataclass(frozen=True)
class Engine:
    """One browser: the variable that names another copy of it, what systems call it, and how it is started."""

    variable: str
    commands: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    """Debian's, the best first."""
    launch: Mapping[str, Any] = field(default_factory=dict)
    """How Playwright starts the system's copy."""
    always: Mapping[str, Any] = field(default_factory=dict)
    """How Playwright starts any copy: with a microphone that hums by itself and that nobody has to allow."""

    def path(self) -> str | None:
        """Return the machine's copy, or None. A variable wins even when it names nothing: a wrong value must fail."""
        named = os.environ.get(self.variable)
        return named or next((found for name in self.commands if (found := shutil.which(name))), None)


# Chromium without windows, as Playwright's own copy is: the same engine, and the checks take two thirds of the time.
CHROMIUM = Engine(
    "PAM_CHROMIUM",
    ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    ("chromium-headless-shell", "chromium"),
    always={"args": ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]},
)
FIREFOX = Engine(
    "PAM_FIREFOX",
    ("firefox-esr", "firefox"),
    ("firefox-esr",),
    launch={"channel": "moz-firefox"},
    always={
        "firefox_user_prefs": {
            "media.navigator.streams.fake": True,
            "media.navigator.permission.disabled": True,
            "permissions.default.microphone": 1,
        }
    },
)
ENGINES: Mapping[str, Engine] = {"chromium": CHROMIUM, "firefox": FIREFOX, "webkit": Engine("PAM_WEBKIT")}


class BrowserMissing(Exception):  # noqa: N818 - named by what happened
    """A browser is not on this machine. The message says which, and how to get it."""


def launch_arguments(name: str, *, own: Path) -> dict[str, Any]:
    """Return how Playwright starts this browser here; ``own`` is where Playwright keeps its copy. Raises BrowserMissing."""
    engine = ENGINES[name]
    path = engine.path()
    if path is None and own.is_file():
        return dict(engine.always)
    if path is None:
        raise BrowserMissing(f"there is no {name} on this machine; {_how_to_get(name)}")
    if not Path(path).is_file():
        raise BrowserMissing(
            f"there is no {name}: {engine.variable} names {path}, which is not there; correct or unset it"
        )
    return {"executable_path": path, **engine.launch, **engine.always}


def _how_to_get(name: str) -> str:
    engine = ENGINES[name]
    system = f"Debian: apt-get install {engine.packages[0]}; elsewhere: " if engine.packages else ""
    return (
        f"install it ({system}playwright install --with-deps {name}) or name one with {engine.variable}=/path/to/{name}"
    )


def provide(names: Iterable[str]) -> int:
    """Install what is missing: by the system's packages where we may, else by Playwright. One clear error when one cannot be had."""
    missing = _missing(names)
    if missing:
        sys.stdout.write(f"no {' and no '.join(missing)} found: installing (once)…\n")
        sys.stdout.flush()
        if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
            _run("apt-get", "update", "-qq")
            for name in missing:
                any(_run(*_APT, package) for package in ENGINES[name].packages)
            missing = _missing(missing)
        if missing:
            _run(sys.executable, "-m", "playwright", "install", *missing)
            missing = _missing(missing)
    for name in missing:
        why = f"no {name}: neither the system's packages nor Playwright could install it"
        sys.stderr.write(f"{why}.\n  {_how_to_get(name)}\n")
    return 1 if missing else 0


_APT = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")


def _missing(names: Iterable[str]) -> list[str]:
    without = [name for name in names if ENGINES[name].path() is None]
    return [name for name in without if not _own(name).is_file()]


def _own(name: str) -> Path:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - costs 0.2 s, needed here only

    with sync_playwright() as playwright:
        return Path(getattr(playwright, name).executable_path)


def _run(*command: str) -> bool:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=_INSTALL_WITHIN_S, check=False, env=quiet)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(provide(tomllib.loads(_SANDBOX.read_text(encoding="utf-8")).get("browsers", ["chromium"])))
