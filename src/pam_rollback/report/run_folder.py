"""Where things lie in the folder of one run, so that its writers and readers agree."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pam_rollback.http.files import REPORTS

OUT: Final = REPORTS / "out"
RUNBOOK: Final = "runbook"
"""The page beside a run's report, so that the links of a failing test open at their section, also from a CI artefact."""


def from_here(path: Path) -> str:
    """The path as a person would type it in the folder where they are."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run."""

    path: Path

    @property
    def results(self) -> Path:
        """Allure's raw results."""
        return self.path / "allure-results"

    @property
    def html(self) -> Path:
        """The folder of the HTML report; ``index.html`` in it opens from the disk."""
        return self.path / "report"

    @property
    def record(self) -> Path:
        """The run record (``python -m pam_rollback.report --schema`` describes it)."""
        return self.path / "run.json"

    @property
    def pictures(self) -> Path:
        """Pictures that the report's first page shows, as SVG, each named by its title. Whoever judges by them draws them."""
        return self.path / "pictures"

    @property
    def junit(self) -> Path:
        """The results for machines that read JUnit XML."""
        return self.path / "junit.xml"


def newest_run(out: Path = OUT) -> RunFolder | None:
    """The run with results that was written to last, or None when there is none. A dry run leaves none."""
    runs = (
        [RunFolder(path) for path in out.iterdir() if any((path / "allure-results").glob("*-result.json"))]
        if out.is_dir()
        else []
    )
    return max(runs, key=lambda run: run.results.stat().st_mtime, default=None)
