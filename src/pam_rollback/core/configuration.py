"""Reading a TOML file into a typed model: every problem at once, each with its place and what to do about it."""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from typing_extensions import is_typeddict

from pam_rollback.core.outside_text import cut

_CALENDAR = "removed: give the address of PagerDuty's iCalendar export as [secrets] on_call_calendar_env"
_VOUCHED = "removed: a person answers for how releases reach users, with --ack PM-2, PM-3 and PM-4"
_PAGES = "removed: how pages load, and what they weigh, is measured by the site's own build, as by Lighthouse CI; here are journeys"
_MOVED: Mapping[str, str] = {
    # plan.toml
    "page_weight": _PAGES,
    "web_vitals": _PAGES,
    "load.shape": "removed: the shares of full load that follow each other are steps_pct; [100] is a steady load",
    "ramp_terms.approval_s_max": "removed: a person's yes (--approve) holds for the session that it is given in",
    "load_gate.LG-9.*": "removed: a person says whether the servers counted the same",
    # environments/NAME.toml
    "github.merge*": "removed: a pull request is opened, and a person merges it",
    "paths.notice_admin": "removed: a person puts the notice into the app and takes it away; [paths] notice is read",
    "pages": "removed: say it in [contract.pages]",
    "paths.login": "removed: say it in [contract.sign_in] path",
    **{
        f"paths.{name}": f"removed: say it in [contract.operations.{name}] path"
        for name in ("cache_clear", "chat", "history", "voice", "expenses", "profile", "settings", "tickets")
    },
    "load.targets": "removed: load goes to the addresses of [urls], and to stable_api and stable_backend",
    "load.users_max": "removed: load is asked by a rate, see rate_hz_max",
    "readiness.exchange": _VOUCHED,
    "readiness.links": "removed: a link checker in CI asks for them",
    "readiness.pagerduty_schedules": _CALENDAR,
    "readiness.pagerduty_url": _CALENDAR,
    "readiness.people": "removed: who answers a contact is the plan's [contacts]",
    "readiness.releases_d": _VOUCHED,
    "readiness.tokens_left_d_min": "removed: nothing asks when tokens end; -m preflight asks their services whether they are taken",
    "readiness.watch_age_s_max": "removed: -m watch says itself whether somebody watched (PM-8)",
    "secrets.pagerduty_token_env": _CALENDAR,
    "standing_consent": "removed: a watch only tells, and a person starts the rollback by the command that it tells",
    "thresholds.PW-*": _PAGES,
    "thresholds.WV-*": _PAGES,
    # products/NAME.toml
    "health.*.conditions.*.absent": "removed: an error in the answer is seen anyway",
    "health.*.conditions.*.age_lt_s": "removed: a moment that is past is seen anyway",
    "health.*.conditions.*.each": "removed: no part of the answer may be down anyway",
    "health.*.conditions.*.gt": "removed: hold a figure in a check of your own",
    "health.*.conditions.*.header": "removed: ask for a value of the body",
    "health.*.conditions.*.lt": "removed: hold a figure in a check of your own",
}


def new_place(location: tuple[str | int, ...]) -> str | None:
    """Where a key stands now that stood at ``location``; None when it never did."""
    steps = [str(step) for step in location]
    for old, new in _MOVED.items():
        known = old.split(".")
        if len(known) == len(steps) and all(fnmatchcase(step, one) for one, step in zip(known, steps, strict=True)):
            return new
    return None


# Plug-ins of other packages have no say in what a file of ours may hold; looking for them takes a fiftieth of the start.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"

Location = tuple[str | int, ...]

_SHOWN_CHARACTERS = 80
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where (``[table] key`` or a line) and what, with the way out."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.place else self.what


class ConfigurationError(Exception):
    """A file of the configuration cannot be used. Carries all of its problems; nothing was started."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        """``source`` names the file as the user knows it."""
        self.source = source
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"{source}: {count}", *(f"  {problem}" for problem in self.problems)]))

    def __reduce__(self) -> tuple[type["ConfigurationError"], tuple[str, tuple[Problem, ...]]]:
        """Lets the error travel from an xdist worker to its controller."""
        return type(self), (self.source, self.problems)


class Table(BaseModel):
    """A table of a configuration file: fixed after loading, unknown keys and silent conversions refused."""

    # A table is part of a file's model, which is built once as a whole: building each for itself too triples the start.
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True, defer_build=True
    )


@dataclass(frozen=True)
class Needed:
    """What a key has to name wherever its table is used, although the table may stand without it, as in a template."""

    what: str


class Service(Table):
    """A table of what stands beside the product. It says what is well-formed in it and cannot be used like this."""

    def problems(self, table: str) -> Iterator[Problem]:
        """Return what is missing, and what does not fit together; ``table`` is its name in the file."""
        for name, field in type(self).model_fields.items():
            for needed in field.metadata:
                if isinstance(needed, Needed) and not getattr(self, name):
                    yield Problem(f"[{table}] {field.alias or name}", f"missing: {needed.what}")
        for key, what in self.conflicts():
            yield Problem(f"[{table}] {key}".rstrip(), what)

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """Return what does not fit together, by its key."""
        yield from ()


def nearest(word: str, valid: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Give the valid spelling that ``word`` was most likely meant to be, or None; ``likeness`` goes from 0 to 1 (the same)."""
    by_folded = {_folded(known): known for known in valid}
    close = difflib.get_close_matches(_folded(word), by_folded, n=1, cutoff=likeness)
    return by_folded[close[0]] if close else None


