"""Puts records, schedules and answers together into findings. Everything here raises MeasurementFailed, and judges nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.run_files import RAMP_JOURNAL, WATCH_RECORD
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_tables import SecretName
from pam_rollback.environment.hosts import HostedSite
from pam_rollback.environment.readiness_settings import Preparedness
from pam_rollback.observation.rules.samples import Sample
from pam_rollback.outside.http import all_at_once
from pam_rollback.plan.plan import Plan
from pam_rollback.readiness.client import doors, records, schedules
from pam_rollback.readiness.client.doors import Door, MailServer
from pam_rollback.readiness.rules import on_call, postmortems, releases, upkeep
from pam_rollback.readiness.rules.finding import Finding
from pam_rollback.readiness.rules.on_call import Shift
from pam_rollback.readiness.rules.releases import Ramp, Released
from pam_rollback.readiness.rules.upkeep import Accepted, Token
from pam_rollback.rollback.rules.deploys import READY, WERE_LIVE, Deploy, Known
from pam_rollback.rollback.service.provider_access import api_host, site_host

RUNBOOK = Path("docs", "runbook.md")
_WENT_LIVE = WERE_LIVE | {READY}
_HOSTS: Mapping[HostedSite, Callable[[Environment, Waiter], Known]] = {"frontend": site_host, "backend": api_host}
_ROLLED_BACK = frozenset({"rollback"})
ANSWERS_MIN = 50
"""Fewer answers say nothing of an exchange: at one a second it takes about a minute."""


@dataclass(frozen=True)
class Place:
    """Whose readiness, and where its records are."""

    environment: Environment
    plan: Plan
    root: Path
    states: Path | None
    """Where records are that outlive sessions, a folder each environment; None for the project's own."""
    now: datetime
    pace: float = 1.0

    @property
    def settings(self) -> Preparedness:
        """What the environment says of its people; the usual figures where it says nothing."""
        return self.environment.readiness or Preparedness()

    @property
    def state(self) -> Path:
        """The records of this environment."""
        return (self.states or self.root / "reports" / "state") / self.environment.name

    @property
    def out(self) -> Path:
        """Where records of runs are."""
        return self.root / "reports" / "out"

    @property
    def deadline_s(self) -> float:
        """For one answer."""
        return self.environment.probing.request_deadline_s


def released(deploys: Iterable[Deploy], *, since_s: float) -> list[Released]:
    """What was new, each commit once and when it first went live. Rollbacks bring nothing new.

    Raises MeasurementFailed where no host tells of any deploy: something is live, so somebody does not tell all.
    """
    deploys = [*deploys]
    if not deploys:
        raise MeasurementFailed("no host tells of any deploy: are its service and site the right ones?")
    first: dict[str, Released] = {}
    for deploy in deploys:
        at = deploy.finished_at or deploy.created_at
        if deploy.state not in _WENT_LIVE or deploy.trigger in _ROLLED_BACK or at is None:
            continue
        key = deploy.commit or deploy.id
        if key not in first or at.timestamp() < first[key].at_s:
            first[key] = Released(key[:12], at.timestamp())
    return sorted((one for one in first.values() if one.at_s >= since_s), key=lambda one: one.at_s)


def ramps_of(place: Place) -> list[Ramp]:
    """By the ramp's journal of this environment."""

    def share_of(stage: str) -> float:
        return place.plan.ramp[stage].rollout_pct

    return records.ramps(place.state / RAMP_JOURNAL, share_of)


def by_steps(place: Place, known: Sequence[Released], ramps: Sequence[Ramp]) -> Finding:
    """PM-2."""
    within_s = place.plan.ramp_terms.gate_s_max
    return _some(known, place) or releases.at_once(known, ramps, now_s=place.now.timestamp(), begins_within_s=within_s)


def by_few_first(place: Place, known: Sequence[Released], ramps: Sequence[Ramp]) -> Finding:
    """PM-3."""
    first = next(iter(place.plan.ramp.values()))
    hold_s = (first.hold_s_min or 0.0) / place.pace
    return _some(known, place) or releases.tried_first(known, ramps, share_pct_max=first.rollout_pct, hold_s_min=hold_s)


def _some(known: Sequence[Released], place: Place) -> Finding | None:
    return None if known else Finding("releases", (f"nothing was released in {place.settings.releases_d:g} d",))


def watch(place: Place) -> Finding:
    """PM-8."""
    last_s = records.last_look_s(place.state / WATCH_RECORD)
    return upkeep.watched(last_s, now_s=place.now.timestamp(), age_s_max=place.settings.watch_age_s_max)


def runbook(place: Place) -> Finding:
    """PM-11."""
    about = place.plan.about
    return upkeep.runbook_kept(
        records.text_of(place.root / RUNBOOK),
        {item.id: item.anchor for item in place.plan.items()},
        reviewed_on=about.reviewed_on,
        review_after_d=about.review_after_d,
        today=place.now.date(),
    )


def shifts(place: Place) -> list[Shift]:
    """Who is on call from now on, by all schedules together."""
    settings, environment = place.settings, place.environment
    until = place.now + timedelta(days=settings.on_call_d)
    found: list[Shift] = []
    if settings.calendar:
        text = records.text_of(place.root / settings.calendar)
        found += schedules.of_calendar(text, since=place.now, until=until, source=settings.calendar)
    if environment.has_secret("on_call_calendar"):
        text = schedules.fetched(environment.secret("on_call_calendar"), deadline_s=place.deadline_s)
        found += schedules.of_calendar(
            text, since=place.now, until=until, source="the calendar of on_call_calendar_env"
        )
    for schedule in settings.pagerduty_schedules:
        if not environment.has_secret("pagerduty_token"):
            raise MeasurementFailed("PagerDuty's schedules need the token of [secrets] pagerduty_token_env")
        found += schedules.of_pagerduty(
            schedule,
            api_url=settings.pagerduty_url,
            token=environment.secret("pagerduty_token"),
            since=place.now,
            until=until,
            deadline_s=place.deadline_s,
        )
    return found


