"""What the views on a terminal share: lines that fit, colours, the words for outcomes, the verdict."""

import os
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pam_rollback.base.outside_text import for_terminal
from pam_rollback.report import recommendation, unanswered, wording
from pam_rollback.report.run_record import Result, RunRecord
from pam_rollback.report.verdict import Outcome

NARROWEST: Final = 72
"""Columns. Below, lines are made for this width and the terminal wraps them."""

_LABEL: Final = 12
"""Columns of the names on the left."""

WORDS: Final = {
    Outcome.PASSED: ("ok", "green"),
    Outcome.BROKEN_CRITERION: ("BROKEN", "red"),
    Outcome.ACTION_FAILED: ("ACTION FAILED", "red"),
    Outcome.UNDO_FAILED: ("UNDO FAILED", "red"),
    Outcome.REFUSED: ("REFUSED", "red"),
    Outcome.UNKNOWN: ("UNKNOWN", "yellow"),
    Outcome.NOT_RUN: ("not run", "yellow"),
    Outcome.KNOWN: ("known", "yellow"),
}
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
_VERDICT_COLORS: Final = {"GO": "green", "INCONCLUSIVE": "yellow", "PLANNED": "cyan"}
_ANSI: Final = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}
_ASCII: Final = str.maketrans({"≤": "<=", "≥": ">=", "…": "...", "·": "-", "─": "-", "µ": "u", "→": "->"})


@dataclass(frozen=True)
class Page:
    """Where lines go."""

    width: int
    """Columns."""
    color: bool

    @classmethod
    def of(cls, width: int, *, color: bool) -> "Page":
        """A page for a terminal of so many columns. ``color`` is overruled by NO_COLOR in the process's environment."""
        return cls(max(width, NARROWEST), color and not os.environ.get("NO_COLOR"))

    def paint(self, text: str, *styles: str) -> str:
        """The text in these colours, where there are any."""
        if not self.color or not text.strip():
            return text
        return f"\033[{';'.join(_ANSI[style] for style in styles)}m{text}\033[0m"

    def heading(self, text: str) -> list[str]:
        """An empty line and the heading."""
        return ["", self.paint(text, "bold")]

    def wrapped(self, text: str, first: str = "  ", rest: str = "    ") -> list[str]:
        """The text in as many lines as it needs; what cannot be broken, such as a path, may stand out."""
        return self.wrapped_as_it_is(" ".join(text.split()), first, rest)

    def wrapped_as_it_is(self, text: str, first: str, rest: str) -> list[str]:
        """The same, of a text whose spaces are where they have to be."""
        return textwrap.wrap(
            text,
            self.width,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )


def hanging(text: str, width: int, *, indent: int, rest: int) -> list[str]:
    """Wraps a line whose inner spaces are its layout."""
    if indent + len(text) <= width:
        return [" " * indent + text]
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * rest,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    return [line.rstrip() for line in lines]


def steps(record: RunRecord, page: Page) -> list[str]:
    """What was done to the environment, step by step."""
    if not record.steps:
        return []
    widest = max(len(step.step) for step in record.steps)
    lines = page.heading("What was done")
    for step in record.steps:
        when = f"+{step.started_s:.1f} s".rjust(9)
        took = wording.duration(step.duration_s).rjust(8)
        detail = f": {step.detail}" if step.detail else ""
        text = f"{when} {took}  {step.step.ljust(min(widest, page.width - 40))}  {step.outcome}{detail}"
        lines += hanging(text, page.width, indent=2, rest=22)
    return lines


def alike(bad: Sequence[Result]) -> list[list[Result]]:
    """Results that say the same together: one cause is told once, not once for each test that met it."""
    groups: dict[tuple[object, ...], list[Result]] = {}
    for result in bad:
        groups.setdefault(
            (result.outcome, wording.cause(result) or result.nodeid, result.situation, result.advisory), []
        ).append(result)
    return list(groups.values())


def listed(title: str, entries: Sequence[str], page: Page) -> list[str]:
    """A heading and its entries; nothing where there are none."""
    return [*page.heading(title), *(line for entry in entries for line in page.wrapped(entry))] if entries else []


def paragraphs(found: Sequence[tuple[str, Sequence[str]]], page: Page) -> list[str]:
    """Headings and their entries."""
    return [line for heading, entries in found for line in listed(heading, entries, page)]


