"""From a TOML file, and the one that it extends, to an environment; or every problem at once, with its place."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from pam_rollback.core.addresses import is_encrypted, is_loopback, is_web, loopback_hint
from pam_rollback.core.configuration import (
    ConfigurationError,
    Location,
    Problem,
    Service,
    TomlFile,
    label,
    nearest,
    place,
    problems_of,
    read_toml,
    shown,
)
from pam_rollback.target.environment import (
    NEEDED_WHERE_NAMED,
    OPEN_JOURNEYS,
    OPEN_LOADED_JOURNEYS,
    Environment,
    Origin,
)
from pam_rollback.target.environment_tables import (
    LoadedJourney,
    SecretName,
)
from pam_rollback.target.files import contract_of, laid_over
from pam_rollback.target.hosts import HOSTS, KINDS, hosts_of
from pam_rollback.target.named_addresses import shared_places, web_addresses


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Everything that is well-formed but must not be used like this."""
    if environment.is_template:
        return
    for part in ("frontend", "api", "backend"):
        if not getattr(environment.urls, part):
            yield Problem(f"[urls] {part}", "missing, it is required")
    if "status_page" in environment.abilities and not environment.urls.status_page:
        yield Problem("[urls] status_page", 'missing; say where it is, or remove "status_page" from abilities')
    if "second_release" in environment.abilities and not (
        environment.load.stable_api and environment.load.stable_backend
    ):
        what = 'missing; say where the stable release answers, or remove "second_release" from abilities'
        yield Problem("[load] stable_api, stable_backend", what)
    left = get_args(LoadedJourney) if "test_account" in environment.abilities else OPEN_LOADED_JOURNEYS
    if not any(environment.load.weights.get(name, name != "login") for name in left):
        yield Problem("[load] weights", f"no journey is left; give {' or '.join(left)} a weight above 0")
    yield from _problems_of_services(environment)
    yield from _problems_of_hosts(environment)
    yield from _problems_of_probing(environment)
    yield from _problems_of_addresses(environment)
    if environment.drills and environment.kind != "staging":
        yield Problem(
            "drills",
            f"{environment.kind} is no place to practise without damage: expected kind staging, or no such key",
        )
    if environment.kind == "sandbox" and environment.sandbox is None:
        what = "a sandbox is known by the [sandbox] table of a running one; start it with `make sandbox`"
        yield Problem("kind", f"{what}, or say what this environment really is (staging, production)")
    yield from _problems_of_secrets(environment)


def _problems_of_services(environment: Environment) -> Iterator[Problem]:
    """Outside services: each declared ability has its table, and each table is right."""
    for name, abilities, what in (
        ("prometheus", ("prometheus",), "where it is"),
        *((host.name, host.abilities, f"which {host.kind} it is") for host in HOSTS),
        ("git", ("git",), "where the repository is"),
        ("github", (), "which repository it is"),
        ("slack", (), "in which channel"),
        ("statuspage", ("statuspage",), "which page it is"),
        ("pagerduty", ("pagerduty",), "where events go (an empty table is PagerDuty's own address)"),
        ("email", ("email",), "which server takes mail"),
        ("tracker", (), "whose issues are incidents"),
        ("unleash", (), "which server switches the flags"),
    ):
        table: Service | None = getattr(environment, name)
        if table is not None:
            yield from table.problems(name)
            continue
        for ability in abilities:
            if ability in environment.abilities:
                yield Problem(f"[{name}]", f'missing; say {what}, or remove "{ability}" from abilities')


def _problems_of_hosts(environment: Environment) -> Iterator[Problem]:
    for site in KINDS:
        own, known = f"{site}_host", [host.name for host in hosts_of(site)]
        found = [table for table in (*known, own) if getattr(environment, table) is not None]
        if len(found) > 1:
            yield Problem(f"[{found[1]}]", f"[{found[0]}] is there, too: a {site} has one host; leave one of them out")
        elif not found and own in environment.abilities:
            names = ", ".join(f'"{name}"' for name in known)
            what = f'missing; say who it is there (or in [{own}]), or remove {names} and "{own}" from abilities'
            yield Problem(" or ".join(f"[{name}]" for name in known), what)


def _problems_of_probing(environment: Environment) -> Iterator[Problem]:
    weights = environment.probing.weights
    signed_in = "test_account" in environment.abilities
    if not signed_in:
        for name in sorted(name for name in weights if name not in OPEN_JOURNEYS and weights[name]):
            what = 'acts as the test account; add "test_account" to abilities, or take it out'
            yield Problem(f"[probing.weights] {name}", what)
    of_users = (
        ("front page", "cached front page", "history", "expenses", "profile", "settings")
        if signed_in
        else OPEN_JOURNEYS
    )
    if not any(weights.get(name, 1) for name in of_users) and not (weights.get("login") or weights.get("chat")):
        yield Problem(
            "[probing] weights", f"no journey of users is left; give {' or '.join(of_users)} a weight above 0"
        )


