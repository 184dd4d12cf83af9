"""The health of every component, and the front page, when the window over the success criteria is over."""

from dataclasses import replace

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.environment.known_before import NOTHING_TOLD, Finding, JudgedFindings
from pam_rollback.product.rules.front_page import FrontPage
from pam_rollback.product.rules.health import HealthReport, is_healthy


@dataclass(frozen=True, repr=False)
class HeldHealth(Sentence):
    """All of them, asked once."""

    reports: tuple[HealthReport, ...]
    front_page: FrontPage | None
    unknown: tuple[str, ...]
    """Why nothing is known of the others."""
    told: JudgedFindings = NOTHING_TOLD
    """What of it somebody answers for."""

    @property
    def healthy(self) -> bool:
        """All are well, or known not to be. Raises MeasurementFailed when that is not known of one."""
        if not self.ill and self.unknown:
            raise MeasurementFailed("; ".join(self.unknown))
        return not self.ill

    @property
    def findings(self) -> tuple[Finding, ...]:
        """As a baseline has them."""
        return tuple(finding for report in self.reports for finding in report.findings)

    def without(self, told: JudgedFindings) -> "HeldHealth":
        """Judged without what somebody answers for."""
        return replace(self, told=told)

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        n = len(self.reports) + (self.front_page is not None)
        return Figures("health when the window is over", "healthy", f"{len(self.ill)} not healthy", n=n)

    @property
    def ill(self) -> list[str]:
        """What is not well and not known to be so, each as a sentence."""
        ill = [
            str(report)
            for report in self.reports
            if not is_healthy(report) and not all(self.told.knows(finding.text) for finding in report.findings)
        ]
        page = self.front_page
        return ill if page is None or page.is_the_site else [*ill, str(page)]

    def __str__(self) -> str:
        said = "; ".join((*self.ill, *self.unknown)) or "all are healthy"
        return f"when the window was over: {said}{self.told.advice if self.ill else ''}"
