"""The text of ``products/NAME.toml``: health as it was seen, the rest as a known product has it, compared where that can be."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pam_rollback.connect.rules.found import Found
from pam_rollback.connect.rules.proposals import Kept, Turned, without_names
from pam_rollback.connect.rules.toml_text import comment, pair, table
from pam_rollback.product.rules.chat_answer import Intent
from pam_rollback.product.rules.contract import BACKEND

_DOCUMENTED = {"path": "/openapi.json"}
_TEMPLATE_SITES = ("api", "backend")
_INTENT = {"json": "/intent", "matches": r".*\S.*"}
_SEEN: Mapping[Intent, str] = {
    "named": "Seen: an answer with an intent.",
    "never": "Seen: an answer without an intent, so only its words tell an apology.",
}


def product_file(name: str, found: Found, like: Mapping[str, Any], titles: Mapping[str, tuple[str, str]]) -> str:
    """The body of the file. ``like``: the contract that it begins with; ``titles``: item and title of each component."""
    lines = [
        *comment(
            f"What the product at {found.where.frontend} promises. Health was seen; the rest begins as {like['name']} has it."
        ),
        *comment("What each key means: docs/how-to/describe-a-product.md."),
        "",
        *pair("name", name),
        *pair("description", f"The product at {found.where.frontend}"),
        *_health(found, titles),
        *marks(found, like),
        *_accounts(found, like),
        *_limits(like),
        *_front_page(found),
        *_pages(like),
        *_tables(found, like),
    ]
    return "\n".join([*lines, *_rest(like, lines)]) + "\n"


def _health(found: Found, titles: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    for component, (item, title) in titles.items():
        kept, turned = found.health.get(component), found.turned.get(component, ())
        if kept is None:
            content: dict[str, Any] = {"item": item, "title": title, "no_endpoint": _nowhere(turned)}
            yield from table(f"health.{component}", content, _refusals(turned))
        else:
            yield from table(f"health.{component}", _endpoint(kept), [*kept.notes, *_refusals(turned)])


def marks(found: Found, like: Mapping[str, Any]) -> Iterator[str]:
    """By what releases of the back end are told apart: only where its health names none."""
    backend = found.health.get(BACKEND)
    if backend is None or backend.component.names_release:
        return
    if found.described_at:
        yield from table("[marks]", {"path": found.described_at}, ["Seen: how this release describes itself."])
    for mark in like.get("marks", ()):
        if mark != _DOCUMENTED:
            yield from table("[marks]", mark, [f"As {like['name']} has it; not tried."])


def _endpoint(kept: Kept) -> dict[str, Any]:
    component = kept.component
    conditions = [one.model_dump(exclude_none=True, by_alias=True) for one in component.conditions]
    content: dict[str, Any] = {"item": component.item, "title": component.title, "site": component.site}
    content["path"] = component.path
    if component.query:
        content["query"] = component.query
    content["conditions"] = conditions
    if not component.names_release:
        content["names_release"] = False
    return content


def _nowhere(turned: Sequence[Turned]) -> str:
    if not turned:
        return "the product describes no path for it"
    return "; ".join(f"{one.proposal.address}: {one.why}" for one in turned)


def _refusals(turned: Sequence[Turned]) -> Iterator[str]:
    for one in turned:
        if one.twins:
            yield f"{one.proposal.address} is refused: {one.why}."


def _accounts(found: Found, like: Mapping[str, Any]) -> Iterator[str]:
    tried = "the test account signed in here." if found.signed_in else "not tried."
    sign_in = dict(like["sign_in"])
    yield from table("sign_in", sign_in, [f"As {like['name']} has it; {tried}"])
    for name, operation in like["operations"].items():
        content, note = compared(operation, found)
        if name == "chat" and found.intent is not None and "good" in content:
            content, note = _as_answered(content, found.intent), f"{note} {_SEEN[found.intent]}"
        yield from table(f"operations.{name}", content, [note.format(like=like["name"])])


def _as_answered(chat: Mapping[str, Any], intent: Intent) -> dict[str, Any]:
    """The chat whose good answers name an intent exactly if the one that was seen did."""
    good = [one for one in chat["good"] if one.get("json") != "/intent"]
    return {**chat, "good": [*good, *([_INTENT] if intent == "named" else [])]}


def compared(operation: Mapping[str, Any], found: Found) -> tuple[dict[str, Any], str]:
    """An operation as it is known, held against what the product describes; with a note, in which ``{like}`` is whose it was."""
    if "no_endpoint" in operation:
        return dict(operation), "As {like} has it."
    if operation.get("site", "api") not in _TEMPLATE_SITES or found.operations is None:
        return dict(operation), "As {like} has it; not tried."
    method, path = operation.get("method", "GET"), operation["path"]
    if (method, without_names(path)) in found.operations:
        return dict(operation), "/openapi.json has it."
    return {"no_endpoint": f"/openapi.json describes no {method} {path}"}, "{like} has it, and this product has not."


def _limits(like: Mapping[str, Any]) -> Iterator[str]:
    """How often it lets somebody ask. Whoever would look for that would be shut out."""
    if "limits" in like:
        note = (
            f"As {like['name']} has them; not looked for. Every session says what it asks, and keeps to three quarters."
        )
        yield from table("limits", like["limits"], [note])


def _front_page(found: Found) -> Iterator[str]:
    content = {"text": list(found.site.text), "names": list(found.site.names)}
    note = (
        f"Seen: a page with {found.site.scripts} scripts. Without its variables a build names none of these addresses."
    )
    yield from table("front_page", {key: value for key, value in content.items() if value}, [note])


def _pages(like: Mapping[str, Any]) -> Iterator[str]:
    note = f"As {like['name']} has them; no browser has looked. What is not described is left out, and named."
    yield from table("pages", like["pages"], [note])
    if like.get("elements"):
        yield from table("elements", like["elements"])


def _rest(like: Mapping[str, Any], written: Iterable[str]) -> Iterator[str]:
    """What nobody can look for, such as how features are switched: as it is known."""
    seen = {*tomllib.loads("\n".join(written)), "marks"}
    for name in (one for one in like if one not in seen):
        yield from table(name, like[name], [f"As {like['name']} has it; not looked for."])


def titles_of(health: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Item and title of each component of a contract's table ``health``."""
    return {name: (str(one["item"]), str(one["title"])) for name, one in health.items()}


def _tables(found: Found, like: Mapping[str, Any]) -> Iterator[str]:
    """As they were seen in the catalogue; without one, as they are known."""
    known = dict(like["tables"])
    parts = {name: known.pop(name) for name in ("names", "left_out", "users", "plan") if name in known}
    seen = found.catalogue
    note = f"As {like['name']} has them; {'not looked at.' if seen is None else f'seen as {seen.role}.'}"
    if seen is not None:
        known |= {"settings": seen.settings} if seen.settings else {}
        there = {
            name: rows for name, rows in parts["users"].items() if {name, rows.get("within", name)} <= set(seen.tables)
        }
        parts["users"] = there or parts["users"]
    yield from table("tables", known, [note])
    for name, content in parts.items():
        yield from table(f"tables.{name}", content)