def _folded(word: str) -> str:
    """What is left when nobody minds case and dashes: whoever types ``sc1`` means ``SC-1``."""
    return word.casefold().replace("-", "").replace("_", "")


def suggestion(word: str, valid: Iterable[str]) -> str:
    """Give ``did you mean 'x'?``, or the list of what is valid when nothing is near."""
    known = sorted(valid)
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else f"valid are: {', '.join(known) or 'none'}"


def label(path: Path) -> str:
    """Name a file as a user sees it: relative to the current folder where it is inside."""
    folder, absolute = Path.cwd(), path.absolute()
    return str(absolute.relative_to(folder)) if absolute.is_relative_to(folder) else str(path)


@dataclass(frozen=True)
class TomlFile:
    """What a file holds, and the permission bits it had when it was read."""

    source: str
    content: Mapping[str, Any]
    mode: int


def read_toml(path: Path) -> TomlFile:
    """Read a file. Raises ConfigurationError when it is missing, unreadable, not UTF-8 or not TOML."""
    source = label(path)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            raw = file.read()
    except FileNotFoundError:
        raise ConfigurationError(source, [Problem("", "there is no such file")]) from None
    except OSError as error:
        raise ConfigurationError(source, [Problem("", f"cannot be read: {error.strerror or error}")]) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"not UTF-8 (byte 0x{raw[error.start]:02x}); save the file as UTF-8"
        raise ConfigurationError(source, [Problem(f"line {line}", what)]) from None
    try:
        return TomlFile(source, tomllib.loads(text), mode)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(source, [Problem("not valid TOML", str(error))]) from None
    except (RecursionError, ValueError) as error:  # brackets without end, or a number of thousands of digits
        raise ConfigurationError(source, [Problem("no configuration", f"{type(error).__name__}: {error}")]) from None


def place(location: Location) -> str:
    """Write a location as TOML shows it: ``[table.sub-table] key``, members of lists by their number from 1 on."""
    steps: list[str] = []
    for step in location:
        if isinstance(step, int):
            steps[-1:] = [f"{steps[-1] if steps else ''} #{step + 1}"]
        elif step != "[key]":
            steps.append(step)
    if not steps:
        return ""
    return f"[{'.'.join(steps[:-1])}] {steps[-1]}" if steps[:-1] else steps[0]


def shown(value: object) -> str:
    """Write a value as TOML writes it, shortened; a table or list by its kind alone."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return cut(text, _SHOWN_CHARACTERS)


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    *,
    hidden: Callable[[Location], bool] = lambda _: False,
    within: Location = (),
) -> list[Problem]:
    """Translate what pydantic found. Values at ``hidden`` places are never shown; ``within`` goes before each place."""
    found: list[Problem] = []
    for detail in error.errors(include_url=False):
        location: Location = detail["loc"]
        whole = (*within, *location)
        where = place(whole)
        match detail["type"]:
            case "extra_forbidden":
                known = _known_keys(model, location[:-1])
                what = f"unknown key, {new_place(whole) or suggestion(str(location[-1]), known)}"
            case "missing":
                what = "missing, it is required"
            case "literal_error":
                valid = _QUOTED.findall(detail["ctx"]["expected"])
                what = f"unknown value {shown(detail['input'])}, {suggestion(str(detail['input']), valid)}"
            case "value_error":  # our own validators say what they found
                what = detail["msg"].removeprefix("Value error, ")
            case _:
                what = _expectation(detail["msg"])
                what += ", found a value that is not shown" if hidden(location) else f", found {shown(detail['input'])}"
        found.append(Problem(where, what))
    return found


def _expectation(message: str) -> str:
    replacements = {
        "Input should be ": "expected ",
        "a valid number": "a number",
        "a valid integer": "a whole number",
        "a valid string": "a text in quotes",
        "a valid boolean": "true or false",
        "a valid dictionary or instance of ": "a table of ",
        "a valid dictionary": "a table",
        "a valid mapping": "a table",
        "a valid tuple": "a list",
        "a valid date": "a date such as 2027-01-31",
    }
    for old, new in replacements.items():
        message = message.replace(old, new)
    return message[:1].lower() + message[1:]


def _known_keys(kind: object, location: Location) -> list[str]:
    """Give the keys that are valid at ``location`` of a model (none where any key may stand)."""
    for step in location:
        kind = _member(kind, step)
    kind = _bare(kind)
    return sorted(_members(kind))


def _bare(kind: object) -> object:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    choices = [choice for choice in get_args(kind) if choice is not type(None)]
    return _bare(choices[0]) if type(None) in get_args(kind) and choices else kind


def _members(kind: object) -> dict[str, object]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {field.alias or name: field.annotation for name, field in kind.model_fields.items() if not field.exclude}
    if is_typeddict(kind):
        return dict(kind.__annotations__)
    if isinstance(kind, type) and is_dataclass(kind):
        return {field.name: field.type for field in fields(kind)}
    return {}


def _member(kind: object, step: str | int) -> object:
    kind = _bare(kind)
    arguments = get_args(kind)
    if arguments:
        return arguments[0] if isinstance(step, int) else arguments[-1]
    return _members(kind).get(str(step))
