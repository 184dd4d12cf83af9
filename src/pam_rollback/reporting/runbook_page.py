"""The runbook as a page beside the report, so that the link of a failing test opens at its section, also from a CI artefact."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

RUNBOOK: Final = Path(__file__).resolve().parents[3] / "docs" / "runbook.md"
PAGE: Final = "runbook.html"

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code{font-size:.95em}pre{overflow-x:auto;padding:.75rem;border:1px solid;border-radius:.25rem}"
    "table{border-collapse:collapse}td,th{border:1px solid;padding:.25rem .5rem;text-align:left;vertical-align:top}"
    "a:target + *,a:target{outline:3px solid;outline-offset:3px}"
)


_MENTION: Final = re.compile(r"docs/runbook\.md#([a-z0-9-]+)")


def with_links(description: str) -> str:
    """A test's description in Markdown, in which every mention of the runbook opens its page beside the report."""
    return _MENTION.sub(lambda found: f"[{found.group()}]({PAGE}#{found.group(1)})", description)


def online(anchor: str, variables: Mapping[str, str]) -> str:
    """The section in the repository that the CI job works on; empty elsewhere.

    Allure makes links of web addresses only, so the page beside the report is linked from the description instead.
    """
    server, repository, commit = (variables.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "SHA"))
    return f"{server}/{repository}/blob/{commit}/docs/runbook.md#{anchor}" if server and repository and commit else ""


def write_page(folder: Path, source: Path = RUNBOOK) -> Path:
    """Writes the runbook into the report's folder; gives the page."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - needed here only, and every session loads this module

    body = MarkdownIt("commonmark").enable("table").render(source.read_text(encoding="utf-8"))
    page = folder / PAGE
    page.write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Runbook</title><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>\n",
        encoding="utf-8",
    )
    return page
