"""The rules that the plan asks for, as the file that Prometheus reads: ``rules.yml.j2`` with the plan's and the environment's figures."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.decision.decision import strategies_for
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import OwnTrigger
from pam_rollback.records.prometheus import series_named
from pam_rollback.report.baseline_record import load_baseline
from pam_rollback.target.environment import Environment
from pam_rollback.target.known_before import unanswered_on
from pam_rollback.target.service_settings import Prometheus

_MS = 1000
_NAME = re.compile(r'^      - (?:alert|record): "(.+)"$', re.MULTILINE)
NOT_IN_SERIES = {
    "IR-1": "no series tells who gets in, or who is shown what; pytest -m decision tries it",
    "IR-3": "damaged rows are in the database, not among the series; pytest -m decision looks for them",
    "CR-1": "requests are not counted by user: a feature can fail for many of them within a low error rate; pytest -m decision tries it",
    "CR-2": "what a browser shows is in no series; pytest -m decision opens them",
    "CR-3": "whether voice can be heard is in no series; pytest -m decision tries it",
    "CR-4": "accessibility is in no series; pytest -m decision looks at the pages",
}
"""Why a criterion has no rule, whatever is scraped."""


def rule_file(
    plan: Plan,
    environment: Environment,
    *,
    made_by: str = "",
    before: tuple[float, date] | None = None,
    pace: float = 1,
    runbook: str = "docs/runbook.md",
) -> str:
    """The whole file; the same figures give the same text. Raises MeasurementFailed where the environment names no series.

    ``before`` is the p95 of a baseline in seconds and its day. ``pace`` divides the times of the plan, for a rehearsal.
    """
    import jinja2  # noqa: PLC0415 - most sessions write no file

    settings = series_named(environment)
    # No HTML comes of it: each text is quoted as YAML reads it.
    templates = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    templates.filters.update(
        text=lambda text: json.dumps(text, ensure_ascii=False),
        duration=duration,
        lines=lambda text: "\n          ".join(line.strip() for line in text.splitlines()),
    )
    template = templates.from_string(Path(__file__).with_name("rules.yml.j2").read_text(encoding="utf-8"))
    return template.render(
        plan=plan,
        s=settings,
        environment=environment.name,
        group=group_of(environment),
        made_by=made_by,
        before=before,
        pace=pace,
        runbook=runbook,
        with_baseline="make alerts BASELINE=FILE",
        not_watched=list(not_watched(plan, settings)),
        first=lambda item: plan.strategies[strategies_for(plan, item)[0]],
        rate=lambda selector: f"rate({selector}[{duration(2 * settings.step_s)}])",
        narrowed=lambda status: matching(settings.requests, f"{settings.status_label}=~{json.dumps(status)}"),
    )


def group_of(environment: Environment) -> str:
    """The name of its group of rules."""
    return f"pam-rollback-{environment.name}"


def names_in(rules: str) -> list[str]:
    """The names of the rules of a file."""
    return _NAME.findall(rules)


def known_before(file: Path, environment: Environment, plan: Plan) -> tuple[float, date]:
    """The p95 of a recorded baseline in seconds, and its day: of this environment, recent, of a healthy service, with enough answers."""
    stored = load_baseline(file)
    stored.refuse_too_few(plan.baseline.answers_min)
    stored.refuse_ill(unanswered_on(datetime.now(UTC).date(), environment.waivers))
    stored.refuse_stale(plan.baseline.age_max_d, datetime.now(UTC))
    if stored.origin.environment != environment.name:
        raise MeasurementFailed(
            f"{file}: expected a baseline of {environment.name}, found the {stored.origin}; take one there"
        )
    p95_ms = stored.answers.p95_ms
    if p95_ms is None:
        raise MeasurementFailed(f"{stored.origin}: it holds no good answer, so no response time; take a new one")
    return p95_ms / _MS, stored.origin.taken_at.date()


def duration(seconds: float) -> str:
    """A length of time as PromQL and rule files write it."""
    milliseconds = round(seconds * _MS)
    return f"{milliseconds // _MS}s" if milliseconds % _MS == 0 else f"{milliseconds}ms"


def matching(selector: str, matcher: str) -> str:
    """The selector, narrowed by one more matcher."""
    name, brace, rest = selector.strip().partition("{")
    own = rest.rpartition("}")[0].strip().rstrip(",") if brace else ""
    return f"{name.strip()}{{{', '.join(filter(None, (own, matcher)))}}}"


def not_watched(plan: Plan, settings: Prometheus) -> Iterator[tuple[str, str]]:
    """What has no rule and why, in the plan's order: the absence of an alert is not the absence of the problem."""
    named = {
        "IR-4": (settings.latency_buckets, "latency_buckets"),
        "IR-5": (settings.requests or settings.error_rate_pct, "requests or error_rate_pct"),
        "IR-6": (settings.memory_bytes, "memory_bytes"),
        "CR-5": (settings.latency_buckets, "latency_buckets"),
    }
    for criterion in (*plan.immediate_criteria, *plan.consider_criteria):
        is_named, key = named.get(criterion, (True, ""))
        if criterion in NOT_IN_SERIES:
            yield criterion, NOT_IN_SERIES[criterion]
        elif not is_named:
            yield criterion, f"[prometheus] names no {key}: name it, or nobody is told"
        elif isinstance(plan.item(criterion), OwnTrigger):
            yield criterion, "no rule is made of a criterion of your own: only pytest -m decision knows it"
        elif criterion == "IR-2":
            if not settings.up:
                yield (
                    criterion,
                    "[prometheus] names no up: only series that vanish tell of an outage, and a target that is removed looks the same",
                )
            if not settings.requests:
                yield criterion, "[prometheus] names no requests: a service that answers nothing but errors is not told"
            yield (
                criterion,
                "the front end, and what is in front of the API, are seen only where up is a probe from outside (probe_success)",
            )
