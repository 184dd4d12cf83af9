"""The environment file of a running sandbox: its addresses, its token and its secrets. Private, and complete or not there at all."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pam_rollback.sandbox.doorkeeper import CLIENT_MAX, HURRY, OF_AN_ADDRESS_MAX, REQUESTS_MAX
from pam_rollback.sandbox.personalities import Product
from pam_rollback.sandbox.problems import SandboxError

Dialect = Literal["product", "plan"]
"""Whose tables the DSN shows first: the product's own, or those that the rollback plan's SQL expects."""
_TODAYS_ABILITIES = (
    "abilities = [",
    '    "flag_admin", "flag_evaluation", "emergency_endpoint",',
    '    "test_account", "second_test_account", "browser", "slack", "database", "staging_copy", "status_page",',
    '    "render_metrics", "render", "git", "netlify", "statuspage", "pagerduty", "email",',
    "]",
)
"""What is there to be used of today's product: switches, no admin API, no metrics worth reading, and no file that names its release."""

_TODAYS_SECRETS = (
    "[secrets]",
    'supabase_key_env = "SUPABASE_ANON_KEY"',
    'supabase_service_key_env = "SUPABASE_SERVICE_ROLE_KEY"',
    "",
)
_TODAYS_LIMITS = (
    "[contract.limits]",
    f"address = {OF_AN_ADDRESS_MAX * HURRY}",
    f"without_token = {REQUESTS_MAX * HURRY // 2}",
    f"with_token = {REQUESTS_MAX * HURRY}",
    f"client = {CLIENT_MAX * HURRY}",
    "",
)
"""What it bears within a minute, where all goes as much faster as the windows are shorter."""


@dataclass(frozen=True)
class State:
    """What whoever attaches has to know."""

    api_url: str
    frontend_url: str
    control_url: str
    stable_url: str
    """Where the stable release answers, whatever users get."""
    elsewhere_url: str
    """A proxy that asks from another address."""
    status_page_url: str
    render: Mapping[str, str | list[str]]
    """Where the stand-in for Render's API is, and which services of whom it knows: ``service_id``, ``workers``, ``owner_id``."""
    netlify: Mapping[str, str]
    """Where the stand-in for Netlify's API is, and which site it knows: ``api_url``, ``site_id``."""
    git: Mapping[str, str]
    """Where the repository is, what deploys, and what is where in it: front end, version, migrations, declaration of features."""
    channels: Mapping[str, Mapping[str, str | int | bool]]
    """The tables of the channels by which people are told: statuspage, pagerduty, email."""
    token: str
    variables: Mapping[str, str]
    dialect: Dialect = "product"
    product: Product = "pam-plan"
    supabase_url: str = ""
    """Where accounts and rows are, for a product that has such a host beside its API."""
    practice: bool = False
    """Described as staging, so that people decide and roll back as at night: a drill would not begin where something is broken."""

    def as_toml(self) -> str:
        """The file's text; it extends `environments/sandbox.toml` by what only this sandbox knows."""
        lines = [
            "# A running sandbox. Use it with `pytest --env THIS-FILE`; it is removed when the sandbox ends.",
            'extends = "sandbox"',
            *(('name = "practice"', 'kind = "staging"') if self.practice else ('name = "sandbox"', 'kind = "sandbox"')),
            *(() if self.product == "pam-plan" else (f"product = {_text(self.product)}", *_TODAYS_ABILITIES)),
            "",
            "[urls]",
            f"frontend = {_text(self.frontend_url)}",
            f"api = {_text(self.api_url)}",
            f"backend = {_text(self.api_url)}",
            f"status_page = {_text(self.status_page_url)}",
            *((f"supabase = {_text(self.supabase_url)}",) if self.supabase_url else ()),
            "",
            *(_TODAYS_SECRETS if self.supabase_url else ()),
            *(() if self.product == "pam-plan" else _TODAYS_LIMITS),
            "[sql]",
            f"dialect = {_text(self.dialect)}",
            "",
            "[render]",
            *(f"{name} = {_text(value)}" for name, value in self.render.items()),
            *(
                line
                for table, settings in self.channels.items()
                for line in ("", f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in settings.items()))
            ),
            "",
            "[netlify]",
            *(f"{name} = {_text(value)}" for name, value in self.netlify.items()),
            "",
            "[git]",
            *(f"{name} = {_text(value)}" for name, value in self.git.items()),
            "",
            "[load]",
            f"stable_api = {_text(self.stable_url)}",
            f"stable_backend = {_text(self.stable_url)}",
            "",
            "[sandbox]",
            f"control_url = {_text(self.control_url)}",
            f"token = {_text(self.token)}",
            f"second_address_proxy = {_text(self.elsewhere_url)}",
            "",
            "[sandbox.variables]",
            *(f"{name} = {_text(value)}" for name, value in self.variables.items()),
        ]
        return "\n".join(lines) + "\n"


def check_writable(path: Path) -> None:
    """Raise SandboxError when the file could not be written there, or when another sandbox's file is there."""
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise SandboxError(
            f"state file {path}", expected="a folder that exists and can be written to", found=str(path.parent)
        )
    if path.exists():
        raise SandboxError(
            f"state file {path}",
            expected="no such file yet",
            found="one",
            advice="Another sandbox may be running with it: stop that one, remove the file, or name another with --state-file.",
        )


def write(path: Path, state: State) -> None:
    """Write the file with mode 0600, in one piece."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:  # mkstemp made it with mode 0600
            file.write(state.as_toml())
        Path(draft).replace(path)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise


def _text(value: str | list[str]) -> str:
    # JSON of a string, or of a list of them, is TOML for everything that can stand here.
    return json.dumps(value)
