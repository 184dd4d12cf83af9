"""What the views on a terminal share: lines that fit, colours, the words for outcomes, the verdict."""

import os
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pam_rollback.core.figures import duration
from pam_rollback.core.outside_text import for_terminal
from pam_rollback.report import failures, wording
from pam_rollback.report.run_record import RunRecord
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
ADVISORY: Final = "advisory"
"""The word for what a test found that decides nothing: nothing of that kind is shown as failed."""

_LACKS: Final = "it needs "
"""Begins why a step was not done that stands on one that failed."""
_SECOND: Final = "\ufdd0"
"""Stands for the second column of a character while lines are made; no text has it."""
_AS_A_PICTURE: Final = "\ufe0f"
"""What stands before it takes a column more."""
_PAINT: Final = re.compile(r"\x1b\[[\d;]*m")
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

    def wrapped(self, text: str, first: str = "  ", rest: str = "    ", lines: int | None = None) -> list[str]:
        """The text in as many lines as it needs; what cannot be broken, such as a path, may stand out.

        ``lines``: at most so many: what needs more is cut, and a long word is broken.
        """
        return _wrapped(" ".join(text.split()), self.width, first, rest, lines=lines)


def word(outcome: Outcome, *, advisory: bool) -> tuple[str, str]:
    """The word for an outcome and its colour. ``advisory``: the verdict does not rest on it."""
    return (ADVISORY, "yellow") if advisory and outcome not in wording.NO_PROBLEM else WORDS[outcome]


def columns(text: str) -> int:
    """How many columns of a terminal it takes: what East Asian scripts write takes two, a mark on another character none."""
    plain = _PAINT.sub("", text)
    if plain.isascii():
        return len(plain)
    return sum(_columns(character) for character in plain)


def _columns(character: str) -> int:
    if character == _AS_A_PICTURE:
        return 1
    if unicodedata.east_asian_width(character) in {"W", "F"}:
        return 2
    return 0 if unicodedata.category(character) in {"Mn", "Me"} else 1