def somebody_on_call(place: Place, known: Sequence[Shift]) -> Finding:
    """PM-12."""
    until = place.now + timedelta(days=place.settings.on_call_d)
    return on_call.covered(known, since=place.now, until=until, absent=place.settings.absent)


def postmortems_finished(place: Place) -> Finding:
    """PM-13."""
    runs, written = _of_incidents(place)
    within = timedelta(days=place.settings.postmortem_within_d)
    return postmortems.finished(runs, written, now=place.now, within=within)


def causes_found(place: Place) -> Finding:
    """RP-1."""
    runs, written = _of_incidents(place)
    within = timedelta(seconds=place.plan.recovery[postmortems.ROOT_CAUSE].max_s or 0.0)
    return postmortems.cause_found(runs, written, now=place.now, within=within)


def _of_incidents(place: Place) -> tuple[list[postmortems.RealRun], list[postmortems.Document]]:
    runs = records.real_runs(place.out, place.environment.name)
    return runs, records.documents(place.root / place.settings.postmortems)


def contacts(place: Place) -> Finding:
    """EC-1 to EC-4: people by the environment's file, mailboxes by its mail server where there is one."""
    environment, settings = place.environment, place.settings
    wanted = {contact.id: contact.email for contact in place.plan.contacts.values()}
    refused: Mapping[str, str] = {}
    if "email" in environment.abilities and environment.email is not None:
        mail = environment.email
        server = MailServer(
            mail.host,
            mail.port,
            mail.sender,
            starttls=mail.starttls,
            username=environment.secret("smtp_username") if environment.has_secret("smtp_username") else "",
            password=environment.secret("smtp_password") if environment.has_secret("smtp_password") else "",
        )
        refused = server.refused([*wanted.values()], deadline_s=place.deadline_s)
    return upkeep.contacts(wanted, settings.people, refused, absent=settings.absent)


def links(place: Place) -> Finding:
    """The environment's own, and on production those of the plan, too."""
    environment = place.environment
    urls = [*place.settings.links, environment.urls.status_page]
    if environment.kind == "production":
        urls += [one.url for one in place.plan.quick_reference.values()]
    return upkeep.links(doors.answers_of([*dict.fromkeys(filter(None, urls))], deadline_s=place.deadline_s))


def doors_of(environment: Environment) -> list[Door]:
    """Where each token that has a value here is shown to be taken."""

    def bearer(name: SecretName) -> str:
        return f"Bearer {environment.secret(name)}"

    found = []
    if environment.github is not None and environment.has_secret("git_token"):
        found.append(Door("git_token", f"{environment.github.api_url}/rate_limit", bearer("git_token")))
    for site, ask in _HOSTS.items():
        name = environment.host_secret(site)
        if environment.host_of(site) is not None and environment.has_secret(name):
            found.append(Door(name, ask(environment, Waiter()).door, bearer(name)))
    if environment.statuspage is not None and environment.has_secret("statuspage_api_key"):
        url = f"{environment.statuspage.api_url}/pages/{environment.statuspage.page_id}"
        found.append(Door("statuspage_api_key", url, f"OAuth {environment.secret('statuspage_api_key')}"))
    return found


def tokens(place: Place) -> Finding:
    """Those that a service can be asked about, and the end that others name themselves."""
    environment = place.environment
    asked = {door.name: door for door in doors_of(environment)}
    calls = {name: lambda door=door: doors.token_at(door, deadline_s=place.deadline_s) for name, door in asked.items()}
    known: list[Token] = [*all_at_once(calls).values()] if calls else []
    if environment.has_secret("supabase_key"):
        ends = doors.end_in(environment.secret("supabase_key"))
        known += [Token("supabase_key", valid=True, ends=ends)] if ends is not None else []
    return upkeep.tokens(known, now=place.now, left_d_min=place.settings.tokens_left_d_min)


def workflows(place: Place) -> Finding:
    """The schedules at GitHub."""
    github = place.environment.github
    if github is None:
        raise MeasurementFailed(f"{place.environment.name} has no table [github]")
    token = place.environment.secret("git_token") if place.environment.has_secret("git_token") else ""
    states = doors.workflow_states(github.api_url, github.repository, token, deadline_s=place.deadline_s)
    return upkeep.workflows(states)


def waivers(place: Place) -> Finding:
    """All of the environment."""
    known = [Accepted(one.item, one.until, one.approved_by, one.is_provisional) for one in place.environment.waivers]
    return upkeep.waivers(known, today=place.now.astimezone(UTC).date())


def tries_exchange(environment: Environment) -> bool:
    """Whether a release is exchanged here. Never on production: users are not practised on."""
    allowed = environment.readiness is not None and environment.readiness.exchange
    return environment.kind == "sandbox" or (allowed and environment.kind != "production")


def exchange_on_record(place: Place) -> Finding:
    """PM-4 where it is not tried."""
    known = records.exchanges(place.out, place.settings.drilled_in, item=upkeep.EXCHANGED)
    return upkeep.exchanged_before(known, age_d_max=place.plan.about.review_after_d)


def exchange_seen(samples: Iterable[Sample]) -> Finding:
    """PM-4 where it was tried."""
    return upkeep.exchanged(upkeep.seen_in(samples), answers_min=ANSWERS_MIN)
