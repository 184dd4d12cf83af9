"""What the tests of the sandbox share."""

from tests.sandbox.found_range import found, whole_range
from tests.sandbox.lifecycle_scene import place
from tests.sandbox.netlify_host import host, kept_host
from tests.sandbox.render_range import render, render_started
from tests.sandbox.site_visits import browser_maker, chromium, firefox, site, site_range, visit
from tests.sandbox.todays_range import today, todays_range

__all__ = [
    "browser_maker",
    "chromium",
    "firefox",
    "found",
    "host",
    "kept_host",
    "place",
    "render",
    "render_started",
    "site",
    "site_range",
    "today",
    "todays_range",
    "visit",
    "whole_range",
]
