"""The browser of these tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from pam_rollback.browser.browser import launch_arguments


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a module."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(**launch_arguments("chromium", own=Path()))
        yield running
        running.close()
