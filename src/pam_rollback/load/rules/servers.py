"""The servers' own record of a load test, beside the generator's: what each counted, failed and took.

Both saw the same requests, so they have to agree within what the way between them allows. What a disagreement means is said:

* answers that no server counted: something else answered, a load balancer or a cache, and the service was not tested by them;
* errors that no server counted: they were made on the way, or the process died with them;
* errors that the generator did not see: something on the way repeats or replaces answers;
* time that the server did not take: it was lost on the way, or in a queue before it.

Other people's requests are in the servers' record too. Where they are many, more errors and other times than the generator's say nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.load.rules.generator import NO_DOUBTS, Doubts
from pam_rollback.load.rules.record import LoadRequest
from pam_rollback.plan.plan_items import LoadAgreement
from pam_rollback.records.rules.servers_count import ServersCount
from pam_rollback.stats.percentiles import percentile

BY_HAND = 'a person may answer for it: --ack LG-9="who: evidence"'
"""What helps where the servers keep no record that can be read."""
_P95 = 95.0
_SERVER_ERROR = 500
_ALONE_PCT = 110.0
"""Up to so many of the generator's requests, the servers' record is about them."""
_FEW = 3
"""So many requests may be on their way when the servers' counters are read."""


@dataclass(frozen=True, repr=False)
class RecordsOfLoad(Sentence):
    """Both records of the same run."""

    servers: ServersCount
    asked: int
    """Requests of the generator to what the servers count, that were sent."""
    answered: int
    """Of those, with any HTTP status."""
    failed: int
    """Of those, with a status of 500 and more."""
    unanswered: int
    """Without any status: refused, cut, too late."""
    p95_ms: float | None
    """From the moment of sending; None: nothing was answered."""
    limit: LoadAgreement
    doubts: Doubts = NO_DOUBTS
    """About the generator: where it was unfit, its times are not the service's."""

    @classmethod
    def of(
        cls, servers: ServersCount, sent: Sequence[LoadRequest], limit: LoadAgreement, doubts: Doubts = NO_DOUBTS
    ) -> "RecordsOfLoad":
        """Hold them against each other. ``sent``: what left, to addresses that the servers count. Raises MeasurementFailed without any."""
        if not sent:
            raise MeasurementFailed(
                "no request was sent to what the servers count: there is nothing to hold their record against"
            )
        answered = [one for one in sent if one.status is not None]
        return cls(
            servers,
            len(sent),
            len(answered),
            sum((one.status or 0) >= _SERVER_ERROR for one in answered),
            len(sent) - len(answered),
            percentile([one.latency_ms - one.lag_ms for one in answered], _P95).value if answered else None,
            limit,
            doubts,
        )

    @property
    def alone(self) -> bool:
        """Whether (almost) nobody else asked."""
        return 100 * self.servers.n <= _ALONE_PCT * self.asked + 100 * _FEW

    @property
    def disagreements(self) -> tuple[str, ...]:
        """What cannot be true of the same requests, each with what it means; empty: they agree."""
        return tuple(filter(None, (self._uncounted, self._errors_on_the_way, self._errors_hidden, self._time_differs)))

    @property
    def agree(self) -> bool:
        """Whether they are about the same requests. Raises MeasurementFailed when the generator or the servers cannot tell."""
        if self.disagreements:
            return False
        if self.doubts.unfit:
            raise MeasurementFailed(f"{self}; not known: {self.doubts.unfit[0]}")
        if self.servers.times is None:
            raise MeasurementFailed(f"{self}; how long the servers took is not known: {self.servers.why_no_times}")
        return True

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="the servers' record of the load",
            asked=f"{self.answered} answers, {self.failed} errors, p95 {self._own_p95} (the generator's)",
            measured=f"{self.servers.n} answers, {self.servers.errors} errors, p95 {self._their_p95}",
            n=self.servers.n,
            definition=f"{self.servers.where}, {'nobody else asked' if self.alone else 'others asked too'}",
        )

    @property
    def _spare(self) -> float:
        return self.limit.requests_missing_pct_max / 100 * self.asked + _FEW

    @property
    def _uncounted(self) -> str:
        # An error answer may well be the way's own, so only good ones have to be counted.
        good = self.answered - self.failed
        missing = good - self.servers.n
        if missing <= self._spare:
            return ""
        return f"{missing} of {good} good answers were counted by no server: something else answered in its place"

    @property
    def _errors_on_the_way(self) -> str:
        more = self.failed - self.servers.errors
        if more <= self._spare_errors:
            return ""
        return f"{more} of {self.failed} error answers were counted by no server: they were made on the way, or the process died with them"

    @property
    def _errors_hidden(self) -> str:
        # Whoever did not wait for the answer did not see the error either.
        more = self.servers.errors - self.failed - self.unanswered
        if more <= self._spare_errors or not self.alone:
            return ""
        return f"the servers counted {more} errors that the generator did not see: something on the way repeats or replaces answers"

    @property
    def _spare_errors(self) -> float:
        return self.limit.errors_differ_pct_max / 100 * self.asked + _FEW

    @property
    def _time_differs(self) -> str:
        if self.servers.times is None or self.p95_ms is None or self.doubts.unfit or not self.alone:
            return ""
        low_ms, high_ms = self.servers.times.interval_ms
        if self.p95_ms > high_ms + self.limit.between_ms_max:
            return (
                f"p95 is {self.p95_ms:.0f} ms for the generator and {self.servers.times.bounds} for the servers: the rest is lost on the "
                "way, or in a queue before them"
            )
        if self.p95_ms < low_ms - self.limit.between_ms_max:
            return (
                f"p95 is {self.p95_ms:.0f} ms for the generator and {self.servers.times.bounds} for the servers: no answer is there before "
                "it is made, so something else answered in their place"
            )
        return ""

    @property
    def _own_p95(self) -> str:
        return "not known" if self.p95_ms is None else f"{self.p95_ms:.0f} ms"

    @property
    def _their_p95(self) -> str:
        return "not known" if self.servers.times is None else self.servers.times.bounds

    def __str__(self) -> str:
        """Both in one sentence, what disagrees first."""
        told = (
            f"the generator had {self.answered} answers to {self.asked} requests, {self.failed} of them errors, p95 {self._own_p95}; "
            f"{self.servers.where} counted {self.servers.n}, {self.servers.errors} of them errors, p95 {self._their_p95}"
        )
        return "; ".join((*self.disagreements, told))
