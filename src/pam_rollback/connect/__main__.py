"""``python -m pam_rollback.connect``: looks at a product and writes its files (``make connect``)."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pam_rollback.base.clock import Clock, SystemClock
from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.outside_text import for_terminal, redact_with
from pam_rollback.connect.client.asking import Fetch, Product
from pam_rollback.connect.client.doctor_session import ask_doctor
from pam_rollback.connect.client.files import NotWritten
from pam_rollback.connect.client.repository import suite_here
from pam_rollback.connect.rules.budget import PATHS_PER_MINUTE, BudgetSpent, Spending
from pam_rollback.connect.rules.product_file import titles_of
from pam_rollback.connect.rules.told import as_data, as_lines
from pam_rollback.connect.rules.workflows import names_of
from pam_rollback.connect.service.look import Look
from pam_rollback.connect.service.wish import (
    VARIABLES,
    CannotConnect,
    Wish,
    checked_address,
    checked_name,
    checked_repository,
)
from pam_rollback.connect.service.writing import known_contract, write
from pam_rollback.environment.hosts import HOSTS
from pam_rollback.outside import pace, plainly
from pam_rollback.outside.http import fetch
from pam_rollback.outside.pace import Pace
from pam_rollback.product.client.files import load_contract

Doctor = Callable[[Path, str, Mapping[str, str]], Mapping[str, Any]]
FAILED = 1
STOPPED = 130
_GIVEN = "PAM_CONNECT_"
"""``make`` hands its variables over in the environment, so that no shell reads what was typed."""
_LIKE = "pam-today"
_TOLD_EVERY_S = 30.0


@plainly.told
def main(
    arguments: Sequence[str] | None = None,
    *,
    root: Path | None = None,
    variables: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    ask: Callable[[str], str] | None = None,
    send: Fetch = fetch,
    doctor: Doctor = ask_doctor,
) -> int:
    """Look, write and tell; 1, with the reason, when nothing was written. ``ask`` asks a person; None: nobody is there."""
    root, variables = root or Path.cwd(), os.environ if variables is None else variables
    options = _parser(variables).parse_args(arguments)
    redact = _hidden(variables.get(variable, "") for variable in VARIABLES.values())
    redact_with(redact)
    say = _sayer(sys.stderr if options.json else sys.stdout, redact)
    try:
        wish = _wish(options, root, variables, ask if ask is not None else _person())
        with pace.held_to(_pace(wish, clock, say)):
            data = _connected(wish, root, variables, clock or SystemClock(), say, send)
    except (CannotConnect, NotWritten, ConfigurationError, BudgetSpent) as problem:
        sys.stderr.write(f"{for_terminal(redact(f'not connected: {problem}'))}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("not connected: stopped. Nothing was written.\n")
        return STOPPED
    data["doctor"] = _judgeable(doctor, root, wish.name, variables)
    if options.json:
        sys.stdout.write(redact(json.dumps(data, indent=2, ensure_ascii=False)) + "\n")
    else:
        for line in as_lines(data, verbose=options.verbose):
            say(line)
    return 0


def _connected(
    wish: Wish, root: Path, variables: Mapping[str, str], clock: Clock, say: Callable[[str], None], send: Fetch
) -> dict[str, Any]:
    path, like = known_contract(wish.product or wish.like or _LIKE, root)
    spending = Spending(wish.budget)
    say(f"connect {wish.name}: {wish.frontend} and {wish.api}")
    say(f"  will ask for {wish.budget}")
    look = Look(
        wish=wish,
        product=Product(spending, clock, lambda text: say(f"  {text}"), send=send),
        secrets={name: value for name, variable in VARIABLES.items() if (value := variables.get(variable, ""))},
        titles=titles_of(like["health"]),
        described=load_contract(path).health if wish.product else {},
        sign_in_path=str(like["sign_in"]["path"]),
        chat=like["operations"]["chat"],
        told_apart_by=tuple(like.get("front_page", {}).get("names", ())),
    )
    found = look.found()
    written = write(root, wish, found, like, variables)
    return as_data(found, written.files, str(spending))


def _pace(wish: Wish, clock: Clock | None, say: Callable[[str], None]) -> Pace:
    """As many paths a minute as a product bears that is not known."""
    host, own, told_s = urlsplit(wish.api).netloc, clock or SystemClock(), [-_TOLD_EVERY_S]

    def told(line: str) -> None:
        if own.monotonic_s() - told_s[-1] >= _TOLD_EVERY_S:
            told_s.append(own.monotonic_s())
            say(line)

    return Pace(
        {host},
        paths=PATHS_PER_MINUTE,
        told=told,
        clock=own.monotonic_s,
        sleep=own.sleep,
    )


def _judgeable(doctor: Doctor, root: Path, name: str, variables: Mapping[str, str]) -> Mapping[str, Any]:
    """What can be judged with the files as they are now; a doctor who fails is no reason against the files."""
    try:
        return doctor(root, name, variables)
    except MeasurementFailed as problem:
        return {"complete": False, "items": [], "problem": str(problem)}


def _wish(
    options: argparse.Namespace, root: Path, variables: Mapping[str, str], ask: Callable[[str], str] | None
) -> Wish:
    """All that was said, checked; what is missing is asked for where a person is there. Raises CannotConnect."""
    frontend = options.frontend or _asked(ask, "FRONTEND, the address that users open: ")
    api = options.api or _asked(ask, "API, the address that the site's scripts talk to: ")
    for what, given in (("FRONTEND", frontend), ("API", api)):
        if not given:
            raise CannotConnect(what, expected="an address", found="none", advice=f"Say {what}=https://host.")
    name = options.name or _asked(ask, "NAME of the environment (staging): ") or "staging"
    checked_name(name)
    kind = options.kind or _asked(ask, f"Is it production or staging? ({_kind_of(name)}): ") or _kind_of(name)
    if kind not in {"production", "staging"}:
        raise CannotConnect("--kind", expected="production or staging", found=ascii(kind), advice="Say --kind staging.")
    previous = options.previous_api
    if previous is None:
        previous = _asked(ask, "Where does the previous release's API answer? (nowhere): ")
    workflows = options.workflows
    if workflows is None:
        files = ", ".join(names_of(kind, name))
        workflows = _asked(ask, f"Folder of the product's repository, to write {files} there (write none): ")
    suite = options.suite or (suite_here(root) if workflows else "")
    own = all(variables.get(VARIABLES[one]) for one in ("test_user_email", "test_user_password"))
    said = vars(options)
    return Wish(
        frontend=checked_address(frontend, "FRONTEND"),
        api=checked_address(api, "API"),
        name=name,
        kind=kind,
        backend=_address(options.backend, "--backend"),
        supabase=_address(options.supabase, "--supabase"),
        previous_frontend=_address(options.previous_frontend, "--previous-frontend"),
        previous_api=_address(previous, "--previous-api"),
        like=checked_name(options.like, "--like") if options.like else "",
        product=checked_name(options.product, "--product") if options.product else "",
        sign_in=own and not options.no_sign_in,
        ask_pam=own and options.ask_pam,
        host_ids={host.name: said[f"{host.name}_{host.kind}"] for host in HOSTS},
        host_apis={host.name: checked_address(said[f"{host.name}_api"], f"--{host.name}-api") for host in HOSTS},
        workflows=checked_repository(workflows, root, suite) if workflows else None,
        suite=suite,
    )


def _hidden(values: Iterable[str]) -> Callable[[str], str]:
    """Takes these values out of a text, the longest first: one may be a part of another."""
    known = sorted((one for one in values if one), key=len, reverse=True)

    def redact(text: str) -> str:
        for value in known:
            text = text.replace(value, "***")
        return text

    return redact


def _address(given: str | None, what: str) -> str:
    return checked_address(given, what) if given else ""


def _kind_of(name: str) -> str:
    return "production" if name.startswith("prod") else "staging"


def _asked(ask: Callable[[str], str] | None, question: str) -> str:
    """What a person answers; nothing where nobody is there, or where the input ended."""
    try:
        return "" if ask is None else ask(question).strip()
    except EOFError:
        return ""


def _person() -> Callable[[str], str] | None:
    """Somebody who can be asked: only where a terminal is on both sides."""
    return input if sys.stdin.isatty() and sys.stdout.isatty() else None


def _sayer(stream: Any, redact: Callable[[str], str]) -> Callable[[str], None]:
    def say(text: str) -> None:
        stream.write(f"{for_terminal(redact(text))}\n")
        stream.flush()

    return say


def _parser(variables: Mapping[str, str]) -> argparse.ArgumentParser:
    def given(name: str) -> str:
        return variables.get(f"{_GIVEN}{name}", "")

    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.connect",
        description="Look at a product and write products/NAME.toml and environments/NAME.toml. Reads only, at most 12 paths a minute. "
        "Secrets are taken from the usual variables (docs/how-to/connect.md), and only the variables' names are written.",
    )
    add = parser.add_argument
    add("--frontend", default=given("FRONTEND"), metavar="URL", help="what users open")
    add("--api", default=given("API"), metavar="URL", help="what the site's scripts talk to")
    add("--name", default=given("NAME"), help="what the files are called; staging, where nobody says more")
    add("--kind", default="", help="production or staging; else by the name")
    add("--backend", metavar="URL", help="the back end's own address, if it has another one")
    add("--supabase", metavar="URL", help="Supabase's address, if the scripts name several or none")
    add("--previous-frontend", metavar="URL", help="where the previous release of the front end answers")
    add("--previous-api", metavar="URL", help="where the previous release of the API answers")
    add("--like", default="", metavar="PRODUCT", help=f"the contract that the new one begins with; else {_LIKE}")
    add("--product", default="", help="use this contract, and write the environment only")
    add("--no-sign-in", action="store_true", help="do not sign in, although the test account's variables are set")
    add("--ask-pam", action="store_true", help="ask PAM one question as the test account; it costs the product money")
    for host in HOSTS:
        what = f"the {host.kind}, if its address is not the {host.part}'s"
        add(f"--{host.name}-{host.kind}", default="", metavar="ID", help=what)
        add(f"--{host.name}-api", default=host.api_url, metavar="URL", help=f"where {host.title}'s API is")
    add(
        "--workflows",
        default=variables.get(f"{_GIVEN}WORKFLOWS") or None,
        metavar="FOLDER",
        help="the product's repository: write workflows there that call the suite's; else nothing is written there",
    )
    add(
        "--suite", default="", metavar="OWNER/NAME@COMMIT", help="the suite that they call; else the clone that this is"
    )
    add("--json", action="store_true", help="the same as JSON, on standard output")
    add("-v", "--verbose", action="store_true", help="everything, not only what needs somebody")
    return parser


if __name__ == "__main__":
    sys.exit(main())
