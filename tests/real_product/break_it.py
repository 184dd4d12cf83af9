"""`python -m tests.real_product.break_it STATE SITUATION…`: breaks the real product while it runs, or mends it."""

import argparse
import sys
import time
import tomllib
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pam_sandbox.problems import SandboxError
from pam_sandbox.remote import Remote

_BACK_WITHIN_S = 180
_Plant = tuple[str, Mapping[str, str | float]]
_LIVE = {"release": "candidate"}
SITUATIONS: Mapping[str, tuple[_Plant, ...]] = {
    "api-500": (("fails", {}),),
    "api-20-percent": (("fails", {"share": 0.2}),),
    "api-hangs": (("answers-silence", {"path": "/*", "server": "api"}),),
    "api-hangs-but-health": (("answers-silence", {"path": "/api/v1/*", "server": "api"}),),
    "api-frozen": (("release-down", {**_LIVE, "how": "hung"}),),
    "api-dead": (("release-down", {**_LIVE, "how": "killed"}),),
    "api-slow": (("late", {"ms": 1000}),),
    "dead-for-browsers": (("fails", {"asked": "browsers", "status": 503}),),
    "supabase-down": (("fails", {"server": "supabase", "path": "/rest/v1/*", "status": 503}),),
    "supabase-slow": (("late", {"server": "supabase", "path": "/rest/v1/*", "ms": 1000}),),
    "supabase-20-percent": (("fails", {"server": "supabase", "path": "/rest/v1/*", "share": 0.2}),),
    "database-dead": (("database-down", {}),),
    "reads-behind": (("reads-behind", {"seconds": 90}),),
    "profile-of-another": (("shared-cache", {"asked": "any"}),),
    "profile-of-another-cached": (("shared-cache", {"asked": "cached"}),),
    "chat-apologises": (("chat-apologises", _LIVE),),
    "chat-of-another": (("chat-mixes-users", {}),),
    "chat-500": (("fails", {"path": "/api/v1/pam/*"}),),
    "chat-without-success": (("says-besides", {"path": "/api/v1/pam/chat", "what": '{"success": false}'}),),
    "chat-model-unreachable": (
        ("says-besides", {"path": "/api/v1/pam/chat", "what": '{"error": "model unreachable"}'}),
    ),
    "writes-500": (
        ("fails", {"asked": "writes"}),
        ("fails", {"asked": "writes", "server": "supabase", "path": "/rest/v1/*"}),
    ),
    "profile-put-500": (("fails", {"asked": "writes", "path": "/api/v1/users/*/profile"}),),
    "health-flaps": (("fails", {"path": "/health", "share": 0.1, "status": 503}),),
    "health-maintenance": (("says-besides", {"path": "/health", "what": '{"maintenance": true}'}),),
    "chunks-gone": (("chunks-gone", {"how": "status"}),),
    "chunks-are-pages": (("chunks-gone", {"how": "page"}),),
    "blank-build": (("front-end-built-without-variables", {}),),
    "we-are-banned": (("we-are-banned", {}),),
    "everybody-is-banned": (("everybody-is-banned", {}),),
}
"""Each with what is planted for it."""


def main() -> int:
    """Plant or clear; 2 where the product does not do it."""
    parser = argparse.ArgumentParser(prog="python -m tests.real_product.break_it", description=__doc__)
    parser.add_argument("state", type=Path, help="the file that the running product has written")
    parser.add_argument(
        "situations", nargs="*", default=["list"], help="by name; none mends all, list says what is planted"
    )
    options = parser.parse_args()
    try:
        state = tomllib.loads(options.state.read_text(encoding="utf-8"))
        remote = Remote(state["sandbox"]["control_url"], state["sandbox"]["token"])
        for name in options.situations:
            _break(remote, name)
        if options.situations == ["none"]:
            _wait_until_back(state["urls"]["api"])
    except (OSError, SandboxError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"planted: {remote.faults() or 'nothing'}\n")
    return 0


def _wait_until_back(api: str) -> None:
    """A process that was killed loads for some seconds, or a minute where others use the machine, too."""
    opener, end_s = urllib.request.build_opener(urllib.request.ProxyHandler({})), time.monotonic() + _BACK_WITHIN_S
    while time.monotonic() < end_s:
        with suppress(OSError), opener.open(f"{api}/health", timeout=5):
            return
        time.sleep(1)
    raise SandboxError(f"{api}/health", expected=f"200 within {_BACK_WITHIN_S} s", found="not yet")


def _break(remote: Remote, name: str) -> None:
    if name == "none":
        remote.clear_all()
    elif name == "list":
        sys.stdout.write("".join(f"{one}\n" for one in SITUATIONS))
    elif name not in SITUATIONS:
        raise SandboxError(f"situation {name!r}", expected=f"none, list or {', '.join(SITUATIONS)}", found="none such")
    else:
        for fault, settings in SITUATIONS[name]:
            remote.plant(fault, **settings)


if __name__ == "__main__":
    sys.exit(main())
