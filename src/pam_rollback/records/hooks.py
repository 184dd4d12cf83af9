"""What a baseline has of memory, and of how pages load."""

from pam_rollback.session.baseline_files import BaselinePart
from pam_rollback.session.needs import PAGES, SIGNED_IN


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """What the product's process holds, the front page and the chat."""
    metrics = "the address of metrics ([paths] metrics)"
    to_chat = (*SIGNED_IN, "message")
    return [
        BaselinePart("memory", "memory_recorded", metrics, ("metrics",), quick=True),
        BaselinePart("the front page", "front_page_recorded", PAGES, ("browser",)),
        BaselinePart("the chat", "chat_recorded", PAGES, ("browser", "test_account"), elements=to_chat),
    ]
