"""What the tests of the sandbox share."""
# ruff: noqa: F401 - fixtures are found by their names

from tests.sandbox.found_range import found
from tests.sandbox.lifecycle_scene import place
from tests.sandbox.netlify_host import host
from tests.sandbox.todays_range import today, todays_range
