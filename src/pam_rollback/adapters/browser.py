"""Which Chromium to drive: one that the machine has, else Playwright's own. ``python -m pam_rollback.adapters.browser`` sees to it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_INSTALL_WITHIN_S = 600


def chromium_path() -> str | None:
    """The path of the machine's Chromium, or None when Playwright is to use the one it installed itself.

    ``PAM_CHROMIUM`` names another one and wins, so that a wrong value fails instead of being passed over.
    """
    named = os.environ.get("PAM_CHROMIUM")
    if named:
        return named
    return next((found for name in _NAMES if (found := shutil.which(name)) and Path(found).is_file()), None)


def playwrights_own() -> bool:
    """Whether Playwright has installed a Chromium of its own."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - costs 0.2 s, needed here only

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).is_file()


def main() -> int:
    """Make sure that there is a Chromium: one of the system, of Playwright, or a new one. One clear error when there cannot be."""
    if chromium_path() or playwrights_own():
        return 0
    print("no Chromium found: installing one (once)…", flush=True)  # noqa: T201 - the same
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        attempts.insert(
            0, ["sh", "-c", "apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium"]
        )
    for attempt in attempts:
        done = subprocess.run(attempt, capture_output=True, text=True, timeout=_INSTALL_WITHIN_S, check=False)  # noqa: S603 - fixed commands
        if done.returncode == 0 and (chromium_path() or playwrights_own()):
            return 0
    print(  # noqa: T201 - its output is for whoever runs make
        "no Chromium: neither the system's packages nor Playwright could install one.\n"
        "  install it (Debian: apt-get install chromium) or name one with PAM_CHROMIUM=/path/to/chromium",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
