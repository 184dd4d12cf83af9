"""Every address that an environment names, each with its place in the file: the one list that all rules about addresses go by."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import AfterValidator
from pydantic_core import Url

from pam_rollback.core.addresses import is_loopback, server_of, web_address
from pam_rollback.core.configuration import Table
from pam_rollback.target.hosts import HOSTS

if TYPE_CHECKING:
    from pam_rollback.target.environment import Environment

_POSTGRES = re.compile(
    r"postgres(?:ql)?://(?:[^:@/?#\s]*(?::[^@/?#\s]*)?@)?(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d+))?"
    r"/(?P<database>[^/?#\s]+)(?:\?(?P<query>[^#\s]*))?"
)
"""One host, one database. libpq knows more forms; none of them is written by a sandbox."""
_POSTGRES_PORT = "5432"
_HARMLESS_SETTINGS = frozenset(
    {
        *("application_name", "channel_binding", "connect_timeout", "gssencmode", "options"),
        *("sslcert", "sslkey", "sslmode", "sslrootcert", "target_session_attrs"),
    }
)
"""What may follow an address of PostgreSQL without leading elsewhere, as ``host``, ``hostaddr`` or ``service`` would."""

IS_ADDRESS = AfterValidator(web_address)
"""By it a key is known as one that takes an address."""
_UNREADABLE = "an address in a form that no sandbox has (not shown)"


@dataclass(frozen=True)
class NamedAddress:
    """One address. ``key`` is its place in the file (``[urls] api``)."""

    key: str
    address: str
    only_read: bool = False
    """Nothing is ever changed there, and it is no part of the product: Prometheus, and what tells whether we are online."""


_ONLY_READ = frozenset({"[probing] control_url", "[prometheus] url"})
_PROXY = "[probing] second_address_proxy"


def web_addresses(environment: "Environment") -> Iterator[NamedAddress]:
    """What stands in the file as a web address, given or by default: each key that takes one, of each table that is there."""
    for name in type(environment).model_fields:
        table = getattr(environment, name)
        for key, field in type(table).model_fields.items() if isinstance(table, Table) else ():
            place = f"[{name}] {key}"
            # Of a proxy only a sandbox's has to be near: what is encrypted goes through it as it is.
            if IS_ADDRESS in field.metadata and (place != _PROXY or environment.sandbox is not None):
                yield NamedAddress(place, getattr(table, key), only_read=place in _ONLY_READ)


def all_addresses(environment: "Environment") -> Iterator[NamedAddress]:
    """The same, and where mail, pushes, messages and queries go. Some carry credentials: show them by ``place_of``."""
    yield from web_addresses(environment)
    if environment.email is not None and environment.email.host:
        host = f"[{environment.email.host}]" if ":" in environment.email.host else environment.email.host
        yield NamedAddress("[email] host, port", f"smtp://{host}:{environment.email.port}")
    if environment.git is not None and environment.git.remote:
        yield NamedAddress("[git] remote", environment.git.remote)
    for secret in ("slack_webhook", "database_dsn", "staging_copy_dsn"):
        if environment.has_secret(secret):
            variable = getattr(environment.secret_variables, f"{secret}_env")
            yield NamedAddress(f"[secrets] {secret}_env ({variable})", environment.named_secret(secret))


def place_of(address: str) -> str:
    """Where an address leads, in one spelling and without credentials or path; empty for a form that may lead anywhere."""
    database = _POSTGRES.fullmatch(address)
    if database is not None:
        settings = {name for name, _ in Url(f"http://query/?{database['query'] or ''}").query_params()}
        where = f"postgresql://{database['host'].lower()}:{database['port'] or _POSTGRES_PORT}/{database['database']}"
        return where if settings <= _HARMLESS_SETTINGS else ""
    if re.match(r"(https?|smtp)://", address, re.IGNORECASE):
        return server_of(address)
    return address if address.startswith("/") else ""


def strangers(named: Iterable[NamedAddress], own: Mapping[str, str]) -> list[str]:
    """Which addresses of a sandbox's file are not that sandbox's, one line each; ``own`` is what it says itself, by name."""
    places = {place: name for name, address in own.items() if (place := place_of(address))}
    has = ", ".join(f"{name} {place}" for place, name in places.items())
    return [
        f"{one.key}: {place_of(one.address) or _UNREADABLE} is not an address of this sandbox; it has {has}"
        for one in named
        if one.address and not one.only_read and place_of(one.address) not in places
    ]


_WEB = (
    *(("urls", key) for key in ("frontend", "api", "backend")),
    *(("load", key) for key in ("stable_api", "stable_backend")),
)
"""What is asked, loaded or changed. A status page, a Prometheus and a mail server may well serve several environments."""
_IDS = (*((host.name, host.id_key) for host in HOSTS), ("statuspage", "page_id"))


def shared_places(content: Mapping[str, Any], production: Mapping[str, Any], source: str) -> list[str]:
    """Which places of a file are production's, one line each; both are files as TOML gives them, ``source`` names production's."""
    protected = {place for _, _, place in _places(production)}
    return [
        f"{key}: {value} is production's ({source}); a file of kind {content.get('kind')} would get round what protects production: "
        f'give its own address, or say kind = "production"'
        for key, value, place in _places(content)
        if place in protected
    ]


def _places(content: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for table, key in _WEB:
        address = str(_table(content, table).get(key) or "")
        if place := _web_place(address):
            yield f"[{table}] {key}", address, place
    for table, key in _IDS:
        value = _table(content, table).get(key)
        if value:
            yield f"[{table}] {key}", str(value), f"{table} {value}"
    for table in ("frontend_host", "backend_host"):
        host = _table(content, table)
        if host.get("id"):
            # Each host counts by itself: the same id somewhere else is another site.
            yield f"[{table}] id", str(host["id"]), f"{table} {_web_place(str(host.get('api_url')))} {host['id']}"
    git = _table(content, "git")
    if git.get("remote"):
        branch = str(git.get("branch", "main"))
        yield "[git] remote, branch", f"{git['remote']} {branch}", f"git {_repository(str(git['remote']))} {branch}"


def _table(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = content.get(name, {})
    return found if isinstance(found, Mapping) else {}


def _web_place(address: str) -> str:
    """The host, whatever the port: another port of production's machine is production's too. Here, ports tell places apart."""
    host_and_port = server_of(address).partition("://")[2]
    return host_and_port if is_loopback(address) else host_and_port.rpartition(":")[0].removeprefix("www.")


def _repository(remote: str) -> str:
    """One spelling for ``https://host/a/b.git``, ``ssh://git@host/a/b`` and ``git@host:a/b``."""
    _, scheme, rest = remote.rpartition("://")
    host, _, path = (rest.rpartition("@")[2] if scheme else remote.rpartition("@")[2].replace(":", "/", 1)).partition(
        "/"
    )
    return f"{host.lower().rstrip('.').partition(':')[0]}/{path.strip('/').removesuffix('.git').lower()}"
