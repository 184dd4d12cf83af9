"""`python -m pam_sandbox`: a sandbox that lives until it is told to end."""

import argparse
import asyncio
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import get_args

from pam_sandbox import state_file
from pam_sandbox.backend_deploys import Profile
from pam_sandbox.children import until_told_to_end
from pam_sandbox.faults import Fault
from pam_sandbox.personalities import Product
from pam_sandbox.planting import SURPRISE, fault_to_begin_with
from pam_sandbox.problems import SandboxError
from pam_sandbox.remote import Remote
from pam_sandbox.state_file import Dialect, State
from pam_sandbox.supervisor import Supervisor

_NICENESS = -5
"""Behind the prober: a late probe is a hole in what is known, a late answer is what it measures."""


def main() -> int:
    """Run a sandbox; 0 after an orderly end, 2 when it could not start."""
    options = _options()
    given: Path | None = options.state_file
    path = (given or Path(tempfile.gettempdir()) / f"pam-sandbox-{os.getpid()}.toml").absolute()
    try:
        fault = fault_to_begin_with(options.fault) if options.fault else None
        state_file.check_writable(path)
        _go_before_checks()
        return asyncio.run(_run(path, options, fault))
    except SandboxError as error:
        sys.stderr.write(f"the sandbox cannot start: {error}\n")
        return 2


def _go_before_checks() -> None:
    """Run ahead of the browsers and tests that look at it, where that is allowed: it stands for hosts that do not share their machine."""
    with suppress(OSError):
        os.nice(_NICENESS)


async def _run(path: Path, options: argparse.Namespace, fault: Fault | None) -> int:
    supervisor = Supervisor(
        os.environ,
        state_path=path,
        dialect=options.dialect,
        latencies=options.latencies,
        product=options.product,
        practice=options.fault == SURPRISE,
    )
    try:
        # Signals are heard from the first moment on: a start that is interrupted leaves nothing behind either.
        end = asyncio.create_task(until_told_to_end())
        start = asyncio.create_task(supervisor.start())
        await asyncio.wait({start, end}, return_when=asyncio.FIRST_COMPLETED)
        if start.done():
            state = start.result()
            if fault is not None:
                await asyncio.to_thread(
                    Remote(state.told("sandbox", "control_url"), state.told("sandbox", "token")).plant,
                    fault.kind.name,
                    **fault.settings,
                )
            sys.stdout.write(f"ready {path}\n")
            if options.print:
                sys.stdout.write(_guide(path, state))
            sys.stdout.flush()
        else:
            start.cancel()
            await asyncio.wait({start})
        await end
        if options.fault == SURPRISE and fault is not None:
            settings = ", ".join(f"{name}={value}" for name, value in fault.settings.items())
            sys.stdout.write(f"\nit was {fault.kind.name} ({settings}): {fault.kind.summary}\n")
    finally:
        await supervisor.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pam_sandbox",
        description="A sandbox with real parts on loopback: PostgreSQL, the PAM API as one process per release, and the site. "
        "Ends on Ctrl-C, on SIGTERM, when its piped standard input closes, or when its parent dies, and leaves nothing behind.",
    )
    parser.add_argument(
        "--state-file",
        type=Path,
        help="environment file to write (mode 0600) for `pytest --env FILE`; default: one in the temporary folder",
    )
    parser.add_argument("--print", action="store_true", help="print addresses and the test account")
    parser.add_argument(
        "--product",
        choices=get_args(Product),
        default="pam-plan",
        help="the product that the rollback plan assumes, or today's, as awkward as it was seen to be",
    )
    parser.add_argument(
        "--dialect",
        choices=get_args(Dialect),
        default="product",
        help="whose tables the checks' DSN shows: the product's own, or those that the rollback plan's SQL expects",
    )
    parser.add_argument(
        "--latencies",
        choices=get_args(Profile),
        default="fast",
        help="how long the hosts take: no longer than the work that is really done here, or as long as they typically do (minutes)",
    )
    parser.add_argument(
        "--fault",
        default="",
        help=f"begin with this fault; {SURPRISE}: one that is told when the sandbox ends, to practise on (the file then says staging)",
    )
    return parser.parse_args()


def _guide(path: Path, state: State) -> str:
    told, variables = state.told, state.variables
    lines = [
        f"site and API  {told('urls', 'frontend')}   {told('urls', 'api')}",
        f"sign in       {variables['TEST_USER_EMAIL']} with {variables['TEST_USER_PASSWORD']}",
        f"controls      {told('sandbox', 'control_url')}/faults   Authorization: Bearer {told('sandbox', 'token')}",
        f"everything    {path}   try: pytest -m health --env {path}",
        "Ctrl-C ends it.",
    ]
    return "\n".join(f"  {line}" for line in lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
