"""The environment's file: made from a template, loaded as a session would load it, and written only where there is none."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pam_rollback.core.addresses import is_loopback
from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.http.files import HOME
from pam_rollback.ops.connect.given import CannotConnect, Given
from pam_rollback.probe.parts import usual_weights
from pam_rollback.target.contract import Contract
from pam_rollback.target.environment import OPEN_JOURNEYS
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.files import load_contract, path_of
from pam_rollback.target.hosts import HOSTS

PRODUCTS, ENVIRONMENTS = "products", "environments"
VARIABLES: Mapping[str, str] = {
    "slack_webhook": "PAM_SLACK_WEBHOOK_URL",
    "test_user_email": "TEST_USER_EMAIL",
    "test_user_password": "TEST_USER_PASSWORD",
    "second_test_user_email": "SECOND_TEST_USER_EMAIL",
    "second_test_user_password": "SECOND_TEST_USER_PASSWORD",
    "database_dsn": "PAM_DATABASE_DSN",
    "supabase_key": "SUPABASE_ANON_KEY",
    **{host.secret: host.variable for host in HOSTS},
    "git_token": "GIT_TOKEN",
}
"""The secrets that a file names, each with the usual name of its variable."""


def contract_of(product: str, root: Path) -> tuple[Path, Contract]:
    """A contract that is there, of the project or of the suite. Raises ConfigurationError with those that are."""
    folder = root / PRODUCTS
    path = path_of(product, folder if (folder / f"{product}.toml").is_file() else HOME / PRODUCTS)
    return path, load_contract(path)


def refuse_what_is_there(root: Path, name: str) -> Path:
    """The file that is to be written. Raises CannotConnect where there is one: it is a person's."""
    file = root / ENVIRONMENTS / f"{name}.toml"
    if file.exists():
        raise CannotConnect(
            f"{ENVIRONMENTS}/{name}.toml",
            expected="no such file",
            found="one, which is yours and stays as it is",
            advice="Edit it: each ability stands beside what switches it on. For a new one move it away, or say another NAME.",
        )
    return file


def write(root: Path, given: Given, contract: Contract, supabase: str, variables: Mapping[str, str]) -> Path:
    """Raises CannotConnect for a file that could not be used or written."""
    file = refuse_what_is_there(root, given.name)
    text = environment_text(
        given, contract, supabase, frozenset(one for one, name in VARIABLES.items() if variables.get(name))
    )
    _read_back(root, given, text, variables)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as whole:
            whole.write(text)
        Path(whole.name).chmod(0o644)
        Path(whole.name).rename(file)
    except OSError as error:
        raise CannotConnect(
            str(file), expected="a file to write", found=str(error.strerror), advice="Make room."
        ) from None
    return file


def environment_text(given: Given, contract: Contract, supabase: str, set_here: frozenset[str]) -> str:
    """The whole file. ``set_here``: the secrets whose variables have a value."""
    import jinja2  # noqa: PLC0415 - most sessions write no file

    # No HTML comes of it: what is put in was checked to be a name, an id or an address.
    templates = jinja2.Environment(  # noqa: S701
        undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    template = templates.from_string(Path(__file__).with_name("environment.toml.j2").read_text(encoding="utf-8"))
    abilities = _abilities(given, contract, supabase, set_here)
    return template.render(
        given=given,
        supabase=supabase,
        abilities=abilities,
        on_loopback=is_loopback(given.frontend),
        weights=usual_weights(contract),
        signed_in=abilities["test_account"][0],
        open_journeys=OPEN_JOURNEYS,
        variables=VARIABLES,
        hosts=HOSTS,
    )


def _abilities(
    given: Given, contract: Contract, supabase: str, set_here: frozenset[str]
) -> dict[str, tuple[bool, str]]:
    """Whether each is on, and what switches it on."""
    account = ["test_user_email", "test_user_password"]
    if contract.sign_in.kind == "supabase":
        account.append("supabase_key")
    second = ["second_test_user_email", "second_test_user_password"]
    here = supabase or contract.sign_in.kind != "supabase"
    ways: dict[str, tuple[list[str], bool, str]] = {
        "test_account": (account, bool(here), "it writes as that account"),
        "second_test_account": ([*account, *second], bool(here), "whether users see each other's data"),
        "database": (
            ["database_dsn"],
            True,
            "a role that may only read: docs/how-to/connect.md#a-role-that-may-only-read",
        ),
    }
    for host in HOSTS:
        for name in (host.name, *host.abilities):
            ways[name] = ([host.secret], bool(given.hosts[host.name].get(host.id_key)), f"and the table [{host.name}]")
    ways["slack"] = (["slack_webhook"], True, "rollbacks tell the team")
    return {
        name: (there and set_here.issuperset(secrets), f"{' '.join(VARIABLES[one] for one in secrets)}; {words}")
        for name, (secrets, there, words) in ways.items()
    }


def _read_back(root: Path, given: Given, text: str, variables: Mapping[str, str]) -> None:
    """What is written can be used: it is loaded as a session would load it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / ENVIRONMENTS
        folder.mkdir()
        (folder / f"{given.name}.toml").write_text(text, encoding="utf-8")
        (folder.parent / PRODUCTS).mkdir()
        path, _ = contract_of(given.product, root)
        (folder.parent / PRODUCTS / path.name).write_bytes(path.read_bytes())
        try:
            load_environment(str(folder / f"{given.name}.toml"), folder, variables)
        except ConfigurationError as error:
            problems = "; ".join(map(str, error.problems)).replace(f"{name}{os.sep}", "")
            raise CannotConnect(
                f"{ENVIRONMENTS}/{given.name}.toml",
                expected="what was said to make a file that can be used",
                found=problems,
                advice="Say the address or the id that is named there, or unset the variable.",
            ) from None
