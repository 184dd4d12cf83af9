"""The text of ``environments/NAME.toml``: where the product runs, what is there to be used, and which variables hold the secrets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pam_rollback.base.addresses import is_loopback
from pam_rollback.connect.rules.found import Found
from pam_rollback.connect.rules.toml_text import comment, pair, table
from pam_rollback.environment.environment import OPEN_JOURNEYS
from pam_rollback.environment.hosts import HOSTS
from pam_rollback.observation.rules.probed_journeys import usual_weights
from pam_rollback.product.rules.contract import Contract

_CONTROL = "https://example.com"
ALWAYS = ("browser",)


@dataclass(frozen=True)
class Asked:
    """What people said, and which variables are set."""

    name: str
    kind: str
    product: str
    variables: Mapping[str, str]
    """The name of the variable for each secret (``database_dsn``)."""
    set_here: frozenset[str]
    """The secrets whose variables have a value here; the values are no concern of these rules."""


def abilities_of(found: Found, asked: Asked) -> tuple[str, ...]:
    """What can be used here, as far as it was seen to work; an ability that is declared and missing fails every session."""
    abilities = [*ALWAYS]
    # Whoever signs in at Supabase needs the key of its pages, too, in each session.
    if found.signed_in and (not found.where.supabase or "supabase_key" in asked.set_here):
        abilities.append("test_account")
        if {"second_test_user_email", "second_test_user_password"} <= asked.set_here:
            abilities.append("second_test_account")
    if found.catalogue is not None:
        abilities.append("database")
    for host in HOSTS:
        if host.name in found.hosted:
            abilities += [*host.abilities, host.name]
    if "slack_webhook" in asked.set_here:
        abilities.append("slack")
    return tuple(abilities)


def environment_file(found: Found, asked: Asked, contract: Contract) -> str:
    """The body of the file."""
    where = found.where
    urls = {"frontend": where.frontend, "api": where.api, "backend": where.backend}
    if where.supabase:
        urls["supabase"] = where.supabase
    lines = [
        *comment(
            f"Where the product at {where.frontend} runs. What each key means: docs/how-to/attach-to-an-environment.md."
        ),
        "",
        *pair("name", asked.name),
        *comment("What the guard protects: production is never changed without --mode real --execute --confirm."),
        *pair("kind", asked.kind),
        *pair("product", asked.product),
        *pair("description", f"The product at {where.frontend}"),
        *comment(_what_more(found, asked)),
        *pair("abilities", list(abilities_of(found, asked))),
        *pair("pace", 1),
        *table("urls", urls),
        *_probing(found),
        *_weights(contract, signed_in="test_account" in abilities_of(found, asked)),
        *table("secrets", {f"{name}_env": variable for name, variable in asked.variables.items()}, [_SECRETS]),
        *_hosts(found),
        *_flag_service(found.site.unleash),
        *table("sql", {"dialect": "product"}, _database(found)),
    ]
    return "\n".join(lines) + "\n"


_SECRETS = "Names of variables, never values. A variable may be unset as long as no declared ability needs it."


def _what_more(found: Found, asked: Asked) -> str:
    missing = [
        name
        for name in ("test_account", "database", *(host.name for host in HOSTS), "slack")
        if name not in abilities_of(found, asked)
    ]
    more = f" Not seen here, so not declared: {', '.join(missing)}." if missing else ""
    return f"What is there to be used. What is declared and missing fails, and is never skipped.{more}"


def _probing(found: Found) -> Iterator[str]:
    rate_hz = 1 if found.site.crawl_delay_s <= 1 else round(1 / found.site.crawl_delay_s, 3)
    content: dict[str, object] = {"rate_hz": rate_hz}
    notes = ["One request a second, over few paths: some products ban whoever asks for more than 20 paths in a minute."]
    if found.site.crawl_delay_s > 1:
        notes.append(f"robots.txt asks for {found.site.crawl_delay_s:g} s between two requests.")
    if not is_loopback(found.where.frontend):
        content["control_url"] = _CONTROL
        notes.append("control_url has nothing to do with the product: when it is silent too, this machine is offline.")
    yield from table("probing", content, notes)


def _weights(contract: Contract, *, signed_in: bool) -> Iterator[str]:
    usual = usual_weights(contract)
    asked = {name: weight for name, weight in usual.items() if signed_in or name in OPEN_JOURNEYS}
    yield from table(
        "probing.weights", asked, ["How often each takes its turn: as often for each part that users need."]
    )


_MIGRATIONS_OF_SUPABASE = "supabase/migrations"
"""Where Supabase's own command line tool keeps them."""


def _hosts(found: Found) -> Iterator[str]:
    for host in HOSTS:
        seen = found.hosted.get(host.name)
        if seen is None:
            continue
        service = {host.id_key: seen.id, "owner_id": seen.owner, "api_url": seen.api_url, "workers": [*seen.workers]}
        notes = [f"The {host.kind} whose address is the {host.part}'s."]
        if host.site == "backend":
            notes.append(
                "Workers go back with it: services of the same repository and branch."
                if seen.workers
                else f'No worker was seen. One that a push deploys with it has to go back, too: workers = ["{host.id_like}"].'
            )
        yield from table(host.name, {key: value for key, value in service.items() if value}, notes)
    if found.repository["remote"]:
        content = {**found.repository, "migrations_folder": _MIGRATIONS_OF_SUPABASE if found.where.supabase else ""}
        filled = {key: value for key, value in content.items() if value}
        yield from table(
            "git", filled, ['As the hosts name it. Add "git" to abilities where it can be read from here.']
        )


def _flag_service(unleash: tuple[str, ...]) -> Iterator[str]:
    """How a flag service is named: what its tokens are no page tells."""
    yield ""
    if not unleash:
        yield from comment("No flag service was seen. Where there is one: docs/how-to/flag-service.md.")
    for address in unleash:
        yield from comment(
            f"The scripts ask Unleash at {address} for flags. To switch them: [unleash] with url and frontend_url, "
            "two variables of tokens, and two abilities, all in docs/how-to/flag-service.md."
        )


def _database(found: Found) -> Iterator[str]:
    catalogue = found.catalogue
    if catalogue is None:
        yield "No database was looked at: a role that may only read is in docs/how-to/connect.md#a-role-that-may-only-read."
        return
    yield f"Seen as {catalogue.role}: {', '.join(sorted(catalogue.tables)) or 'none of the tables that the checks speak of'}."
    if catalogue.settings:
        yield f"user_settings is {catalogue.settings}: {_FORMS[catalogue.settings]}."
    if catalogue.missing:
        yield f"Not there under these names: {', '.join(catalogue.missing)}; [sql.names] says what they are called."
    if catalogue.hidden:
        yield f"Row level security hides rows of {', '.join(catalogue.hidden)} from this role: nothing can be said of them."
    if catalogue.writable:
        yield f"This role may change {', '.join(catalogue.writable)}: take one that may only read."


_FORMS = {"wide": "one row a user, a column for each kind", "narrow": "a row for each setting"}
