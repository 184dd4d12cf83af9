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
_APT = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")


@dataclass(frozen=True)
class Engine:
    """One browser: the variable that names another copy of it, what systems call it and its package, and how it is started."""

    variable: str
    commands: tuple[str, ...] = ()
    """The best first."""
    channel: str = ""
    """Of the system's copy."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """How any copy is started: with a microphone that hums by itself and that nobody has to allow."""

    def path(self) -> str | None:
        """Return the machine's copy, or None. A variable wins even when it names nothing: a wrong value must fail."""
        named = os.environ.get(self.variable)
        return named or next((found for name in self.commands if (found := shutil.which(name))), None)


_HUMS = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "permissions.default.microphone": 1,
}
# Chromium without windows, as Playwright's own copy is: the same engine, and the checks take two thirds of the time.
CHROMIUM = Engine(
    "PAM_CHROMIUM",
    ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    options={"args": ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]},
)
ENGINES: Mapping[str, Engine] = {
    "chromium": CHROMIUM,
    "firefox": Engine(
        "PAM_FIREFOX",
        ("firefox-esr", "firefox"),
        "moz-firefox",
        {"firefox_user_prefs": _HUMS},
    ),
    "webkit": Engine("PAM_WEBKIT"),
}


class BrowserMissing(Exception):  # noqa: N818 - named by what happened
    """A browser is not on this machine. The message says which, and how to get it."""


def launch_arguments(name: str, *, own: Path) -> dict[str, Any]:
    """Return how Playwright starts this browser here; ``own`` is where Playwright keeps its copy. Raises BrowserMissing."""
    engine = ENGINES[name]
    path = engine.path()
    if path is None and own.is_file():
        return dict(engine.options)
    if path is None:
        raise BrowserMissing(f"there is no {name} on this machine; {_how_to_get(name)}")
    if not Path(path).is_file():
        wrong = f"{engine.variable} names {path}, which is not there; correct or unset it"
        raise BrowserMissing(f"there is no {name}: {wrong}")
    channel = {"channel": engine.channel} if engine.channel else {}
    return {"executable_path": path, **channel, **engine.options}


def _how_to_get(name: str) -> str:
    engine = ENGINES[name]
    system = f"Debian: apt-get install {engine.commands[0]}; elsewhere: " if engine.commands else ""
    own = f"playwright install --with-deps {name}"
    return f"install it ({system}{own}) or name one with {engine.variable}=/path/to/{name}"


def provide(names: Iterable[str]) -> int:
    """Install what is missing. One clear error when one cannot be had."""
    lacking = [name for name in names if not _is_there(name)]
    if lacking:
        sys.stdout.write(f"no {' and no '.join(lacking)} found: installing (once)…\n")
        sys.stdout.flush()
    missing = [name for name in lacking if not _installed(name)]
    for name in missing:
        why = f"no {name}: neither Playwright nor the system's packages could install it"
        sys.stderr.write(f"{why}.\n  {_how_to_get(name)}\n")
    return 1 if missing else 0


def _installed(name: str) -> bool:
    """Whether it is there now: Playwright's own where it can be downloaded, else the system's package where we may."""
    own = (sys.executable, "-m", "playwright", "install")
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
        return _run(*own, name) and _is_there(name)
    packages = [(*_APT, package) for package in ENGINES[name].commands]
    ways = ((*own, "--with-deps", name), ("apt-get", "update", "-qq"), *packages)
    return any(_run(*way) and _is_there(name) for way in ways)


def _is_there(name: str) -> bool:
    return ENGINES[name].path() is not None or _own(name).is_file()


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
