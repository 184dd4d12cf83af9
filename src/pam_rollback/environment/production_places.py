"""Is an environment that does not call itself production really another place? The guard protects by ``kind``: it has to be true."""

from collections.abc import Iterator, Mapping
from typing import Any

from pam_rollback.base.addresses import is_loopback, server_of
from pam_rollback.environment.hosts import HOSTS

_WEB = (
    *(("urls", key) for key in ("frontend", "api", "backend")),
    *(("load", key) for key in ("stable_api", "stable_backend", "targets")),
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
    """Key, value, and the one spelling by which places are compared."""
    for table, key in _WEB:
        value = _table(content, table).get(key) or ()
        for address in [value] if isinstance(value, str) else value:
            place = _web_place(str(address))
            if place:
                yield f"[{table}] {key}", str(address), place
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
