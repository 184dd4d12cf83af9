"""Where the health of each component may be asked, and which conditions an answer itself gives: kept where they are proven.

A condition is kept when it is true of the live release and of the previous one, and false of every red twin (``twins``). An
endpoint with a twin that survives is refused, with the twin shown: it would stay healthy while something is broken.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pam_rollback.base.outside_text import cut, one_line
from pam_rollback.connect.rules.twins import survivors
from pam_rollback.product.rules.conditions import Captured, Condition, held_against
from pam_rollback.product.rules.contract import Component
from pam_rollback.product.rules.health_words import is_good_truth, is_well, words_of
from pam_rollback.product.rules.judging import judge, release_of, unreadable

_HTML = "text/html"
_STATUS_KEYS = ("status", "health", "state")
_NAME_KEYS = ("service", "name", "app")
_ROWS = ({"json": "", "exists": True}, {"answer": "text", "matches": r"\s*\[.*\]\s*"})
_SOMETHING = r".*\S.*"
_SHOWN_CHARACTERS = 160
_TWINS_SHOWN = 3
_KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "database": ("db", "database", "postgres", "sql"),
    "pam": ("pam", "assistant", "chat"),
    "comprehensive": ("comprehensive", "all", "full", "deep", "detailed"),
    "backend": ("", "z", "live", "liveness"),
}
"""By which words a path of ``/openapi.json`` is taken for the health of a component, beside the word "health"."""


@dataclass(frozen=True)
class Proposal:
    """One endpoint that may answer for a component."""

    component: str
    site: str
    path: str
    query: str = ""

    @property
    def address(self) -> str:
        """Path and query."""
        return self.path + (f"?{self.query}" if self.query else "")


USUAL: Mapping[str, tuple[Proposal, ...]] = {
    "frontend": (Proposal("frontend", "frontend", "/health"),),
    "backend": (Proposal("backend", "backend", "/health"), Proposal("backend", "backend", "/api/health")),
    "database": (Proposal("database", "api", "/health/db"),),
    "pam": (Proposal("pam", "api", "/health/pam"),),
    "comprehensive": (
        Proposal("comprehensive", "api", "/health/comprehensive"),
        Proposal("comprehensive", "api", "/health/all"),
    ),
}
"""What products call it, the plan's own word first."""


@dataclass(frozen=True)
class Kept:
    """An endpoint whose conditions are proven."""

    proposal: Proposal
    component: Component
    notes: tuple[str, ...] = ()
    """For whoever reads the file."""


@dataclass(frozen=True)
class Turned:
    """An endpoint that is not taken, and why. ``twins``: bad answers that would still be called healthy."""

    proposal: Proposal
    why: str
    twins: tuple[str, ...] = ()


def proposals(component: str, documented: Iterable[str] | None, *, rows_of: str = "") -> tuple[Proposal, ...]:
    """In the order to ask in.

    ``documented``: the paths of ``/openapi.json`` that can be read without anything else; what it does not have is not asked for. None
    where the product does not describe itself. ``rows_of``: a table that Supabase's REST shows.
    """
    usual, site = USUAL[component], USUAL[component][0].site
    found = list(usual)
    if documented is not None and site != "frontend":
        paths = tuple(documented)
        own = [Proposal(component, site, path) for path in paths if _speaks_of(component, path)]
        found = [*(one for one in usual if one.path in paths), *own]
    if component == "database" and rows_of:
        found.append(Proposal(component, "supabase", f"/rest/v1/{rows_of}", "select=id&limit=1"))
    return tuple(dict.fromkeys(found))


def weighed(
    proposal: Proposal, item: str, title: str, live: Captured, previous: Captured | None = None
) -> Kept | Turned:
    """What becomes of an endpoint, by its answer of now and, where it was asked, of the release before."""
    greens = [live, *([previous] if previous is not None else [])]
    for green, whose in zip(greens, ("", "of the previous release "), strict=False):
        if why := _no_answer(green):
            return Turned(proposal, f"{whose}{why}".strip())
    made = _rows(greens) if proposal.site == "supabase" else _conditions(greens)
    conditions = [one for one in made if all(held_against(one, green).met for green in greens)]
    if not conditions:
        return Turned(proposal, _nothing_good(live) or _nothing_good(greens[-1]))
    given = {"item": item, "title": title, "site": proposal.site, "path": proposal.path, "query": proposal.query}
    releases = [
        release_of(Component.model_validate({**given, "conditions": conditions}), green.answer) for green in greens
    ]
    tells = len(set(releases)) > 1 and all(releases)
    component = Component.model_validate({**given, "conditions": conditions, "names_release": tells})
    return _proven(proposal, component, greens, tuple(_notes(releases, previous is not None, tells=tells)))


def held(name: str, component: Component, live: Captured, previous: Captured | None = None) -> Kept | Turned:
    """The same for a component that a contract describes already: by its own conditions."""
    proposal = Proposal(name, str(component.site), str(component.path), component.query)
    return _proven(proposal, component, [live, *([previous] if previous is not None else [])], ())


