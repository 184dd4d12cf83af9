"""The contract of a product: the tables of ``products/NAME.toml``.

Health, component by component, for the plan's health checks: each is an endpoint with conditions, or *no endpoint for this*. Elements
of pages by how a screen reader has them. What is called otherwise in the database stands in ``names``, and an invariant that does not
apply is named with its reason.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, Field, Strict, model_validator

from pam_rollback.core.configuration import Problem, Table, place, shown, suggestion
from pam_rollback.target.conditions import Condition, Pattern, Pointer
from pam_rollback.target.environment_tables import Pages, PathTemplate, PlacesOfParts, Text, UrlPath
from pam_rollback.target.invariants import Dialect
from pam_rollback.target.sql_names import accepted
from pam_rollback.target.switches import Switch

_SHARE: Final = 0.75
_AtLeastOne = Annotated[int, Field(ge=1)]


class Limits(Table):
    """What the API bears within a minute. What is not said is not known: nothing is held back for it.

    The ban of an address counts everybody behind it: of what is shared a session uses three quarters. What belongs to its browser or to
    the test account is all its own.
    """

    paths: _AtLeastOne | None = None
    """Different paths that one address may ask for; with one more it is banned."""
    address: _AtLeastOne | None = None
    """Requests of one address, whoever asks."""
    without_token: _AtLeastOne | None = None
    """As many, and from there on those without a token are refused."""
    with_token: _AtLeastOne | None = None
    """Requests with a token, whoever's."""
    client: _AtLeastOne | None = None
    """Requests of one address and User-Agent: with one more they are shut out."""
    free: Annotated[tuple[UrlPath, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Paths that are asked as often as anybody likes."""

    def ours(self, processes: int = 1) -> "Limits":
        """Return what one of so many processes of a session may use of them. Raises ValueError when that is nothing."""
        most: dict[str, Any] = {}
        for name in ("paths", "address", "without_token", "with_token", "client"):
            whole = getattr(self, name)
            if whole is None:
                continue
            session = whole if name == "client" else max(1, math.floor(whole * _SHARE))
            most[name] = session // processes
            if not most[name]:
                raise ValueError(f"{processes} processes are more than the product bears ([limits] {name} = {whole})")
        return self.model_copy(update=most)

    @property
    def by_rate(self) -> bool:
        """So many requests within a minute are known to be too many."""
        return any(one is not None for one in (self.address, self.without_token, self.with_token, self.client))

    @property
    def known(self) -> bool:
        """Something is known."""
        return self.by_rate or self.paths is not None


ElementName = Literal[
    "email",
    "password",
    "log_in",
    "log_out",
    "open_chat",
    "clear_chat",
    "chat_error",
    "message",
    "messages",
    "speak",
    "stop_speaking",
    "amount",
    "note",
    "add_expense",
    "expenses",
    "distance_unit",
    "save",
    "saved",
    "plan_trip",
]
"""``log_out`` ends a session; ``open_chat`` is the button that opens PAM where it has no page of its own, ``clear_chat`` the
one that asks whether all that was said may go, ``chat_error`` what tells that PAM did not answer."""
_WAYS = ("role", "label", "selector")


class Element(Table):
    """One element of a page: by its role (and accessible name), by its label, or by a CSS selector."""

    role: Literal["button", "link", "list", "listitem", "row", "status", "textbox", "combobox"] | None = None
    name: Text | None = None
    """The accessible name, or a part of it, whatever its case."""
    name_matches: Pattern | None = None
    """The accessible name or label by a regular expression, found anywhere in it."""
    label: Text | None = None
    selector: Text | None = None
    items: Literal["listitem", "row"] | None = None
    """What is meant are its members of this role."""
    within: Literal["main", "navigation"] | None = None
    """Only inside this landmark."""

    @model_validator(mode="after")
    def _one_way(self) -> "Element":
        given = [way for way in _WAYS if getattr(self, way) is not None]
        by_label = not given and self.name_matches is not None
        if len(given) != 1 and not by_label:
            raise ValueError(f"expected exactly one of {', '.join(_WAYS)}, found {' and '.join(given) or 'none'}")
        if self.name is not None and self.role is None:
            raise ValueError("name is the accessible name of a role: expected role, too")
        return self


def undescribed(elements: Mapping[ElementName, Element], wanted: Iterable[str]) -> list[str]:
    """Which of the wanted elements the contract does not describe, each once."""
    return [name for name in dict.fromkeys(wanted) if name not in elements]


Identifier = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]
SettingsForm = Literal["narrow", "wide"]


class UsersRows(Table):
    """A table with rows of users: whose each is, and what of it nobody changes."""

    owner: Identifier
    """The column that says whose a row is; ``id`` where the row is its owner."""
    within: Identifier = ""
    """The table of users' rows whose key stands in ``owner``; empty: it is the id of an account."""
    stays: Annotated[tuple[Identifier, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Columns that stay as they were written (docs/decisions/baselines.md)."""
    changed_at: Identifier = ""
    """Where users may correct a row, the column that says when."""


class Tables(Table):
    """What the suite reads of the database, and what it leaves alone."""

    schemas: Annotated[tuple[Text, ...], Strict(False), Field(min_length=1)] = ("public",)  # noqa: FBT003 - TOML has lists
    """Whose tables, rules and functions the product made: what a baseline records of the schema."""
    settings: SettingsForm = "narrow"
    """``narrow``: a row for each setting (``setting_name``, ``setting_value``). ``wide``: a row a user, a column for each."""
    names: Annotated[Mapping[str, Text], AfterValidator(accepted)] = {}
    """What is called differently by this product, as in ``[sql.names]`` of an environment, which goes before it."""
    left_out: Mapping[str, Text] = {}
    """By the id of an invariant of ``checks/integrity`` that does not apply: why."""
    names_schema_version: bool = False
    """Whether a release names the migration that it was built with (``schema_version`` at the path ``version``); else its files tell."""
    users: Annotated[Mapping[Identifier, UsersRows], Field(min_length=1)]
    """The tables with rows of users."""
    plan: Mapping[Identifier, UsersRows] = {}
    """The same of the tables that the plan's own queries assume (``dialect = "plan"``); empty: the product has none."""

    @model_validator(mode="after")
    def _owners_are_there(self) -> "Tables":
        for known in (self.users, self.plan):
            for name, rows in known.items():
                if rows.within and rows.within not in known:
                    raise ValueError(
                        f"{name}: within: expected a table of users' rows, {suggestion(rows.within, known)}"
                    )
        return self

    def of(self, dialect: Dialect) -> Mapping[str, UsersRows]:
        """The tables with rows of users, as that dialect has them."""
        return self.users if dialect == "product" else self.plan

    def problems(self, invariants: Iterable[str]) -> Iterator[Problem]:
        """What is left out and is not one of these."""
        known = tuple(invariants)
        for name in self.left_out:
            if name not in known:
                yield Problem(f"[tables.left_out] {name}", f"no such invariant, {suggestion(name, known)}")


Site = Literal["frontend", "api", "backend", "supabase"]
"""Whose address a path stands below: a key of ``[urls]`` in the environment's file."""
ANY_STATUS = "any"
BACKEND = "backend"
USER_ID = "{user_id}"
"""In a path: the id of the signed-in account."""
OperationName = Literal["chat", "history", "voice", "expenses", "profile", "settings", "tickets", "cache_clear"]
_HTTP_STATUSES = range(100, 600)


Query = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~=&{}*,()-]*$")]


def _http_status(value: Any) -> Any:
    is_status = isinstance(value, int) and not isinstance(value, bool) and value in _HTTP_STATUSES
    if not is_status and value != ANY_STATUS:
        raise ValueError(f'expected an HTTP status such as 200, or "any" to ask for none, found {shown(value)}')
    return value


def filled(body: Mapping[str, Any], message: str) -> dict[str, Any]:
    """The body with a message in its place."""
    return {
        key: value.replace("{message}", message) if isinstance(value, str) else value for key, value in body.items()
    }


class Component(Table):
    """One component of the product, and what makes it healthy."""

    item: Annotated[str, Field(pattern=r"^HC-[1-9]\d*$")]
    """The health check of the plan that it belongs to."""
    title: Text
    """How people call it, within a sentence: "the database"."""
    site: Site | None = None
    method: Literal["GET", "HEAD"] = "GET"
    path: UrlPath | None = None
    query: Query = ""
    http_status: Annotated[Any, AfterValidator(_http_status)] = 200
    conditions: Annotated[tuple[Condition, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    whole: bool = True
    """The rest of the body must not contradict: nothing in it speaks of a fault (docs/decisions/healthy-answers.md)."""
    optional: PlacesOfParts = ()
    """Parts of the body that may be down while the component is well, such as ``checks.tts``."""
    release: Pointer | None = None
    """Where the answer names the release; nowhere: it is looked for under the usual names."""
    names_release: bool = True
    """The answer of this component names the release that gives it."""
    no_endpoint: Text | None = None
    """Why nothing can be asked for it: no path answers for this component, or none that can be believed."""

    @model_validator(mode="after")
    def _one_kind(self) -> "Component":
        if self.no_endpoint is not None:
            given = [name for name in ("site", "path", "conditions") if getattr(self, name)]
            if given:
                raise ValueError(
                    f"there is no endpoint for it, so nothing can be asked: expected no {given[0]}, or no no_endpoint"
                )
            return self
        missing = [name for name in ("site", "path") if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{missing[0]} is missing: say where it is asked, or why it cannot be (no_endpoint)")
        if not self.conditions:
            raise ValueError("conditions are missing: an answer alone is no health; say what makes it healthy")
        return self

    @property
    def address(self) -> str:
        """Path and query; empty where it has no endpoint."""
        return "" if self.path is None else self.path + (f"?{self.query}" if self.query else "")

    @property
    def files(self) -> bool:
        """A host of files answers: its caches keep an answer for as long as nothing else is published, and that is right."""
        return self.site == "frontend"

    @property
    def asked(self) -> str:
        """What a healthy answer is, in short, for tables."""
        wanted = next(
            (one.equals for one in self.conditions if one.pointer == "/status" and one.equals is not None), None
        )
        words = str(wanted) if wanted is not None else "healthy"
        return words if self.http_status == ANY_STATUS else f"{words}, HTTP {self.http_status}"


class SignIn(Table):
    """How an account signs in: with JSON of ``email`` and ``password``. The answer has ``access_token`` and ``user.id``."""

    kind: Literal["api", "supabase"] = "api"
    """``supabase``: the password grant of Supabase Auth, at its own host, with the key of the pages in the header ``apikey``."""
    site: Site = "api"
    path: UrlPath

    @model_validator(mode="after")
    def _at_its_host(self) -> "SignIn":
        if (self.kind == "supabase") != (self.site == "supabase"):
            wanted = "supabase" if self.kind == "supabase" else "api"
            raise ValueError(f"expected site = {wanted!r} for kind = {self.kind!r}, found {self.site!r}")
        return self

    @property
    def address(self) -> str:
        """Path and query."""
        return f"{self.path}?grant_type=password" if self.kind == "supabase" else self.path


class Written(Table):
    """How the suite writes there as the test account, once, when a window ends. Nothing of it has to be cleared away."""

    method: Literal["POST", "PUT", "DELETE"]
    body: Mapping[str, Any] = {}
    """Sent as JSON. ``{message}`` in a text is a mark of the suite."""
    same: Annotated[tuple[str, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Fields that are sent as they are read there, so that nothing changes."""


class Operation(Table):
    """Something that users do, as one request."""

    site: Site = "api"
    method: Literal["GET", "POST"] = "GET"
    path: PathTemplate | None = None
    """``{user_id}`` stands for the id of the account: ``/api/expenses/{user_id}``."""
    query: Query = ""
    """What is always asked with it: ``order=created_at.desc``."""
    items: Pointer = ""
    """Where the rows stand in the answer, of what gives a list."""
    owner: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]*$")] = ""
    """The key of the answer, or of each of its rows, that holds the id of the account whose it is. Not given: nothing says."""
    no_endpoint: Text | None = None
    """Why nobody can do it by a request: no path answers, or none that works."""
    body: Mapping[str, Any] = {}
    """Sent as JSON. ``{message}`` in a text is what is asked."""
    good: Annotated[tuple[Condition, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """What a good answer has, beside HTTP 200 and JSON."""
    kept: bool = True
    """What is said in the chat is found again in the history."""
    written: Written | None = None
    """None: the suite writes nothing there, beside questions, expenses and settings."""

    @model_validator(mode="after")
    def _somewhere(self) -> "Operation":
        if (self.path is None) == (self.no_endpoint is None):
            raise ValueError("expected path, or why there is none (no_endpoint), and not both")
        return self

    @property
    def address(self) -> str:
        """Path and query; empty where there is none."""
        return "" if self.path is None else self.path + (f"?{self.query}" if self.query else "")

    def body_with(self, message: str) -> dict[str, Any] | None:
        """What is sent; None when nothing is."""
        return filled(self.body, message) if self.body else None


class Mark(Table):
    """Something in the back end's answers by which a release, or a process, is told from another where none names its release."""

    site: Site = "api"
    path: UrlPath
    pointer: Annotated[Pointer, Field(alias="json")] = ""
    """A value of the body; none given: the whole body."""
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$")] = ""
    """A header instead."""
    tells: Literal["release", "uptime_s"] = "release"
    """``release``: equal in all answers of a release. ``uptime_s``: for how many seconds the process runs that answers."""

    @model_validator(mode="after")
    def _one_subject(self) -> "Mark":
        if self.header and (self.pointer or self.tells == "uptime_s"):
            raise ValueError("expected json or header, not both; and json for uptime_s")
        return self

    @property
    def title(self) -> str:
        """What it is of, for messages."""
        part = f"header {self.header}" if self.header else self.pointer
        return f"{part} of {self.path}" if part else self.path


class FrontPageConditions(Table):
    """What makes the front page the site, beside what every page needs: no error screen, and scripts that are scripts."""

    text: Annotated[tuple[Text, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Words that the page has as it is sent, in its title, its headings or its text."""
    names: Annotated[tuple[Site, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Whose addresses its scripts have to name: a bundle that was built without its variables names none."""


class Flags(Table):
    """How features are switched."""

    constants: Text | None = None
    """Why nobody can switch one: they are constants of the site's bundle. What they show goes back with the front end."""
    switches: Mapping[Text, Switch] = {}
    """What can be switched all the same where an environment declares ``flag_admin``, by the names of the features."""

    @model_validator(mode="after")
    def _known(self) -> "Flags":
        for name, switch in self.switches.items():
            for other in switch.also_on_by:
                if other not in self.switches or other == name:
                    raise ValueError(f"switches.{name}: also_on_by names {other!r}, which is no other switch")
        return self


class Contract(Table):
    """What a product promises: the whole file."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: Text
    health: Annotated[Mapping[str, Component], Field(min_length=1)]
    sign_in: SignIn
    operations: Mapping[OperationName, Operation]
    pages: Pages
    front_page: FrontPageConditions = FrontPageConditions.model_construct()
    tables: Tables
    marks: Annotated[tuple[Mark, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """By what releases of the back end are told apart, where its health names none."""
    flags: Flags = Flags.model_construct()
    limits: Limits = Limits.model_construct()
    """What its API bears."""
    websockets: bool = False
    """Its pages keep WebSockets to the API open. A host may count the life of each as the time of one answer."""
    elements: Mapping[ElementName, Element] = {}
    """What is not described is not looked for: journeys that need it are left out, and named."""

    @model_validator(mode="after")
    def _is_whole(self) -> "Contract":
        backend = self.health.get(BACKEND)
        if backend is None or backend.no_endpoint is not None:
            raise ValueError(f"[health.{BACKEND}] is missing: the prober and the load ask it, so it needs an endpoint")
        lost = [name for name in get_args(OperationName) if name not in self.operations]
        if lost:
            raise ValueError(f"missing: {', '.join(f'[operations.{name}]' for name in lost)}; say where each is done")
        return self

    def operation(self, name: str) -> Operation:
        """An operation by its name. Raises KeyError when it is none."""
        return {str(known): operation for known, operation in self.operations.items()}[name]

    @property
    def takes_settings(self) -> bool:
        """A setting of any name can be written by a request: wide settings have a column for each kind, and none for another."""
        return self.operations["settings"].path is not None and self.tables.settings == "narrow"

    @property
    def names_intent(self) -> bool:
        """A good answer of the chat says how PAM understood the question."""
        return any(one.pointer == "/intent" for one in self.operations["chat"].good)

    def problems(self, items: Mapping[str, object]) -> Iterator[Problem]:
        """What does not fit the plan: ``items`` are its health checks, each of which needs a component here."""
        for name, component in self.health.items():
            if component.item not in items:
                what = f"the plan has no health check {shown(component.item)}; there are: {', '.join(items)}"
                yield Problem(place(("health", name, "item")), what)
        named = [component.item for component in self.health.values()]
        for item in items:
            if item not in named:
                what = f"no component for the plan's {item}; where nothing can be asked, say so with no_endpoint"
                yield Problem("[health]", what)
            elif named.count(item) > 1:
                yield Problem("[health]", f"{named.count(item)} components for the plan's {item}: expected one")
