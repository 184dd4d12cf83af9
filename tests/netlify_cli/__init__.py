"""Netlify's own command line tool and its description of the API, installed once for all working copies of this account."""

from pathlib import Path

from tests.npm_packages import installed_from

HERE = Path(__file__).parent
ON_LOOPBACK = HERE / "on_loopback.cjs"
"""What Node.js loads first, so that the tool asks nobody but the stand-in."""


def installed() -> Path:
    """The folder with ``node_modules``; installs it when it is not there. Fails with npm's words and what to do."""
    return installed_from(HERE, "netlify")
