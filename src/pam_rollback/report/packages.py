"""``python -m pam_rollback.report.packages``: installs what npm brings, before a run needs it.

These are the rules of accessibility and the generator of the HTML report. Without them a run is none the worse: older rules are bundled,
and the report can be built later. So this never fails; it says in one line what it did and what is missing.
"""

import sys
from pathlib import Path

from pam_rollback.outside.places import REPORTS
from pam_rollback.report.html_report import Unavailable, are_installed, install_packages


def main(*, reports: Path = REPORTS) -> int:
    """Install once; quiet when everything is there."""
    if are_installed(reports):
        return 0
    sys.stdout.write("installing the packages of reports/package-lock.json (once)…\n")
    sys.stdout.flush()
    missing = install_packages(reports)
    if isinstance(missing, Unavailable):
        sys.stdout.write(
            f"not installed, so older rules of accessibility serve: {missing.reason}\n  {missing.how_to}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
