"""The SQL integrity checks as data: the header of each file, and what became of each invariant.

One file is one invariant: a header of ``-- key: value`` lines, then one query whose rows are the offenders. That it is one query, and only
reads, PostgreSQL sees to: see ``database/integrity.py``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pam_rollback.core.configuration import ConfigurationError, Problem, shown, suggestion
from pam_rollback.core.figures import Fact, Measured

Severity = Literal["critical", "advisory"]
Dialect = Literal["product", "plan"]

KEYS = ("id", "criterion", "sentence", "severity", "expectation", "dialect", "tables", "empty", "anchor")
_OPTIONAL = {"empty": "refused", "tables": ""}
"""What a file may leave out. One that reads the server's catalogue alone names no tables of its own."""
_DIALECTS: dict[str, tuple[Dialect, ...]] = {"product": ("product",), "plan": ("plan",), "both": ("product", "plan")}
_HEADER = re.compile(r"--[ \t]*(?P<key>[a-z]+):(?P<value>.*)")
# Nothing in it can match in two ways: a line of blanks must not take longer than another.
CHARACTERS_MAX = 100_000
"""A longer file is refused: a person has to read it."""
_ID = r"[a-z][a-z0-9]*(-[a-z0-9]+)*$"
_NO_ROWS = re.compile(r"no rows(; (?P<order>\S.*))?$")
_CHOICES: Mapping[str, Iterable[str]] = {
    "severity": ("critical", "advisory"),
    "dialect": _DIALECTS,
    "empty": ("refused", "allowed"),
}
_FORMS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "id": (re.compile(_ID), "an id of small letters, digits and dashes"),
    "criterion": (re.compile(r"[A-Z]{2,4}-[1-9]\d*$"), "plan ids such as DI-1, separated by commas"),
    "tables": (
        re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$"),
        "names of tables such as expenses or auth.users, separated by commas",
    ),
    "expectation": (_NO_ROWS, "`no rows` or `no rows; which come first`"),
    "anchor": (re.compile(_ID), "a section of docs/runbook.md"),
    "sentence": (re.compile(r"\S"), "a sentence that is true of a healthy database"),
}
_LISTS = ("criterion", "tables")
NAMED_MAX = 20
"""So many offenders are named in the report; the count has no limit."""
_IN_A_SENTENCE = 5


@dataclass(frozen=True)
class Invariant:
    """One truth about the database, and the query that gives the rows for which it does not hold."""

    id: str
    criteria: tuple[str, ...]
    sentence: str
    severity: Severity
    order: str
    """Which offenders come first; empty: in no order."""
    dialects: tuple[Dialect, ...]
    tables: tuple[str, ...]
    may_be_empty: bool
    anchor: str
    query: str
    source: str
    first_line: int
    """Line of the file on which the query begins."""

    @property
    def test_name(self) -> str:
        """What the test of this invariant is called."""
        return f"test_{self.id.replace('-', '_')}"


def parse_invariant(text: str, *, source: str, stem: str) -> Invariant:
    """Read a file. Raises ConfigurationError, in the name of ``source``, with every problem of its header."""
    if len(text) > CHARACTERS_MAX:
        what = f"expected at most {CHARACTERS_MAX:,} characters, found {len(text):,}; one file is one invariant"
        raise ConfigurationError(source, [Problem("", what)])
    lines = text.splitlines()
    end = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    problems: list[Problem] = []
    found = _header(lines[:end], problems)
    problems += [
        Problem(f"line {end + 1}", f"expected a line `-- {key}: …` in the header, found none")
        for key in KEYS
        if key not in found and key not in _OPTIONAL
    ]
    values = {key: value for key, (_, value) in found.items()}
    at = {key: f"line {number}" for key, (number, _) in found.items()}
    problems += [Problem(at[key], what) for key, value in values.items() if (what := _wrong(key, value, stem))]
    body = "\n".join(lines[end:]).strip()
    if not body:
        problems.append(Problem(f"line {end + 1}", "expected a query below the header, found nothing"))
    if problems:
        raise ConfigurationError(source, sorted(problems, key=_line))
    order = _NO_ROWS.match(values["expectation"])
    blank = next(number for number, line in enumerate(lines[end:], start=end + 1) if line.strip())
    return Invariant(
        id=values["id"],
        criteria=_split(values["criterion"]),
        sentence=values["sentence"],
        severity="advisory" if values["severity"] == "advisory" else "critical",
        order=(order["order"] or "") if order else "",
        dialects=_DIALECTS[values["dialect"]],
        tables=_split(values["tables"]) if "tables" in values else (),
        may_be_empty=values.get("empty", _OPTIONAL["empty"]) == "allowed",
        anchor=values["anchor"],
        query=body,
        source=source,
        first_line=blank,
    )