def _problems_of_addresses(environment: Environment) -> Iterator[Problem]:
    for where, address in ((one.key, one.address) for one in web_addresses(environment)):
        if not address or is_loopback(address):
            continue
        if environment.sandbox is not None:
            what = f"a sandbox is on loopback addresses only (127.0.0.1), found {shown(address)}"
            yield Problem(where, what + loopback_hint(address))
        elif not is_encrypted(address):
            yield Problem(where, f"{environment.kind} must be https, found {shown(address)}{loopback_hint(address)}")
    if environment.sandbox is not None and environment.email is not None and not environment.email.is_local:
        what = f"a sandbox is on loopback addresses only (127.0.0.1), found {shown(environment.email.host)}"
        yield Problem("[email] host", what + loopback_hint(environment.email.host))


def _problems_of_secrets(environment: Environment) -> Iterator[Problem]:
    needed = [name for ability in sorted(environment.abilities) for name in environment.needed_by.get(ability, ())]
    for ability, names in NEEDED_WHERE_NAMED.items():
        if ability in environment.abilities and any(map(environment.variable_of, names)):
            needed += names
    for name in dict.fromkeys(needed):
        if not environment.has_secret(name):
            yield environment.missing_secret(name)
    values = {name: environment.named_secret(name) for name in get_args(SecretName) if environment.has_secret(name)}
    for name, value in values.items():
        if value != value.strip() or not value.isprintable():
            what = f"{environment.variable_of(name)} has blanks at its ends or unprintable characters (value not shown)"
            yield Problem(f"[secrets] {name}_env", what)
    first, second = (values.get(name, "") for name in ("test_user_email", "second_test_user_email"))
    if second and second.strip().lower() == first.strip().lower():
        variable = environment.variable_of("second_test_user_email")
        what = f"{variable} is the first test account's address (not shown): expected another account"
        yield Problem("[secrets] second_test_user_email_env", what)
    yield from _problems_of_webhook(environment, values.get("slack_webhook", ""))


def _problems_of_webhook(environment: Environment, webhook: str) -> Iterator[Problem]:
    if not webhook:
        return
    where, variable = "[secrets] slack_webhook_env", environment.variable_of("slack_webhook")
    if not is_web(webhook):
        yield Problem(where, f"{variable} is no web address (value not shown)")
    elif environment.sandbox is not None and not is_loopback(webhook):
        yield Problem(where, f"{variable} leads out of this machine: a sandbox must not write to the real team")
    elif not is_encrypted(webhook) and not is_loopback(webhook):
        yield Problem(where, f"{variable} must be https (value not shown)")


def problems_with_contract(environment: Environment) -> Iterator[Problem]:
    """What the contract needs and the file does not have."""
    if not environment.users_rows:
        what = f"{environment.product} describes no tables as the plan's queries assume them ([tables.plan])"
        yield Problem("[sql] dialect", what)
    switching = environment.abilities & {"flag_admin", "flag_evaluation", "emergency_endpoint"}
    if environment.has_switches and switching and not environment.switches and not environment.is_template:
        what = f"{environment.product} has switches, and none can be reached: rows need [urls] supabase and [secrets] "
        what += (
            f"supabase_service_key_env, variables need the back end's host; or leave out {', '.join(sorted(switching))}"
        )
        yield Problem("abilities", what)
    if (
        environment.is_template
        or "test_account" not in environment.abilities
        or environment.contract.sign_in.kind != "supabase"
    ):
        return
    if not environment.urls.supabase:
        what = f"missing: accounts of {environment.product} sign in there; say where it is, or remove"
        yield Problem("[urls] supabase", f'{what} "test_account" from abilities')
    if not environment.has_secret("supabase_key"):
        yield environment.missing_secret("supabase_key")


SANDBOX = "sandbox"
EXAMPLES = "examples"
"""Below the folder of environments: files to copy, or to run by their path. No name leads there."""
_OPEN_TO_OTHERS = 0o077


def load_environment(name_or_path: str, folder: Path, variables: Mapping[str, str]) -> Environment:
    """Load an environment by its name in ``folder``, or a file.

    ``variables`` holds the secrets (``os.environ``); those that a running sandbox brings along go before them. A sandbox without
    addresses loads as a template: see ``Environment.is_template``. Raises ConfigurationError with every problem.
    """
    path = _path_of(name_or_path, folder)
    own = read_toml(path)
    content, base = _extended(own, folder)
    try:
        environment = Environment.model_validate(content, context=Origin(path, own.source, variables))
    except ValidationError as error:
        problems = problems_of(error, Environment, hidden=_holds_secrets)
    else:
        adopted = _adopted(environment, folder)  # first: what is needed depends on the contract
        problems = [
            *_problems_of_file(environment, own, base, by_name=_is_name(name_or_path)),
            *problems_in(environment),
            *adopted,
        ]
        # What is wrong with the file stands together; what it lacks on this machine comes after it.
        problems.sort(key=lambda problem: problem.place.startswith("[secrets]"))
        if not problems:
            return environment
    raise ConfigurationError(own.source, _with_origin(problems, own, base))


