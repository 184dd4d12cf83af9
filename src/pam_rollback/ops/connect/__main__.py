"""``python -m pam_rollback.ops.connect``: looks at a product and writes its environment (``make connect``)."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pam_rollback.core.answer import Answer
from pam_rollback.core.clock import Clock, SystemClock
from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.core.outside_text import for_terminal, redact_with
from pam_rollback.http import files
from pam_rollback.http.client import fetch
from pam_rollback.ops.connect.given import CannotConnect, Given, checked_address, checked_name
from pam_rollback.ops.connect.look import look
from pam_rollback.ops.connect.writing import VARIABLES, contract_of, refuse_what_is_there, write
from pam_rollback.target.conditions import Captured
from pam_rollback.target.hosts import HOSTS

_WITHIN_S = 120


def ask_doctor(root: Path, environment: str, variables: Mapping[str, str]) -> str:
    """Have a session of its own say what can be judged; gives why it does not."""
    command = [sys.executable, "-m", "pytest", "-m", "doctor", "--env", environment, "-p", "no:cacheprovider"]
    try:
        subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=root,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=_WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        return f"not known: {' '.join(command[2:7])} was not over within {_WITHIN_S} s"
    return ""


Doctor = Callable[[Path, str, Mapping[str, str]], str]
FAILED = 1
STOPPED = 130
_GIVEN = "PAM_CONNECT_"
"""``make`` hands its variables over in the environment, so that no shell reads what was typed."""
_PRODUCT = "pam-today"
_SCRIPT_BYTES = 8 << 20
_DEADLINE_S = 5.0


@files.told
def main(
    arguments: Sequence[str] | None = None,
    *,
    root: Path | None = None,
    variables: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    send: Callable[..., Answer] = fetch,
    doctor: Doctor = ask_doctor,
) -> int:
    """Look, write and tell; 1, with the reason, when nothing was written."""
    root, variables = root or Path.cwd(), os.environ if variables is None else variables
    options = _parser(variables).parse_args(arguments)
    redact = _hidden(variables.get(variable, "") for variable in VARIABLES.values())
    redact_with(redact)

    def say(text: str) -> None:
        sys.stdout.write(f"{for_terminal(redact(text))}\n")
        sys.stdout.flush()

    def get(url: str, headers: dict[str, str]) -> Captured:
        answer = send(url, headers=headers, deadline_s=_DEADLINE_S, max_body_bytes=_SCRIPT_BYTES)
        return Captured(answer, (clock or SystemClock()).wall())

    try:
        given = _given(options)
        refuse_what_is_there(root, given.name)
        _, contract = contract_of(given.product, root)
        say(f"connect {given.name}: {given.frontend} and {given.api}, as {given.product}")
        supabase, seen = look(given, contract, variables.get(VARIABLES["supabase_key"], ""), get)
        file = write(root, given, contract, supabase, variables)
    except (CannotConnect, ConfigurationError) as problem:
        sys.stderr.write(f"{for_terminal(redact(f'not connected: {problem}'))}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("not connected: stopped. Nothing was written.\n")
        return STOPPED
    for line in (
        "Seen",
        *(f"  {one}" for one in seen),
        f"Written: {file.relative_to(root)}",
        "What can be judged, as `pytest -m doctor` says it",
    ):
        say(line)
    if unknown := doctor(root, given.name, variables):  # no reason against the file
        say(f"  {unknown}")
    return 0


def _given(options: argparse.Namespace) -> Given:
    """All that was said, checked. Raises CannotConnect."""
    for what, said in (
        ("FRONTEND, which users open", options.frontend),
        ("API, which the site's scripts ask", options.api),
    ):
        if not said:
            advice = f"Say {what.partition(',')[0]}=https://host."
            raise CannotConnect(what, expected="an address", found="none", advice=advice)
    name = checked_name(options.name or "staging")
    kind = options.kind or ("production" if name.startswith("prod") else "staging")
    if kind not in {"production", "staging"}:
        raise CannotConnect("--kind", expected="production or staging", found=ascii(kind), advice="Say --kind staging.")
    hosts = {}
    for host in HOSTS:
        said = vars(options)
        table = {host.id_key: said[f"{host.name}_{host.kind}"], "api_url": said[f"{host.name}_api"]}
        if table["api_url"]:
            table["api_url"] = checked_address(table["api_url"], f"--{host.name}-api")
        hosts[host.name] = {key: value for key, value in table.items() if value} if table[host.id_key] else {}
    return Given(
        frontend=checked_address(options.frontend, "FRONTEND"),
        api=checked_address(options.api, "API"),
        name=name,
        kind=kind,
        product=checked_name(options.product, "--product"),
        backend=checked_address(options.backend, "--backend") if options.backend else "",
        supabase=checked_address(options.supabase, "--supabase") if options.supabase else "",
        hosts=hosts,
    )


def _hidden(values: Iterable[str]) -> Callable[[str], str]:
    """Takes these values out of a text, the longest first: one may be a part of another."""
    known = sorted((one for one in values if one), key=len, reverse=True)

    def redact(text: str) -> str:
        for value in known:
            text = text.replace(value, "***")
        return text

    return redact


def _parser(variables: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.ops.connect",
        description="Look at a product and write environments/NAME.toml. Reads only. Variables (docs/how-to/connect.md) switch abilities "
        "on; only their names are written.",
    )
    add = parser.add_argument
    add("--frontend", default=variables.get(f"{_GIVEN}FRONTEND", ""), metavar="URL", help="what users open")
    add("--api", default=variables.get(f"{_GIVEN}API", ""), metavar="URL", help="what the site's scripts talk to")
    add("--name", default=variables.get(f"{_GIVEN}NAME", ""), help="what the file is called (default: staging)")
    add("--kind", default="", help="production or staging (default: by the name)")
    add("--backend", default="", metavar="URL", help="the back end's own address, if it has another one")
    add("--supabase", default="", metavar="URL", help="Supabase's address (default: as the scripts name it)")
    add("--product", default=_PRODUCT, help=f"the contract in products/ (default: {_PRODUCT})")
    for host in HOSTS:
        add(
            f"--{host.name}-{host.kind}",
            default="",
            metavar="ID",
            help=f"the {host.kind} of the {host.part} at {host.title}",
        )
        add(f"--{host.name}-api", default="", metavar="URL", help=f"where {host.title}'s API is, if elsewhere")
    return parser


if __name__ == "__main__":
    sys.exit(main())
