"""The health of every component, and the front page, when the window over the success criteria is over."""

from dataclasses import dataclass, replace

from pam_rollback.core.figures import Fact, Measured
from pam_rollback.target.front_page import FrontPage
from pam_rollback.target.health import HealthReport
from pam_rollback.target.known_before import NOTHING_TOLD, Finding, JudgedFindings


@dataclass(frozen=True, repr=False)
class HeldHealth(Fact):
    """All of them, asked once."""

    reports: tuple[HealthReport, ...]
    front_page: FrontPage
    told: JudgedFindings = NOTHING_TOLD
    """What of it somebody answers for."""

    @property
    def ill(self) -> list[str]:
        """What is not well and not known to be so, each as a sentence."""
        counting = (one for one in self.reports if not all(self.told.knows(found.text) for found in one.findings))
        reports = [str(one) for one in counting]
        return reports if self.front_page.is_the_site else [*reports, str(self.front_page)]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """As a baseline has them."""
        return tuple(finding for report in self.reports for finding in report.findings)

    def without(self, told: JudgedFindings) -> "HeldHealth":
        """Judged without what somebody answers for."""
        return replace(self, told=told)

    @property
    def measured(self) -> Measured:
        """How many are not healthy."""
        ill = self.ill
        return Measured(
            "health when the window is over",
            "healthy",
            f"{len(ill)} not healthy",
            n=1 + len(self.reports),
            sentence=f"when the window was over: {'; '.join(ill) or 'all are healthy'}{self.told.advice if ill else ''}",
        )