@dataclass(frozen=True, repr=False)
class InvariantResult(Fact):
    """What the database said about one invariant. ``worst`` names offenders by their ids, in the order that the file gives."""

    id: str
    sentence: str
    looked_at: int
    offenders: int
    worst: tuple[str, ...]
    order: str = ""
    may_be_empty: bool = False
    offenders_max: int = 0
    tables: tuple[str, ...] = ()
    given: Mapping[str, str] | None = None
    """The values that the query was asked with, where they help to understand it."""

    @property
    def is_empty(self) -> bool:
        """Nothing was looked at where there must be something: no proof of anything."""
        return self.looked_at == 0 and not self.may_be_empty

    @property
    def holds(self) -> bool:
        """No more offenders than the plan allows, among rows that are there."""
        return self.offenders <= self.offenders_max and not self.is_empty

    @property
    def measured(self) -> Measured:
        """How many rows break it."""
        return Measured(
            what=self.id,
            asked=f"at most {self.offenders_max:,} offenders" if self.offenders_max else "no offenders",
            value=self.offenders,
            unit="rows",
            n=self.looked_at,
            margin=self.offenders_max - self.offenders,
            sentence=self._sentence,
        )

    @property
    def _sentence(self) -> str:
        asked_with = "".join(f", {name} {value}" for name, value in (self.given or {}).items())
        if self.is_empty:
            where = " and ".join(self.tables) or "its tables"
            return f"{self.id}: no rows at all in {where}, so nothing is proven; expected rows of which: {self.sentence}{asked_with}"
        allowed = f", {self.offenders_max:,} allowed" if self.offenders_max else ""
        rows = "row" if self.looked_at == 1 else "rows"
        if not self.offenders:
            return f"{self.id}: none of {self.looked_at:,} {rows} breaks it: {self.sentence}{asked_with}"
        first = f", {self.order}" if self.order and self.offenders > 1 else ""
        named = ", ".join(self.worst[:_IN_A_SENTENCE])
        more = " …" if self.offenders > len(self.worst[:_IN_A_SENTENCE]) else ""
        named = f" ({named}{more}{first})" if named else ""
        return f"{self.id}: {self.offenders:,} of {self.looked_at:,} {rows}{named}{allowed}; expected: {self.sentence}{asked_with}"


def as_csv(results: Iterable[InvariantResult], unknown: Mapping[str, str]) -> str:
    """Every invariant on a line, for the report: counts and ids only. ``unknown`` says why some could not be measured."""
    lines = ["invariant,holds,looked at,offenders,first and worst"]
    for result in results:
        holds = "yes" if result.holds else "no"
        lines.append(f'{result.id},{holds},{result.looked_at},{result.offenders},"{" ".join(result.worst)}"')
    lines += [
        f'{identifier},unknown,,,"{" ".join(why.split())}"'.replace("\n", " ") for identifier, why in unknown.items()
    ]
    return "\n".join(lines) + "\n"


def _header(lines: Iterable[str], problems: list[Problem]) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines, start=1):
        match = _HEADER.fullmatch(line)
        where = f"line {number}"
        if match is None:
            problems.append(
                Problem(where, f"expected `-- key: value`, found {shown(line)}; comments belong below the header")
            )
        elif match["key"] not in KEYS:
            problems.append(Problem(where, f"unknown key {match['key']!r}, {suggestion(match['key'], KEYS)}"))
        elif match["key"] in found:
            first = found[match["key"]][0]
            problems.append(Problem(where, f"expected {match['key']!r} once, found it on line {first} too"))
        else:
            found[match["key"]] = (number, match["value"].strip())
    return found


def _wrong(key: str, value: str, stem: str) -> str:
    """What is wrong with a value, with what was expected; empty when nothing is."""
    if key in _CHOICES:
        return "" if value in _CHOICES[key] else f"unknown value {value!r}, {suggestion(value, _CHOICES[key])}"
    pattern, what = _FORMS[key]
    wrong = [part for part in (_split(value) if key in _LISTS else (value,)) if not pattern.match(part)]
    if wrong:
        return f"expected {what}, found {', '.join(map(repr, wrong))}"
    return f"expected the id {stem!r} as the file is called, found {value!r}" if key == "id" and value != stem else ""


def _split(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(","))


def _line(problem: Problem) -> int:
    return int(problem.place.removeprefix("line "))
