"""One file to send: the report's first page, and in it all that it links to.

Runbook and fault matrix follow below it; record, JUnit and evidence are in it, to be saved by a click. It runs no script, asks the network
for nothing, and holds nothing that was not written, and so redacted, for the run's folder.
"""

import base64
import html
import mimetypes
import re
from pathlib import Path
from typing import Final

from pam_rollback.report import scorecard_page

_LINK: Final = re.compile(r'<a href="(?!#|https?:|data:)([^"#]*)(#[^"]*)?">(.*?)</a>', re.DOTALL)
_ID: Final = re.compile(r'(<[^>]*\b)id="([^"]*)"')
_OWN_SECTION: Final = re.compile(r'<a href="#([^"]*)">')
_MAIN: Final = re.compile(r"<main>(.*)</main>", re.DOTALL)
_STYLE: Final = (
    "<style>.inlined{border-top:3px solid;margin-top:3rem;overflow-x:auto}@media print{.inlined{display:none}}</style>"
)
_NOTE: Final = (
    "<p class='screen'>This file holds all of it: what can be saved by a click, and below the pages that are linked. In the evidence, "
    "links to those pages and to large attachments work in the run's own folder only.</p>"
)


def single(report: Path) -> str:
    """The report in this folder as one page. Raises OSError."""
    page = (report / scorecard_page.NAME).read_text(encoding="utf-8")
    below: dict[str, str] = {}
    whole = _LINK.sub(lambda found: _inlined(found, report, below), page)
    return whole.replace("</footer>", f"{_STYLE}{_NOTE}</footer>{''.join(below.values())}", 1)


def _inlined(found: re.Match[str], report: Path, below: dict[str, str]) -> str:
    """The link, leading into this file; its text where there is nothing to lead to. ``below`` gets the pages that follow."""
    name, section, text = found[1], (found[2] or "")[1:], found[3]
    path = report / name
    if not path.is_file():
        return text
    if path.parent == report and path.suffix == ".html":
        if name not in below:
            below[name] = _section(path)
        return f'<a href="#{_within(path.stem, section)}">{text}</a>'
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    body = base64.b64encode(path.read_bytes()).decode("ascii")
    saved = f"{path.parent.name}.html" if path.name == scorecard_page.NAME else path.name
    return f'<a download="{html.escape(saved)}" href="data:{kind};base64,{body}">{text}</a>'


def _within(stem: str, section: str) -> str:
    return f"{stem}--{section}" if section else stem


def _section(path: Path) -> str:
    """What a page says, with names of its own for its sections, and without links that lead nowhere from here."""
    main = _MAIN.search(path.read_text(encoding="utf-8"))
    body = _LINK.sub(r"\3", main[1] if main else "")
    body = _ID.sub(lambda found: f'{found[1]}id="{_within(path.stem, found[2])}"', body)
    body = _OWN_SECTION.sub(lambda found: f'<a href="#{_within(path.stem, found[1])}">', body)
    return f'<section class="inlined" id="{path.stem}">{body}</section>'
