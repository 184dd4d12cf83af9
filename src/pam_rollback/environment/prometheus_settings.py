"""What an environment says about its Prometheus: the table ``[prometheus]``."""

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from pam_rollback.base.addresses import web_address
from pam_rollback.base.configuration import Problem, Table

_SELECTOR = re.compile(r"""([A-Za-z_:][A-Za-z0-9_:]*)?\s*(\{([^{}"']|"([^"\\]|\\.)*"|'([^'\\]|\\.)*')*\})?""")
_GAP_STEPS_MIN = 2


def _selector(value: str) -> str:
    """Let series pass that are named, and no expression. Raises ValueError."""
    named = value.strip()
    if value and (named in {"", "{}"} or not _SELECTOR.fullmatch(named)):
        raise ValueError(
            'expected series as they were scraped, such as pam_requests_total{job="pam"}, without functions or [ranges]: rates are taken '
            f"here, for each process and before adding up, so that restarts are seen; found {value!r}"
        )
    return named


def _pattern(value: str) -> str:
    """Let a regular expression pass. Raises ValueError."""
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"expected a regular expression, found {value!r} ({error})") from None
    return value


Selector = Annotated[str, AfterValidator(_selector)]
Pattern = Annotated[str, Field(min_length=1), AfterValidator(_pattern)]


class Prometheus(Table):
    """Where Prometheus is and which series are the product's. What is left empty cannot be asked there."""

    url: Annotated[str, AfterValidator(web_address)]
    """The base address, without ``/api/v1``."""
    step_s: Annotated[float, Field(ge=1, le=300)] = 30
    """How much time one point stands for: at least two scrape intervals."""
    gap_max_s: Annotated[float, Field(gt=0, le=900)] = 120
    """A longer time without a known point makes a window unknown."""
    requests: Selector = ""
    """The counter of requests, of all statuses; without those that scrapes and health checks make."""
    status_label: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "status"
    """The label of ``requests`` that tells errors from good answers."""
    status_errors: Pattern = "5.."
    status_fine: Pattern = "[1-4].."
    error_rate_pct: str = ""
    """Where requests are not counted: an expression whose one result is the error rate in per cent."""
    latency_buckets: Selector = ""
    """The ``_bucket`` series of the histogram of response times, in seconds."""
    memory_bytes: Selector = ""
    """How much memory each process holds."""
    process_start: Selector = ""
    """When each process started, in seconds since 1970: shows restarts that counters alone can hide."""
    up: Selector = ""
    """1 while the product answers, 0 while it does not: Prometheus' own ``up``, or ``probe_success`` of a probe from outside."""

    def problems(self) -> Iterator[Problem]:
        """Everything that is well-formed but cannot be used like this."""
        if self.requests and self.error_rate_pct:
            yield Problem("[prometheus] error_rate_pct", "besides requests; one of them: which would be believed?")
        if not (self.requests or self.error_rate_pct or self.latency_buckets or self.memory_bytes):
            what = "no series is named: expected requests, error_rate_pct, latency_buckets or memory_bytes"
            yield Problem("[prometheus]", what)
        if self.gap_max_s < _GAP_STEPS_MIN * self.step_s:
            what = f"{self.gap_max_s:g} is less than {_GAP_STEPS_MIN} steps of {self.step_s:g} s: each late scrape would be a hole"
            yield Problem("[prometheus] gap_max_s", what)
