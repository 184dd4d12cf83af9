"""axe-core in a page: the newest rules that are installed, over WCAG 2.0 to 2.2, levels A and AA.

npm has the newest rules (``reports/package.json`` pins them, ``python -m pam_rollback.report --packages`` installs them once); without
them those serve that axe-playwright-python brings, which runs both. Which ones judged stands in every finding. The page that is judged is
at rest: colours in the middle of an animation are nobody's contrast.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Frame, Page

from pam_rollback.browser.barriers import Element, Findings, Violation, by_own_rule
from pam_rollback.core.errors import MeasurementFailed

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""What is asked. By tags, since target-size (2.5.8) is off otherwise."""
_OPTIONS: Final = {
    "runOnly": {"type": "tag", "values": TAGS},
    "resultTypes": ["violations", "incomplete"],
    "ancestry": True,
    "frameWaitTime": 30_000,
}
_PROBE: Final = Path(__file__).with_name("page_probe.js").read_text(encoding="utf-8")
DRAWING_RECORDER: Final = f"({Path(__file__).with_name('drawing_recorder.js').read_text(encoding='utf-8')})()"
"""For every page of a context, before it is opened."""
_VERSION: Final = re.compile(r"axe v(\d+\.\d+\.\d+)")
_HEAD_CHARACTERS: Final = 200


@dataclass(frozen=True)
class Rules:
    """A version of axe-core."""

    version: str
    origin: str
    """``npm`` or ``bundled``."""
    script: str = field(repr=False)

    def __str__(self) -> str:
        """As the evidence names it."""
        return f"axe-core {self.version} ({self.origin})"


def load_rules(packages: Path | None) -> Rules:
    """Return npm's rules where its folder ``packages`` has some, else the bundled ones."""
    newest = None if packages is None else packages / "axe-core" / "axe.min.js"
    has_newest = newest is not None and newest.is_file()
    axe = Axe.from_file(newest) if has_newest else Axe()
    version = _VERSION.search(axe.axe_script[:_HEAD_CHARACTERS])
    return Rules(version[1] if version else "?", "npm" if has_newest else "bundled", axe.axe_script)


def drawn(page: Page, *, anew: bool) -> None:
    """Wait until scripts have drawn the page: charts grow, and more than once.

    ``anew``: the window has another size now, and some pages follow by script, a while later.
    """
    ask(page, "unchanged", anew)


def audit(page: Page, page_state: str, rules: Rules) -> Findings:
    """Judge the page and its frames. Raises MeasurementFailed when the rules do not run; the page is brought to rest first."""
    ask(page, "settle")  # animations at their end, fonts and pictures there
    try:
        foreign = _inject(page, rules)
        found: dict[str, Any] = Axe(rules.script).run(page, options=_OPTIONS).response
        unnamed = _elements(page, "unnamedDialogs")
    except Error as error:
        raise MeasurementFailed(f"{rules} could not judge {page_state}: {error.message.splitlines()[0]}") from None
    return Findings(
        page_state,
        str(rules),
        len(found["passes"]),
        (
            *_violations(found["violations"], page_state),
            *by_own_rule(page_state, "dialog-name", "a dialog has a name (WCAG 4.1.2)", unnamed).violations,
        ),
        (*_violations(found["incomplete"], page_state), *foreign_frames(foreign, page_state)),
    )


def too_wide(page: Page, page_state: str, width_px: int) -> Findings:
    """What does not fit a window of this width (WCAG 1.4.10)."""
    meaning = "the page needs no scrolling sideways, and nothing is cut off (WCAG 1.4.10)"
    return by_own_rule(page_state, "reflow", meaning, _elements(page, "tooWide", width_px))


def _elements(page: Page, question: str, argument: object = None) -> list[Element]:
    return [Element(found["selector"], found["why"]) for found in ask(page, question, argument)]


def ask(page: Page, question: str, argument: object = None) -> Any:
    """One question of ``page_probe.js``. What it remembers between two questions lives as long as the page's document."""
    return page.evaluate(
        f"([question, argument]) => (window.__pamProbe ??= ({_PROBE})())[question](argument)", [question, argument]
    )


def _inject(page: Page, rules: Rules) -> list[str]:
    """Bring the rules into every frame of the page's own origin, as axe does for the page itself; gives the addresses of the others."""
    frames = [frame for frame in page.frames if frame is not page.main_frame]
    for frame in frames:
        if _is_ours(frame, page):
            frame.evaluate(rules.script)
    return [frame.url for frame in frames if not _is_ours(frame, page)]


def _is_ours(frame: Frame, page: Page) -> bool:
    # about:blank and srcdoc belong to whoever made them.
    return frame.url.startswith("about:") or urlsplit(frame.url)[:2] == urlsplit(page.url)[:2]


def _violations(found: Sequence[Mapping[str, Any]], page_state: str) -> tuple[Violation, ...]:
    return tuple(
        Violation(
            rule=str(rule["id"]),
            impact=str(rule["impact"] or "unknown"),
            page_state=page_state,
            elements=tuple(
                Element(_selector(node["target"]), _why(node), _selector(node["ancestry"])) for node in rule["nodes"]
            ),
            help=str(rule["help"]),
            address=str(rule["helpUrl"]),
        )
        for rule in found
    )


def _why(node: Mapping[str, Any]) -> str:
    """What is wrong with it, without the headline that all have."""
    lines = str(node.get("failureSummary") or "").splitlines()[1:]
    return "; ".join(line.strip() for line in lines if line.strip())


def _selector(target: Sequence[str | Sequence[str]]) -> str:
    """One line for a target: the frames on the way to it, and in the last part the shadow roots."""
    return " | ".join(part if isinstance(part, str) else " >>> ".join(part) for part in target)


def foreign_frames(addresses: Sequence[str], page_state: str) -> tuple[Violation, ...]:
    """Frames of somebody else, which nobody looked into: for a person to judge."""
    if not addresses:
        return ()
    elements = tuple(Element(f"iframe[src^={urlsplit(address).netloc or address!r}]") for address in addresses)
    meaning = "a frame of another origin was not looked into"
    return (Violation("frame-of-others", "unknown", page_state, elements, meaning),)
