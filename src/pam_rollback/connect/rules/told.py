"""What a look showed, in lines for people and as data for programs: the same fields in both."""

from collections.abc import Iterator, Mapping
from typing import Any

from pam_rollback.connect.rules.doctor import as_lines as doctor_lines
from pam_rollback.connect.rules.found import Found
from pam_rollback.connect.rules.kept import Fate, Proposed
from pam_rollback.environment.hosts import HOSTS, hosts_of
from pam_rollback.rollback.rules.hosts_seen import HostSeen

_DIFFERENCES_SHOWN = 12


def as_data(found: Found, files: Mapping[str, Proposed], spent: str) -> dict[str, Any]:
    """For programs."""
    where = found.where
    return {
        "frontend": where.frontend,
        "api": where.api,
        "backend": where.backend,
        "supabase": where.supabase,
        "title": found.site.title,
        "scripts": found.site.scripts,
        "names": [*found.site.names],
        "health": [
            {
                "component": name,
                "taken": None if kept is None else kept.proposal.address,
                "site": None if kept is None else kept.proposal.site,
                "turned": [
                    {"path": one.proposal.address, "why": one.why, "twins": [*one.twins]} for one in found.turned[name]
                ],
            }
            for name, kept in found.health.items()
        ],
        "unleash": [*found.site.unleash],
        "openapi": found.operations is not None,
        "database": None
        if found.catalogue is None
        else {"role": found.catalogue.role, "settings": found.catalogue.settings},
        **dict(_of_hosts(found)),
        "branch": found.repository["branch"],
        "served_by": [*found.served_by],
        "signed_in": found.signed_in,
        "answered": found.intent is not None,
        "unknown": [*found.unknown],
        "files": [
            {"file": name, "fate": one.fate.name.lower(), "would_be_new": [*one.differences]}
            for name, one in files.items()
        ],
        "spent": spent,
    }


def _of_hosts(found: Found) -> Iterator[tuple[str, Any]]:
    for host in HOSTS:
        seen = found.hosted.get(host.name, HostSeen(""))
        yield f"{host.name}_{host.kind}", seen.id
        if host.site == "backend":
            yield f"{host.name}_workers", [*seen.workers]


def as_lines(data: Mapping[str, Any], *, verbose: bool) -> Iterator[str]:
    """For people: what matters, and all of it where that is wanted."""
    yield "Seen"
    yield from _seen(data, verbose=verbose)
    yield "Files"
    for one in data["files"]:
        yield f"  {one['file']}: {Fate[one['fate'].upper()].value}"
        shown = one["would_be_new"] if verbose else one["would_be_new"][:_DIFFERENCES_SHOWN]
        yield from (f"    would be new: {text}" for text in shown)
        if len(shown) < len(one["would_be_new"]):
            yield f"    and {len(one['would_be_new']) - len(shown)} more: -v shows all"
    yield f"Spent {data['spent']}"
    doctor = data["doctor"]
    yield "What can be judged, as `pytest -m doctor` says it"
    if "problem" in doctor:
        yield f"  not known: {doctor['problem']}"
    else:
        yield from (f"  {line}" for line in doctor_lines(doctor, verbose=verbose))


def _seen(data: Mapping[str, Any], *, verbose: bool) -> Iterator[str]:
    names = " and ".join(data["names"]) or "no address of ours"
    yield _line("front end", f"{data['title'] or 'without a title'}, {data['scripts']} scripts, which name {names}")
    yield _line("API", "describes itself (/openapi.json)" if data["openapi"] else "does not describe itself")
    if data["supabase"]:
        yield _line("Supabase", data["supabase"])
    for address in data["unleash"]:
        yield _line("flags", f"the scripts ask Unleash at {address}: [unleash], see docs/how-to/flag-service.md")
    for one in data["health"]:
        yield from _of_component(one, verbose=verbose)
    database = data["database"]
    if database:
        form = f", user_settings is {database['settings']}" if database["settings"] else ""
        yield _line("database", f"read as {database['role']}{form}")
    hosts = [f"{host.title} {host.kind}" for host in HOSTS if data[f"{host.name}_{host.kind}"]]
    if hosts:
        workers = [worker for host in hosts_of("backend") for worker in data[f"{host.name}_workers"]]
        beside = f" with worker {' and '.join(workers)}" if workers else ""
        known = f"{' and '.join(hosts)}{beside}{', branch ' + data['branch'] if data['branch'] else ''}"
        yield _line("hosts", known)
    if data["served_by"]:
        yield _line("served by", f"{' and '.join(data['served_by'])}, by the headers of its answers")
    if data["signed_in"]:
        asked = ", and PAM answers it" if data["answered"] else ""
        yield _line("account", f"the test account can sign in{asked}")
    for why in data["unknown"]:
        yield _line("not known", why)


def _of_component(one: Mapping[str, Any], *, verbose: bool) -> Iterator[str]:
    if one["taken"]:
        yield _line(one["component"], f"{one['taken']}, proven: each bad answer made from it is noticed")
    elif not one["turned"]:
        yield _line(one["component"], "no path of the product is about it")
    for turned in one["turned"]:
        if not one["taken"] or verbose:
            said = f"{turned['path']} is refused: {turned['why']}" if turned["path"] else f"not asked: {turned['why']}"
            yield _line("" if one["taken"] else one["component"], said)


def _line(name: str, text: str) -> str:
    return f"  {name:<13} {text}"
