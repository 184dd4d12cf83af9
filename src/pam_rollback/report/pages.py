"""The runbook and the fault matrix as pages beside the report.

So that the links of a failing test open at their section, also from a CI artefact.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pam_rollback.outside import places

if TYPE_CHECKING:
    from jinja2 import Template

DOCS: Final = places.HOME / "docs"
RUNBOOK: Final = "runbook"
FAULT_MATRIX: Final = "fault-matrix"
TITLES: Final = {RUNBOOK: "runbook", FAULT_MATRIX: "fault matrix"}

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code{font-size:.95em}pre{overflow-x:auto;padding:.75rem;border:1px solid;border-radius:.25rem}"
    "table{border-collapse:collapse}td,th{border:1px solid;padding:.25rem .5rem;text-align:left;vertical-align:top}"
    "a:target + *,a:target{outline:3px solid;outline-offset:3px}"
)


_ELSEWHERE: Final = re.compile(r'<a href="(?!#|[a-z]+:)([^"#]*)(?:#[^"]*)?">(.*?)</a>', re.DOTALL)
_MENTION: Final = re.compile(r"docs/runbook\.md#([a-z0-9-]+)")


def with_links(description: str, *, check: str = "") -> str:
    """A test's description in Markdown, in which every mention of the runbook opens its page beside the report.

    The evidence lies in a folder of its own in the report's. ``check`` is the test's name when it is a check: then the faults that have
    turned it red are linked, too.
    """
    linked = _MENTION.sub(lambda found: f"[{found.group()}](../{RUNBOOK}.html#{found.group(1)})", description)
    return f"{linked}\n\n[Faults that turned this check red](../{FAULT_MATRIX}.html#{check})" if check else linked


def online(anchor: str, variables: Mapping[str, str]) -> str:
    """The section in the repository that the CI job works on; empty elsewhere.

    Allure makes links of web addresses only, so the page beside the report is linked from the description instead.
    """
    server, repository, commit = (variables.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "SHA"))
    return f"{server}/{repository}/blob/{commit}/docs/runbook.md#{anchor}" if server and repository and commit else ""


def write_pages(folder: Path, docs: Path = DOCS) -> list[Path]:
    """Writes the pages into the report's folder; gives those that there are. Raises OSError."""
    pages = list(_rendered(docs))
    for name, text in pages:
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name, _ in pages]


def _rendered(docs: Path) -> Iterator[tuple[str, str]]:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - needed here only, and every session loads this module

    for name, called in TITLES.items():
        title = called.capitalize()
        source = docs / f"{name}.md"
        if not source.is_file():
            continue
        body = MarkdownIt("commonmark").enable("table").render(source.read_text(encoding="utf-8"))
        body = _ELSEWHERE.sub(r"\2 (<code>docs/\1</code>)", body)  # pages that no report has beside it
        yield (
            f"{name}.html",
            (
                f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>'
                f"<body><main>{body}</main></body></html>\n"
            ),
        )


@cache
def template(name: str) -> "Template":
    """Give a page template by its file name. What comes from outside is escaped; a value that is not given is an error."""
    # Loaded when a page is made: most sessions answer without one.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    folder = Path(__file__).with_name("pages_html")
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined).get_template(name)
