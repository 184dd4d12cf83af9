"""What somebody wants to connect, as far as they said it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pam_rollback.base.addresses import is_encrypted, is_loopback, loopback_hint, web_address
from pam_rollback.connect.rules.budget import Budget
from pam_rollback.connect.rules.workflows import SUITE
from pam_rollback.environment.hosts import HOSTS

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PATHS_MAX = 36
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
"""The secrets that are of use after a look at a product, each with the usual name of its variable."""


class CannotConnect(Exception):  # noqa: N818 - named by what happened
    """Nothing was written. The message says where, what was expected, what was found, and what to do."""

    def __init__(self, where: str, *, expected: str, found: str, advice: str) -> None:
        super().__init__(f"{where}: expected {expected}, found {found}.\n  {advice}\n  Nothing was written.")


@dataclass(frozen=True)
class Wish:
    """All of it. Addresses without the slash at their ends; empty: not said."""

    frontend: str
    api: str
    name: str
    kind: str
    host_ids: Mapping[str, str]
    """By the name of the host: the site or service; empty: by its address."""
    host_apis: Mapping[str, str]
    """By the name of the host: where it is asked."""
    backend: str = ""
    supabase: str = ""
    previous_frontend: str = ""
    previous_api: str = ""
    like: str = ""
    """The contract that the new one begins with; empty: by what the bundle names."""
    product: str = ""
    """A contract that is there already; empty: a new one is written."""
    sign_in: bool = False
    ask_pam: bool = False
    workflows: Path | None = None
    """The product's repository, which gets workflows; None: somebody did not say so, and nothing is written there."""
    suite: str = ""
    """The suite that they call, as ``OWNER/NAME@COMMIT``."""

    @property
    def budget(self) -> Budget:
        """What is spent at most."""
        return Budget(PATHS_MAX, sign_ins=int(self.sign_in), questions=int(self.ask_pam))


def checked_name(name: str, what: str = "NAME") -> str:
    """A name for files and environments. Raises CannotConnect."""
    if not _NAME.fullmatch(name):
        raise CannotConnect(
            what,
            expected="small letters a to z, digits and dashes, 63 at most, such as staging",
            found=ascii(name),
            advice=f"Say {what}=staging: the files are called after it, and so is --env.",
        )
    return name


def checked_address(address: str, what: str) -> str:
    """An address of the product. Raises CannotConnect."""
    try:
        found = web_address(address)
    except ValueError as problem:
        expected, _, shown = str(problem).partition(", found ")
        raise CannotConnect(
            what, expected=expected.removeprefix("expected "), found=shown, advice=f"Say {what}=https://host."
        ) from None
    if not is_loopback(found) and not is_encrypted(found):
        raise CannotConnect(
            what,
            expected="https, except on this machine",
            found=found,
            advice=f"Say {what}=https://…, as users open it{loopback_hint(found)}.",
        )
    return found


def checked_repository(folder: str, base: Path, suite: str) -> Path:
    """The product's repository. Raises CannotConnect for what is none, and where it is not known which suite its workflows call."""
    path = (base / folder).expanduser()
    if not (path / ".git").exists():
        raise CannotConnect(
            "--workflows",
            expected="the folder of the product's repository, with .git in it",
            found=ascii(folder),
            advice="Say WORKFLOWS=../product, or leave it out: workflows are written only where somebody asks for them.",
        )
    if not SUITE.fullmatch(suite):
        raise CannotConnect(
            "--suite",
            expected="OWNER/NAME@COMMIT with all 40 digits of the commit, of the suite's repository on GitHub",
            found=ascii(suite) if suite else "none, and this is no clone of GitHub's that says so",
            advice='Say OPTIONS="--suite OWNER/NAME@COMMIT": the workflows call the suite there.',
        )
    return path


def banned(address: str, statuses: Iterable[tuple[str, int | None]]) -> CannotConnect:
    """Whoever is refused everything; ``statuses``: what each address was answered."""
    host = urlsplit(address).netloc
    asked = [f"{urlsplit(url).path} HTTP {status}" for url, status in statuses if urlsplit(url).netloc == host]
    return CannotConnect(
        address,
        expected="an answer",
        found=f"{', '.join(asked)}: this address is refused everything, so it is banned, or nobody is let in",
        advice="Nothing more was asked. Wait an hour, or ask from another address: docs/how-to/when-we-are-blocked.md.",
    )
