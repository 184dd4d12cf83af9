"""Does everything that a sandbox's file names belong to the sandbox whose token it holds? Asked before the first other request."""

import os
from pathlib import Path

from pam_rollback.base.errors import MeasurementFailed, Refused
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import production_shared
from pam_rollback.environment.named_addresses import all_addresses, strangers

_DENIED = "HTTP 401"
_ANOTHER = "another seal"
_LIBPQ = ("PGHOSTADDR", "PGSERVICE")
"""Variables by which PostgreSQL's own client goes elsewhere than an address says."""


def refuse_production(environment: Environment, folder: Path) -> None:
    """Raise Refused for a file that calls production something else; ``folder`` holds the files of all environments."""
    found = production_shared(environment, folder)
    if found:
        raise Refused("\n".join(f"  - {environment.file}: {line}" for line in found))


def prove(environment: Environment) -> None:
    """Let a sandbox pass whose every address is its own; another kind of environment passes unasked.

    Raises Refused with every stranger, and MeasurementFailed when nobody answers at the control address.
    """
    controls = environment.sandbox
    if controls is None:
        return
    from pam_rollback.sandbox.problems import SandboxError  # noqa: PLC0415 - for sessions on a sandbox
    from pam_rollback.sandbox.remote import Remote  # noqa: PLC0415 - the same

    try:
        own = Remote(controls.control_url, controls.token).addresses()
    except SandboxError as error:
        who = f"  - {environment.file}: [sandbox] control_url: the sandbox at {controls.control_url}"
        if _DENIED in error.found:
            raise Refused(f"{who} does not know this token; it is another one") from None
        if _ANOTHER in error.found:
            raise Refused(f"{who} cannot prove that it knows this token; it is another one") from None
        raise MeasurementFailed(f"the sandbox of {environment.file} cannot be reached: {error}") from None
    found = strangers(all_addresses(environment), own)
    if any("postgresql://" in address for address in own.values()):
        found += [f"{name} is set and leads queries elsewhere: unset it" for name in _LIBPQ if os.environ.get(name)]
    if found:
        advice = "use the file that this sandbox wrote, or say what the environment really is (kind)"
        raise Refused("\n".join(f"  - {environment.file}: {line}" for line in (*found, advice)))
