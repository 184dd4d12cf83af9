"""PromQL for what the alerts look at, made from the series that an environment names.

Traps that these expressions avoid: a value that is not a number is neither above nor below a limit, so it is dropped and its absence is
told by a rule of its own; a counter of errors that never moved is no series at all, so it counts as 0; a product that suffers misses
scrapes, so the last value counts until it is too old (``gap_max_s``), and only then is nothing known.
"""

import json

from pam_rollback.environment.prometheus_settings import Prometheus

_STEPS_IN_A_RATE = 2
_DECIMALS = "0.001"
"""Beyond these, a share that is exactly at its limit differs from it by the machine's arithmetic alone."""


def duration(seconds: float) -> str:
    """A length of time as PromQL and rule files write it."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def matching(selector: str, matcher: str) -> str:
    """The selector, narrowed by one more matcher."""
    name, brace, rest = selector.strip().partition("{")
    own = rest.rpartition("}")[0].strip().rstrip(",") if brace else ""
    return f"{name.strip()}{{{', '.join(filter(None, (own, matcher)))}}}"


def rate(selector: str, settings: Prometheus) -> str:
    """How fast the counters grow, each process by itself, over two steps."""
    return f"rate({selector}[{duration(_STEPS_IN_A_RATE * settings.step_s)}])"


def error_rate_pct(settings: Prometheus) -> str:
    """The share of the requests that fail, in per cent; nothing while no request comes."""
    if not settings.requests:
        return f"({settings.error_rate_pct}) >= 0"
    errors = matching(settings.requests, f"{settings.status_label}=~{json.dumps(settings.status_errors)}")
    every = f"sum({rate(settings.requests, settings)})"
    return f"100 * (sum({rate(errors, settings)}) or vector(0)) / ({every} > 0)"


def only_errors(settings: Prometheus) -> str:
    """Requests come, and none of them is answered well."""
    fine = matching(settings.requests, f"{settings.status_label}=~{json.dumps(settings.status_fine)}")
    every = f"sum({rate(settings.requests, settings)})"
    return f"({every} > 0) unless (sum({rate(fine, settings)}) > 0)"


def p95_s(settings: Prometheus) -> str:
    """The 95th percentile of the response times of all processes together; nothing while no request comes."""
    return f"histogram_quantile(0.95, sum by (le) ({rate(settings.latency_buckets, settings)})) >= 0"


def last_known(series: str, settings: Prometheus) -> str:
    """The newest value that is not too old."""
    return f"last_over_time({series}[{duration(settings.gap_max_s)}])"


def rounded(expression: str) -> str:
    """Without what only the machine's arithmetic adds."""
    return f"round({expression}, {_DECIMALS})"


def grows(selector: str, *, by_per_s: float, over_s: float) -> str:
    """The gauge grew at this pace in both halves of the time: one step, such as a cache that fills, bends one half at most."""
    half = duration(over_s / 2)
    pace = f"{by_per_s:.6g}"
    return f"deriv({selector}[{half}]) > {pace} and deriv({selector}[{half}] offset {half}) > {pace}"