def production_shared(environment: Environment, folder: Path) -> list[str]:
    """Which places of this environment are production's, although it calls itself something else; one line each.

    Production is every file of ``folder``, and of its examples, whose kind says so: a copy of such a file under another name still
    leads there. A sandbox proves its addresses itself. Raises ConfigurationError.
    """
    if environment.kind != "staging":
        return []
    content, _ = _extended(read_toml(environment.file), folder)
    found: list[str] = []
    for path in sorted((*folder.glob("*.toml"), *folder.glob(f"{EXAMPLES}/*.toml"))):
        other, _ = _extended(read_toml(path), folder)
        if other.get("kind") == "production":
            found += shared_places(content, other, label(path))
    return found


def _adopted(environment: Environment, folder: Path) -> list[Problem]:
    """Give the environment its contract. The problems of what it changes there; one of the product's own file is raised as such."""
    try:
        environment.adopt(contract_of(environment.product, folder, dict(environment.changes)))
    except ConfigurationError as error:
        if not all(problem.place.startswith("[contract") for problem in error.problems):
            raise
        return list(error.problems)
    return list(problems_with_contract(environment))


def which(folder: Path) -> str:
    """Ask which environment is meant; empty where ``folder`` holds the sandbox alone, which is meant then."""
    others = [f"--env {name}" for name in _names(folder) if name != SANDBOX]
    return f"which environment? {', '.join(others)}, or --env {SANDBOX} to practise" if others else ""


def _is_name(name_or_path: str) -> bool:
    return os.sep not in name_or_path and not name_or_path.endswith(".toml")


def _path_of(name_or_path: str, folder: Path) -> Path:
    """Find the file. What is not there is answered with what is near: a name with a name, a file with a file."""
    path = folder / f"{name_or_path}.toml" if _is_name(name_or_path) else Path(name_or_path)
    if path.exists():
        return path
    if "." in name_or_path:
        path = Path(name_or_path)
        near = nearest(path.name, [file.name for file in path.parent.glob("*.toml")])
        guess = f", did you mean {str(path.with_name(near))!r}?" if near else ""
        raise ConfigurationError(label(path), [Problem("", f"there is no such file{guess}")])
    known = _names(folder)
    near = nearest(name_or_path, known)
    guess = f", did you mean {near!r}?" if near else ";"
    example = folder / EXAMPLES / path.name
    copied = f"; to copy: {label(example)}" if example.is_file() else ""
    what = f"no environment of that name{guess} there are: {', '.join(known) or 'none'}{copied}"
    raise ConfigurationError(label(path), [Problem("", what)])


def _names(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.toml"))


def _extended(own: TomlFile, folder: Path) -> tuple[dict[str, Any], TomlFile | None]:
    content = dict(own.content)
    if "extends" not in content:
        return content, None
    name = content.pop("extends")
    if not isinstance(name, str) or name not in _names(folder):
        near = nearest(str(name), _names(folder))
        guess = f", did you mean {near!r}?" if near else ";"
        what = f"no environment {shown(name)}{guess} there are: {', '.join(_names(folder)) or 'none'}"
        raise ConfigurationError(own.source, [Problem("extends", what)])
    base = read_toml(folder / f"{name}.toml")
    if "extends" in base.content:
        raise ConfigurationError(
            own.source, [Problem("extends", f"{name} extends another one itself; one level is enough")]
        )
    return laid_over(base.content, content), base


def _problems_of_file(
    environment: Environment, own: TomlFile, base: TomlFile | None, *, by_name: bool
) -> Iterator[Problem]:
    stem = environment.file.stem
    if by_name and environment.name != stem:
        yield Problem("name", f"expected {stem!r} as the file is called, found {environment.name!r}")
    for file in filter(None, (own, base)):
        if "sandbox" in file.content and os.name == "posix" and file.mode & _OPEN_TO_OTHERS:
            what = f"{file.source} holds a token and must be private: expected mode 0600, found {file.mode:04o}"
            yield Problem("[sandbox]", f"{what}; chmod 600 it")


def _holds_secrets(location: Location) -> bool:
    """Tell where a value may be a secret, also when it stands in the wrong place."""
    return location[:1] == ("secrets",) or location[:2] in {("sandbox", "token"), ("sandbox", "variables")}


def _with_origin(problems: Iterable[Problem], own: TomlFile, base: TomlFile | None) -> list[Problem]:
    if base is None:
        return list(problems)
    inherited = set(_places(base.content)) - set(_places(own.content))
    return [
        Problem(problem.place, f"{problem.what} (in {base.source})") if problem.place in inherited else problem
        for problem in problems
    ]


def _places(content: Mapping[str, Any], within: Location = ()) -> Iterator[str]:
    for key, value in content.items():
        yield place((*within, key))
        if isinstance(value, dict):
            yield from _places(value, (*within, key))
