"""``python -m tests.netlify_cli`` installs them before a test needs them."""

from tests.netlify_cli import installed

installed()
