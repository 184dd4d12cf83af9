"""axe-core in a page: the newest rules that are installed, over WCAG 2.0 to 2.2, levels A and AA.

npm has the newest rules (``reports/package.json`` pins them, ``python -m pam_rollback.report --packages`` installs them once); without
them those serve that come with axe-playwright-python. Which ones judged stands in every finding. The page that is judged is at rest:
colours in the middle of an animation are nobody's contrast.
"""

import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Error, Frame, Page

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.browser.barriers import OWN_RULES, Element, Findings, Violation

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""What is asked. By tags, since target-size (2.5.8) is off otherwise."""

WITHIN_MS: Final = 30_000

_PROBE: Final = Path(__file__).with_name("page_probe.js").read_text(encoding="utf-8")
DRAWING_RECORDER: Final = f"({Path(__file__).with_name('drawing_recorder.js').read_text(encoding='utf-8')})()"
"""For every page of a context, before it is opened."""
_VERSION: Final = re.compile(r"axe v(\d+\.\d+\.\d+)")
_HEAD_CHARACTERS: Final = 200

_RUN: Final = """async ([tags, withinMs]) => {
  const told = ({ target, ancestry, failureSummary }) => ({
    target,
    ancestry,
    why: (failureSummary ?? "").split("\\n").slice(1).map((line) => line.trim()).filter(Boolean).join("; "),
  });
  const shortened = (rules) =>
    rules.map(({ id, impact, help, helpUrl, nodes }) => ({ id, impact, help, helpUrl, nodes: nodes.map(told) }));
  const options = { runOnly: { type: "tag", values: tags }, resultTypes: ["violations", "incomplete"], ancestry: true };
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error(`no answer in ${withinMs} ms`)), withinMs));
  const { passes, violations, incomplete } = await Promise.race([axe.run(document, options), late]);
  return { passed: passes.length, violations: shortened(violations), incomplete: shortened(incomplete) };
}"""


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
    """The newest rules of the two places: npm's folder ``packages``, and the bundled ones.

    Raises MeasurementFailed when neither has any.
    """
    places = [("npm", packages / "axe-core" / "axe.min.js")] if packages is not None else []
    # Looked up, not imported: the package reads its 570 KB at once.
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is not None and spec.origin is not None:
        places.append(("bundled", Path(spec.origin).with_name("axe.min.js")))
    found = [rules for origin, path in places if (rules := _read(origin, path)) is not None]
    if not found:
        looked = " nor ".join(str(path) for _, path in places) or "nowhere to look"
        raise MeasurementFailed(
            f"no rules of accessibility: expected axe-core, found neither {looked}; run `make browser`"
        )
    return max(found, key=lambda rules: tuple(map(int, rules.version.split("."))))


def _read(origin: str, path: Path) -> Rules | None:
    if not path.is_file():
        return None
    script = path.read_text(encoding="utf-8")
    version = _VERSION.search(script[:_HEAD_CHARACTERS])
    return Rules(version.group(1), origin, script) if version else None


def settle(page: Page) -> None:
    """Bring the page to rest: animations at their end, fonts and pictures there."""
    ask(page, "settle")


def drawn(page: Page, *, anew: bool) -> None:
    """Wait until scripts have drawn the page: charts grow, and more than once.

    ``anew``: the window has another size now, and some pages follow by script, a while later.
    """
    ask(page, "unchanged", anew)


def audit(page: Page, page_state: str, rules: Rules) -> Findings:
    """Judge the page and its frames. Raises MeasurementFailed when the rules do not run; the page is brought to rest first."""
    settle(page)
    try:
        foreign = _inject(page, rules)
        found: dict[str, Any] = page.evaluate(_RUN, [list(TAGS), WITHIN_MS])
        unnamed = ask(page, "unnamedDialogs")
    except Error as error:
        raise MeasurementFailed(f"{rules} could not judge {page_state}: {error.message.splitlines()[0]}") from None
    return Findings(
        page_state,
        str(rules),
        int(found["passed"]),
        (
            *_violations(found["violations"], page_state),
            *_own(page_state, "dialog-name", "a dialog has a name (WCAG 4.1.2)", unnamed).violations,
        ),
        (*_violations(found["incomplete"], page_state), *foreign_frames(foreign, page_state)),
    )


def too_wide(page: Page, page_state: str, width_px: int) -> Findings:
    """What does not fit a window of this width (WCAG 1.4.10)."""
    meaning = "the page needs no scrolling sideways, and nothing is cut off (WCAG 1.4.10)"
    return _own(page_state, "reflow", meaning, ask(page, "tooWide", width_px))


def ask(page: Page, question: str, argument: object = None) -> Any:
    """One question of ``page_probe.js``. What it remembers between two questions lives as long as the page's document."""
    return page.evaluate(
        f"([question, argument]) => (window.__pamProbe ??= ({_PROBE})())[question](argument)", [question, argument]
    )


def _own(page_state: str, rule: str, meaning: str, found: Sequence[Mapping[str, str]]) -> Findings:
    elements = tuple(Element(element["selector"], element["why"]) for element in found)
    violations = (Violation(rule, "serious", page_state, elements, meaning),) if elements else ()
    return Findings(page_state, OWN_RULES, int(not elements), violations)


def _inject(page: Page, rules: Rules) -> list[str]:
    """Bring the rules into the page and into every frame of its own origin; gives the addresses of the other frames."""
    foreign = []
    for frame in page.frames:
        if frame is not page.main_frame and not _is_ours(frame, page):
            foreign.append(frame.url)
        elif not frame.evaluate("() => Boolean(window.axe)"):
            frame.evaluate(rules.script)
    return foreign


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
                Element(_selector(node["target"]), str(node["why"]), _selector(node["ancestry"]))
                for node in rule["nodes"]
            ),
            help=str(rule["help"]),
            address=str(rule["helpUrl"]),
        )
        for rule in found
    )


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