def _proven(
    proposal: Proposal, component: Component, greens: Sequence[Captured], notes: tuple[str, ...]
) -> Kept | Turned:
    for green in greens:
        judgement = judge(component, green)
        if not judgement.proves_health:
            return Turned(proposal, _shown("; ".join(filter(None, [*judgement.problems, judgement.not_known]))))
        if left := survivors(component, green):
            more = f" and {len(left) - _TWINS_SHOWN} more" if len(left) > _TWINS_SHOWN else ""
            what = f"it would still be called healthy with: {', '.join(left[:_TWINS_SHOWN])}{more}"
            return Turned(proposal, what, left)
    return Kept(proposal, component, notes)


def documented_reads(document: Any) -> tuple[str, ...] | None:
    """The paths of an OpenAPI document that can be read without parameters; None where it is none."""
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        return None
    return tuple(
        str(path)
        for path, methods in paths.items()
        if isinstance(methods, dict) and "get" in methods and "{" not in str(path)
    )


def documented_operations(document: Any) -> frozenset[tuple[str, str]] | None:
    """Each method and path template of an OpenAPI document, parameters without their names; None where it is none."""
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        return None
    return frozenset(
        (str(method).upper(), without_names(str(path)))
        for path, methods in paths.items()
        if isinstance(methods, dict)
        for method in methods
    )


def without_names(template: str) -> str:
    """``/users/{user_id}`` and ``/users/{id}`` are one."""
    return re.sub(r"\{[^}]*\}", "{}", template)


def is_page(answer_of: Captured) -> bool:
    """A page of HTML was answered."""
    return answer_of.answer.content_type.lower().startswith(_HTML)


def _speaks_of(component: str, path: str) -> bool:
    words = path.strip("/").lower().split("/")
    last = words[-1]
    if "health" not in path.lower() or component not in _KEYWORDS:
        return False
    if component == "backend":
        return last in {"health", "healthz", *_KEYWORDS["backend"]} and last != ""
    return last in _KEYWORDS[component]


def _no_answer(green: Captured) -> str:
    answer = green.answer
    if answer.problem:
        return answer.problem
    if is_page(green):
        return "a page of HTML is answered in its place"
    if answer.http_status != 200:  # noqa: PLR2004 - what is healthy says so
        # No word of the body: a moment or an id in it would make a new text of each look.
        return f"HTTP {answer.http_status}"
    return ""


def _conditions(greens: Sequence[Captured]) -> Iterator[Condition]:
    body = greens[0].answer.json
    if isinstance(body, dict):
        # A name alone is no health, however well it is proven.
        of_health = list(_of_object(body, [green.answer.json for green in greens]))
        if of_health:
            yield from (*of_health, *_of_name(body))
    elif greens[0].answer.content_type.lower().startswith("text/plain"):
        words = {green.answer.body.decode("utf-8", "replace").strip() for green in greens}
        if len(words) == 1 and is_well(next(iter(words))):
            yield Condition.model_validate({"answer": "text", "matches": rf"\s*{re.escape(next(iter(words)))}\s*"})


def _rows(greens: Sequence[Captured]) -> Iterator[Condition]:
    """A list, also an empty one: row level security shows nobody else's rows."""
    if isinstance(greens[0].answer.json, list):
        yield from map(Condition.model_validate, _ROWS)


def _of_object(body: Mapping[str, Any], bodies: Sequence[Any]) -> Iterator[Condition]:
    for key in _STATUS_KEYS:
        words = [one.get(key) for one in bodies if isinstance(one, dict)]
        if len(words) == len(bodies) and all(isinstance(word, str) and is_well(word) for word in words):
            wanted = sorted({str(word) for word in words})
            asked = {"equals": wanted[0]} if len(wanted) == 1 else {"any_of": wanted}
            yield Condition.model_validate({"json": f"/{key}", **asked})
            break
    for key, value in body.items():
        if value is True and is_good_truth(words_of(key)) and re.fullmatch(r"\w+", key):
            yield Condition.model_validate({"json": f"/{key}", "equals": True})


def _of_name(body: Mapping[str, Any]) -> Iterator[Condition]:
    for key in _NAME_KEYS:
        if isinstance(body.get(key), str) and body[key].strip():
            yield Condition.model_validate({"json": f"/{key}", "matches": _SOMETHING})
            break


def _nothing_good(green: Captured) -> str:
    """Why no condition could be made of an answer."""
    body = green.answer.json
    said = [f"/{key} is {body[key]!r}" for key in _STATUS_KEYS if isinstance(body, dict) and key in body]
    why = said[0] if said else unreadable(green.answer) or "nothing in it says that all is well"
    return _shown(why)


def _notes(releases: Sequence[str], asked_before: bool, *, tells: bool) -> Iterator[str]:  # noqa: FBT001 - one of two states
    if tells:
        yield f"Names the release: {releases[0]} now, {releases[-1]} before."
    elif not releases[0]:
        return
    elif asked_before:
        yield f"Its version, {releases[0]!r}, is the same in the previous release: a constant."
    else:
        yield f"Its version, {releases[0]!r}, is not believed: no previous release was asked."


def _shown(text: str) -> str:
    return cut(one_line(text), _SHOWN_CHARACTERS)
