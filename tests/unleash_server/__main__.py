"""``python -m tests.unleash_server`` installs it before a test needs it."""

from tests.unleash_server import installed

installed()