def reasons(record: RunRecord, page: Page) -> list[str]:
    """Why the verdict is not GO, besides the tests."""
    return listed("Why", wording.more_reasons(record), page)


def recommended(record: RunRecord, page: Page) -> list[str]:
    """Below all else, and the most urgent last: what people on call came for must be on the screen when the session has ended."""
    if record.decision is None:
        return []
    return paragraphs(recommendation.paragraphs(record.decision)[::-1], page)


def verdict(record: RunRecord, page: Page) -> list[str]:
    """The line that decides, after an empty one."""
    word = wording.verdict_word(record)
    first, *others = hanging(wording.verdict_line(record), page.width, indent=0, rest=2)
    hue = _VERDICT_COLORS.get(record.verdict, "red")
    return ["", first.replace(word, page.paint(word, hue, "bold"), 1), *others]


def several_labelled(label: str, entries: Sequence[str], page: Page, most: int, lines: int) -> list[str]:
    """The entries beside their name, each in so many lines; of more than ``most``, the number."""
    told = list(entries) if len(entries) <= most else [*entries[: most - 1], f"{len(entries) - most + 1} more: -v"]
    names = [label, *[""] * (len(told) - 1)]
    return [line for name, one in zip(names, told, strict=False) for line in labelled(name, one, page, lines=lines)]


def labelled(label: str, text: str, page: Page, lines: int | None = None) -> list[str]:
    """A name on the left and a text beside it; nothing where there is no text. ``lines``: what needs more is cut."""
    if not text.strip():
        return []
    return fitted(text, page.width, first=f"  {label:<{_LABEL}}", rest=" " * (_LABEL + 2), lines=lines)


def waivers(record: RunRecord, page: Page) -> list[str]:
    """Of each plan item one waiver that would name all that was there before, whatever number of tests found it."""
    told = [line for _, waiver in unanswered.waivers(record) for line in quoted(waiver, page)]
    if not told:
        return []
    return ["", *page.wrapped(f"Somebody may answer for it until a day: {unanswered.HOW_TO}"), *told]


def quoted(text: str, page: Page) -> list[str]:
    """A text of which no line ends within quotation marks, so that a file takes what is copied from it."""
    kept = re.sub(
        r"""(["'])(?:\\.|.)*?\1""", lambda found: found.group().replace(" ", _NO_BREAK), " ".join(text.split())
    )
    return [line.replace(_NO_BREAK, " ") for line in page.wrapped_as_it_is(kept, first="  ", rest="    ")]


def fitted(text: str, width: int, *, first: str, rest: str, lines: int | None) -> list[str]:
    """The text in lines that fit, at most so many of them: what needs more is cut."""
    return textwrap.wrap(
        " ".join(text.split()),
        width,
        initial_indent=first,
        subsequent_indent=rest,
        # Only where lines are counted: elsewhere a path or a command stays in one piece.
        break_long_words=lines is not None,
        break_on_hyphens=False,
        max_lines=lines,
        placeholder=" …",
    )


def where(record: RunRecord, page: Page) -> list[str]:
    """Where the report and all of it is."""
    reports = record.reports
    more = f"-v, and in {reports.record}" if reports.record else "-v"
    return [
        "",
        *labelled("report", reports.html or reports.html_missing, page),
        *labelled("all of it", more, page),
    ]


def command(label: str, text: str, page: Page) -> list[str]:
    """A command beside its name. Over several lines it can still be copied: each but the last ends with a backslash."""
    first, rest = f"  {label:<{_LABEL}}", " " * (_LABEL + 4)
    lines: list[str] = []
    line = first
    for word in re.findall(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""", text):
        if len(line) + len(word) + len(" \\") > page.width and line.strip() not in {"", label}:
            lines.append(f"{line.rstrip()} \\")
            line = rest
        line += f"{word} "
    return [*lines, line.rstrip()] if text.strip() else []


def harmless(lines: Iterable[str], *, ascii_only: bool) -> list[str]:
    """The lines as a terminal may get them. ``ascii_only``: it shows no other characters."""
    clean = [for_terminal(line) for line in lines]
    return [_ascii(line) for line in clean] if ascii_only else clean


def _ascii(line: str) -> str:
    plain = line.translate(_ASCII)
    return re.sub(r"[^\x00-\x7f]", "?", plain)
