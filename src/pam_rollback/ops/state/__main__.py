"""``python -m pam_rollback.ops.state --older-than 30d [--yes]``: removes what the state (``PAM_STATE``) has of runs that began earlier.

What owes an undo stays, and so do the newest baseline of each environment and what a ramp under way goes by. Without ``--yes`` it says
what it would remove, and removes nothing.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pam_rollback.core.errors import ActionFailed
from pam_rollback.http import files
from pam_rollback.ops.state.service import Store, place_of
from pam_rollback.report.retention import age_of

_WITHIN_S = 120.0


@files.told
def main(arguments: Sequence[str] | None = None) -> int:
    """List or remove; 1 when the state could not be asked."""
    parser = argparse.ArgumentParser(prog="python -m pam_rollback.ops.state", description=__doc__)
    parser.add_argument("--older-than", type=age_of, required=True, metavar="AGE", help="30d, 12h or 8w; at least 1h")
    parser.add_argument("--yes", action="store_true", help="really remove them; without it they are only listed")
    options, root = parser.parse_args(arguments), files.project_folder()
    place = os.environ.get("PAM_STATE", "")
    if not place:
        return 0
    lasting = Path(os.environ.get("PAM_STATE_DIR", "") or root / "reports" / "state")
    try:
        command = place_of(place, root, lambda _: os.environ.get("PAM_STATE_TOKEN", ""))
        store = Store(command, root / "reports" / "out", lasting)
        found = store.forget(options.older_than, _WITHIN_S, really=options.yes)
    except (ActionFailed, ValueError) as problem:
        sys.stderr.write(f"state: nothing was removed: {' '.join(str(problem).split())}\n")
        return files.FAILED
    for fate in (fate for fate in found if not fate.young):
        why = fate.kept_because
        done = "kept" if why else "removed" if options.yes else "remove"
        sys.stdout.write(f"  {done:<8} {fate.run.name} in the state{why and f': {why}'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