def rows(lines: Iterable[str], page: Page) -> int:
    """How many rows of the terminal they take: what cannot be broken, such as a path, may need more than one."""
    return sum(max(1, -(-columns(line) // page.width)) for line in lines)


@dataclass(frozen=True)
class Part:
    """A part of a screen, in its forms: from all of it to the least."""

    forms: Sequence[Sequence[str]]
    urgency: int = 1
    """The least number has room first. A part of 0 stands on every screen, and is longer where nothing else wants the room."""
    usual: int = -1
    """Place of the form that it has before anything less urgent has room."""


def screen(parts: Sequence[Part], room: int, page: Page) -> list[str]:
    """The parts in their order, in so many rows, each in one of its forms.

    The most urgent first: of each the least form, then its usual one; in the end, of each the largest that fits.
    """
    chosen: dict[int, Sequence[str]] = {
        place: () if part.urgency else part.forms[-1] for place, part in enumerate(parts)
    }
    room -= sum(rows(form, page) for form in chosen.values())

    def give(place: int, forms: Sequence[Sequence[str]]) -> None:
        nonlocal room
        left = room + rows(chosen[place], page)
        chosen[place] = next((form for form in forms if rows(form, page) <= left), chosen[place])
        room = left - rows(chosen[place], page)

    for urgency in sorted({part.urgency for part in parts}):
        level = [place for place, part in enumerate(parts) if part.urgency == urgency]
        for place in level:
            give(place, parts[place].forms[-1:])
        for place in level:
            give(place, parts[place].forms[parts[place].usual :])
    for place in sorted(chosen, key=lambda place: (parts[place].urgency == 0, parts[place].urgency)):
        give(place, parts[place].forms)
    return [line for form in chosen.values() for line in form]


def _wrapped(
    text: str,
    width: int,
    first: str,
    rest: str,
    *,
    lines: int | None = None,
) -> list[str]:
    """The text in lines that fit, measured in columns; at most so many of them, and then what is longer than a line is broken, too."""
    whole = wording.together(text)
    spread = whole if text.isascii() else "".join(one + _SECOND if _columns(one) > 1 else one for one in whole)
    made = textwrap.wrap(
        spread,
        # A line may end between the two columns of a character.
        width - (spread != whole),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=lines is not None,
        break_on_hyphens=False,
        max_lines=lines,
        placeholder=" …",
    )
    return [line.replace(_SECOND, "").replace(wording.NO_BREAK, " ") for line in made]


def hanging(text: str, width: int, *, indent: int, rest: int, lines: int | None = None) -> list[str]:
    """Wraps a line whose inner spaces are its layout."""
    if indent + columns(text) <= width:
        return [" " * indent + text]
    return [line.rstrip() for line in _wrapped(text, width, " " * indent, " " * rest, lines=lines)]


def steps(record: RunRecord, page: Page, most: int | None = None) -> list[str]:
    """What was done to the environment, step by step.

    ``most``: so many, in two lines each: what failed first, then what could not be done without it, then the last ones.
    """
    if not record.steps:
        return []

    def urgency(place: int) -> tuple[bool, bool, int]:
        step = record.steps[place]
        failed = step.outcome == "failed"
        return not failed, step.detail.startswith(_LACKS), place if failed else -place

    places = sorted(range(len(record.steps)), key=urgency)[:most]
    told = [record.steps[place] for place in sorted(places)]
    widest = max(len(step.step) for step in told)
    lines = page.heading("What was done")
    if len(told) < len(record.steps):
        lines.append(f"  {len(record.steps) - len(told)} more steps: -v or the page")
    for step in told:
        when = f"+{step.started_s:.1f} s".rjust(9)
        took = duration(step.duration_s).rjust(8)
        detail = f": {step.detail}" if step.detail else ""
        text = f"{when} {took}  {step.step.ljust(min(widest, page.width - 40))}  {step.outcome}{detail}"
        lines += hanging(text, page.width, indent=2, rest=22, lines=None if most is None else 2)
    return lines


def listed(title: str, entries: Sequence[str], page: Page) -> list[str]:
    """A heading and its entries; nothing where there are none."""
    return [*page.heading(title), *(line for entry in entries for line in page.wrapped(entry))] if entries else []


def paragraphs(found: Sequence[tuple[str, Sequence[str]]], page: Page, most: int | None = None) -> list[str]:
    """Headings and their entries. ``most``: rows; what has none is counted."""
    if most is None:
        return [line for heading, entries in found for line in listed(heading, entries, page)]
    entries = [(heading, place, entry) for heading, those in found for place, entry in enumerate(those)]
    lines: list[str] = []
    for told, (heading, place, entry) in enumerate(entries):
        more = [*([] if place else page.heading(heading)), *page.wrapped(entry, lines=3)]
        if rows([*lines, *more], page) >= most:
            return [*(lines or page.heading(heading)), f"  {len(entries) - told} more: -v or the page"]
        lines += more
    return lines


def reasons(record: RunRecord, page: Page, most: int | None = None) -> list[str]:
    """Why the verdict is not GO, besides the tests. ``most``: so many reasons, a line each."""
    told = failures.more_reasons(record)
    if most is None or not told:
        return listed("Why", told, page)
    lines = [line for one in told[:most] for line in page.wrapped(one, lines=3)]
    more = [f"  {len(told) - most} more: -v or the page"] if len(told) > most else []
    return [*page.heading("Why"), *lines, *more]


def verdict(record: RunRecord, page: Page, most: int | None = None) -> list[str]:
    """The line that decides, after an empty one. ``most``: rows of the terminal."""
    word = wording.verdict_word(record)
    first, *others = hanging(wording.verdict_line(record), page.width, indent=0, rest=2, lines=most)
    hue = _VERDICT_COLORS.get(record.verdict, "red")
    return ["", first.replace(word, page.paint(word, hue, "bold"), 1), *others]


def several_labelled(label: str, entries: Sequence[str], page: Page, most: int, lines: int) -> list[str]:
    """The entries beside their name, each in so many lines; of more than ``most``, the number."""
    shown = list(entries) if len(entries) <= most else list(entries[: most - 1])
    left = len(entries) - len(shown)
    told = [*shown, f"{left} more: -v" if shown else f"{left}: -v"] if left else shown
    names = [label, *[""] * (len(told) - 1)]
    return [line for name, one in zip(names, told, strict=False) for line in labelled(name, one, page, lines=lines)]


def labelled(label: str, text: str, page: Page, lines: int | None = None) -> list[str]:
    """A name on the left and a text beside it; nothing where there is no text. ``lines``: what needs more is cut."""
    if not text.strip():
        return []
    return page.wrapped(text, f"  {label:<{_LABEL}}", " " * (_LABEL + 2), lines)


def waivers(record: RunRecord, page: Page) -> list[str]:
    """Of each plan item one waiver that would name all that was there before, whatever number of tests found it."""
    told = [line for text in failures.proposed(record) for line in quoted(text, page)]
    if not told:
        return []
    return ["", *page.wrapped(f"Somebody may answer for it until a day: {failures.HOW_TO}"), *told]


def quoted(text: str, page: Page) -> list[str]:
    """A text of which no line ends within quotation marks or beside an equals sign, so that a file takes what is copied from it."""
    whole = re.compile(r"""(["'])(?:\\.|.)*?\1| = """)
    kept = whole.sub(lambda found: found.group().replace(" ", wording.NO_BREAK), " ".join(text.split()))
    return _wrapped(kept, page.width, "  ", "    ")


def where(record: RunRecord, page: Page) -> list[Part]:
    """Where the report and all of it is, and how to look once more where that alone is asked for."""
    reports = record.reports
    again = ""
    # A command with consent would act, also where this session came to no action.
    acts = bool(record.actions) or record.mode == "real" or "--execute" in record.command_line
    if record.verdict in {"NO-GO", "INCONCLUSIVE"} and not acts and record.decision is None:
        again = " ".join(record.command_line)
    more = f"-v, and in {reports.record}" if reports.record else "-v"
    places = [
        "",
        *labelled("report", reports.html or reports.html_missing, page),
        *labelled("all of it", more, page),
        *labelled("escalation", wording.escalation(record), page),
    ]
    return [Part([places], urgency=0), Part([command("again", again, page)], urgency=2)]


def command(label: str, text: str, page: Page) -> list[str]:
    """A command beside its name. Over several lines it can be copied: each but the last ends with a backslash; values stay with options."""
    first, rest = f"  {label:<{_LABEL}}", " " * (_LABEL + 4)
    lines: list[str] = []
    line = first
    for word in re.findall(r"""(?:--[\w-]+ (?!-))?(?:[^\s"']|"[^"]*"|'[^']*')+""", text):
        if columns(line) + columns(word) + len(" \\") > page.width and line.strip() not in {"", label}:
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
