"""``python -m pam_rollback.tracker --env NAME``: which incidents are open, and which were closed without a post-mortem.

With ``--drafted RUN`` the post-mortem of that run is linked to the incident that its journal names.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.base.errors import ActionFailed
from pam_rollback.base.outside_text import for_terminal
from pam_rollback.base.run_files import JOURNAL
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.journal.journal import TRACKED, Journal
from pam_rollback.outside import plainly
from pam_rollback.tracker.client import github_issues
from pam_rollback.tracker.service import Incidents, why

MISSING, FAILED = 10, 1


@plainly.told
def main(arguments: Sequence[str] | None = None, *, root: Path | None = None) -> int:
    """0: nothing is missing. 10: an incident was closed without a post-mortem. 1: not known, with the reason."""
    options = _parser().parse_args(arguments)
    root = root or plainly.project_folder()
    try:
        if options.drafted:
            return _link(options.drafted, options.where, options.env, root)
        environment = load_environment(options.env or "production", root / "environments", os.environ)
        incidents = _of(environment)
        here = incidents.open_here()
        _say(f"open: {here.url} {here.title}" if here is not None else f"no incident of {environment.name} is open")
        missing = incidents.closed_without_post_mortem()
    except (ActionFailed, ConfigurationError) as error:
        sys.stderr.write(
            f"the tracker: {for_terminal(why(error) if isinstance(error, ActionFailed) else str(error))}\n"
        )
        return FAILED
    for issue in missing:
        _say(f"closed without a post-mortem: {issue.url} {issue.title} (make incident RUN=…)")
    return MISSING if missing else 0


def _link(run: str, where: str, env: str, root: Path) -> int:
    own = root / "reports" / "out" / run
    folder = next((one for one in (Path(run), own) if one.is_dir()), None)
    if folder is None:
        raise ActionFailed(f"--drafted {run}: expected a run's id or folder, found neither it nor {own}")
    entries = Journal(folder / JOURNAL).entries() if (folder / JOURNAL).is_file() else []
    url = next((str(one["url"]) for one in reversed(entries) if one["event"] == TRACKED), "")
    began = next((one for one in entries if one["event"] == "action"), {})
    if not url:
        _say(f"{run} is on record in no tracker, so its post-mortem is linked nowhere")
        return 0
    environment = load_environment(env or str(began.get("environment", "")), root / "environments", os.environ)
    _of(environment).drafted(url, str(began.get("run", folder.name)), where)
    _say(f"linked to {url}")
    return 0


def _of(environment: Environment) -> Incidents:
    if environment.tracker is None:
        raise ActionFailed(f"{environment.name} has no [tracker] table: name the repository there")
    return Incidents(github_issues(environment.tracker, environment.secret("tracker_token")), environment.name)


def _say(line: str) -> None:
    sys.stdout.write(f"{for_terminal(line)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.tracker", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--env", default="", help="whose incidents; else production, or that of the run")
    parser.add_argument("--drafted", default="", metavar="RUN", help="link the post-mortem of this run")
    parser.add_argument("--where", default="a draft is written; ask whoever was on call", help="where it can be read")
    return parser


if __name__ == "__main__":
    sys.exit(main())
