"""PAM's health, asked of all endpoints at once, and what users read, asked once of each part: health says nothing of that."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.http.client import all_at_once, fetch, once_more
from pam_rollback.probe.blocked import Lookout, host_of, refuse_when_blocked, told_of
from pam_rollback.probe.blocking import no_such_path
from pam_rollback.probe.journeys import FOREIGN, Journey, ProbeConfig
from pam_rollback.probe.parts import FRONT_END, HEALTH, SHOWN, probe_config, series_of
from pam_rollback.target.accounts import signed_in
from pam_rollback.target.contract import Component
from pam_rollback.target.environment import Environment
from pam_rollback.target.front_page import ITEM as OF_THE_FRONT_PAGE
from pam_rollback.target.front_page import LATER_SAMPLED, FrontPage
from pam_rollback.target.front_page_reader import look_at_front_page
from pam_rollback.target.health import HealthReport, is_healthy
from pam_rollback.target.offline import refuse_when_offline
from pam_rollback.target.pam_api import Account, SignInLimited
from pam_rollback.target.served_release import FRONT_PAGE


@dataclass(frozen=True)
class HealthEndpoint:
    """Where the health of a component is asked."""

    component: Component
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_health(endpoints: Iterable[HealthEndpoint], *, deadline_s: float) -> dict[str, HealthReport]:
    """Ask every endpoint at the same time; gives a report for each by its component's title, whatever it answered."""

    def ask(endpoint: HealthEndpoint) -> HealthReport:
        asked, method = endpoint.url, endpoint.component.method
        answer = once_more(lambda: fetch(asked, method=method, headers=endpoint.headers, deadline_s=deadline_s))
        return HealthReport.of(endpoint.component, answer, now=datetime.now(UTC))

    return all_at_once({endpoint.component.title: partial(ask, endpoint) for endpoint in endpoints})


_PAGE = "the front page"
_LATER_BESIDE_THE_API = 4
"""So many files are looked at where the pages' host is the API's, which shuts out whoever asks for many paths."""


class Health:
    """The health answers of the plan, as far as this product has them.

    It raises MeasurementFailed for an answer that says nothing of the service: a host has shut us out, or has no such path; and for
    a component that the product has no endpoint for. Also for one that tells nothing of now: a cache gave it, say; ``all`` has those.
    """

    def __init__(
        self, reports: dict[str, HealthReport], front_page: Future[FrontPage], no_answers: Mapping[str, str]
    ) -> None:
        self._reports = reports
        self._front_page = front_page
        self._no_answers = no_answers

    @property
    def front_page(self) -> FrontPage:
        """The page itself; waits until its scripts are there, too."""
        if _PAGE in self._no_answers:
            raise MeasurementFailed(self._no_answers[_PAGE])
        return self._front_page.result()

    @property
    def all(self) -> tuple[HealthReport, ...]:
        """Every report, in the contract's order."""
        return tuple(map(self._answered, self._reports))

    @property
    def release_names(self) -> dict[str, str]:
        """The release that each answer names, of those that are meant to name one, and the front page, where it names one."""
        named = {report.name: report.release for report in self.all if report.component.names_release}
        page = "" if _PAGE in self._no_answers else self.front_page.release
        return named | ({FRONT_PAGE: page} if page else {})

    @property
    def releases(self) -> tuple[str, ...]:
        """What the answers name that are meant to, empty for each that names none. A constant is no release's name."""
        return tuple(report.release for report in self._reports.values() if report.component.names_release)

    def retest(self, item: str) -> tuple[bool, str]:
        """Whether that health check of the plan is green, and its words."""
        if item != OF_THE_FRONT_PAGE:
            report = self.of(item)
            return is_healthy(report), str(report)
        page = self.front_page
        if all(report.component.item != item for report in self._reports.values()):
            return page.is_the_site, str(page)  # this product's front end has no other health
        report = self.of(item)
        return is_healthy(report) and page.is_the_site, f"{report}; {page}"

    def _answered(self, name: str) -> HealthReport:
        if name in self._no_answers:
            raise MeasurementFailed(self._no_answers[name])  # the same words for all: one cause is told once
        return self._reports[name]

    def of(self, item: str) -> HealthReport:
        """What answers for this health check of the plan."""
        name = next((name for name, report in self._reports.items() if report.component.item == item), "")
        if not name:
            raise MeasurementFailed(f"{item}: its health is not asked here; see the contract of the product")
        report = self._answered(name)
        if report.not_known:
            raise MeasurementFailed(str(report))
        return report


def endpoints_of(environment: Environment) -> tuple[HealthEndpoint, ...]:
    """Where this product's components are asked; none for those without an endpoint."""
    return tuple(
        HealthEndpoint(one, url, environment.headers_at(one.site))
        for name, one in environment.contract.health.items()
        if (url := environment.health_url(name))
    )


def ask(
    environment: Environment, *, observed: Iterable[str] = (), answered_before: bool = False, later: int = 0
) -> Health:
    """Ask every health endpoint and the front page, now. Raises MeasurementFailed when we are the ones who are offline.

    ``observed``: what people saw (``--observed``). ``answered_before``: each of these paths is known to have been there.
    ``later``: how many files are looked at that only the front page's scripts name.
    """
    urls, endpoints = environment.urls, endpoints_of(environment)
    deadline_s = environment.probing.request_deadline_s
    home = urls.frontend + environment.pages.home
    # Side by side: what is asked for here is what a person waits for. The page's scripts come while the other answers are judged.
    beside = ThreadPoolExecutor(max_workers=1)
    front_page = beside.submit(ask_front_page, environment, later=later)
    beside.shutdown(wait=False)
    reports = read_health(endpoints, deadline_s=deadline_s)
    if not any(report.reachable for report in reports.values()):
        refuse_when_offline(environment, "no health endpoint can be reached")
    no_answers = {} if answered_before else dict(_without_a_path(environment, reports))
    blocked = Lookout(environment, observed).blocks_now(told_of(report.answer) for report in reports.values())
    no_answers |= {
        name: blocked[host] for name, report in reports.items() if (host := host_of(report.answer.url)) in blocked
    }
    if (front := host_of(home)) in blocked:
        no_answers[_PAGE] = blocked[front]
    return Health(reports, front_page, no_answers)


def ask_front_page(environment: Environment, *, later: int = LATER_SAMPLED) -> FrontPage:
    """Look at the front page as the product's contract wants it."""
    urls, wanted = environment.urls, environment.contract.front_page
    home = urls.frontend + environment.pages.home
    limited = host_of(home) == host_of(urls.api) and environment.contract.limits.paths is not None
    return look_at_front_page(
        home,
        deadline_s=environment.probing.request_deadline_s,
        text=wanted.text,
        later=min(later, _LATER_BESIDE_THE_API) if limited else later,
        names={name: host for name in wanted.names if (host := host_of(getattr(urls, name)))},
    )


def _without_a_path(environment: Environment, reports: Mapping[str, HealthReport]) -> Iterator[tuple[str, str]]:
    for name, report in reports.items():
        answer = report.answer
        if answer.http_status != HTTPStatus.NOT_FOUND or answer.problem:
            continue
        page = f"{environment.urls.frontend}/"
        if host_of(answer.url) == host_of(page) != host_of(environment.urls.api):
            front = fetch(page, deadline_s=environment.probing.request_deadline_s)
            if front.http_status == HTTPStatus.NOT_FOUND:
                continue  # a site without any page is an outage
        yield name, no_such_path(answer.url)


_AS_A_BROWSER = {"Cache-Control": "", "Pragma": ""}


@dataclass(frozen=True, repr=False)
class UsersReads(Fact):
    """What was wrong with the read of each part, by the part; empty where nothing was."""

    wrong: dict[str, str]
    not_asked: str = ""
    """Why the other parts were not asked."""

    @property
    def bad(self) -> dict[str, str]:
        """The parts that did not answer well. Raises MeasurementFailed where none did not, and one was not asked."""
        found = {part: why for part, why in self.wrong.items() if why}
        if not found and (self.not_asked or not self.wrong):
            raise MeasurementFailed(self.not_asked or "nothing that users read could be asked")
        return found

    @property
    def measured(self) -> Measured:
        """How many parts answered well."""
        bad = [f"{part}: {why}" for part, why in self.wrong.items() if why]
        good = [part for part, why in self.wrong.items() if not why]
        return Measured(
            what="reads of users",
            asked="each answered",
            value=f"{len(good)} of {len(self.wrong)}",
            n=len(self.wrong),
            sentence="; ".join(filter(None, [*bad, self.not_asked, f"good: {', '.join(good)}" if good else ""])),
        )


def read_as_users(environment: Environment, observed: Iterable[str] = ()) -> UsersReads:
    """Sign the test account in and read once of each part. Raises MeasurementFailed where signing in is limited, or we are blocked.

    ``observed`` is what people saw (``--observed``).
    """
    config = probe_config(environment, run="health")
    journeys = {one.name: one for one in config.journeys}
    parts = [one for one in series_of(environment, config) if one.part not in {FRONT_END, HEALTH}]
    try:
        account = signed_in(environment)
    except SignInLimited:
        raise
    except MeasurementFailed as problem:
        refuse_when_blocked(environment, "users' reads are not known", observed)
        refuse_when_offline(environment, "users' reads are not known")
        return _without_a_session(config, problem)
    reads = {one.shown: journeys[one.journeys[0]] for one in parts if one.journeys}
    answers = all_at_once({part: lambda read=read: _read(environment, read, account) for part, read in reads.items()})  # type: ignore[misc]
    for words in Lookout(environment, observed).blocks_now(map(told_of, answers.values())).values():
        raise MeasurementFailed(words)  # the same words as everywhere: one cause is told once
    not_asked = "; ".join(f"{one.shown}: {one.lacking}" for one in parts if one.lacking)
    return UsersReads({part: _wrong(reads[part], answer, account) for part, answer in answers.items()}, not_asked)


def _without_a_session(config: ProbeConfig, problem: MeasurementFailed) -> UsersReads:
    part = config.sign_in.part if config.sign_in else ""
    return UsersReads(
        {SHOWN.get(part, part): f"the test account cannot sign in: {problem}"}, "nothing else could be read"
    )


def _read(environment: Environment, read: Journey, account: Account) -> Answer:
    headers = {
        **read.headers,
        **account.headers,
        **(read.browser_headers | _AS_A_BROWSER if read.as_browser_of else {}),
    }
    url = read.url.replace("{user_id}", account.user_id)
    deadline_s = environment.probing.request_deadline_s
    answer = fetch(url, headers=headers, deadline_s=deadline_s)
    # A connection that is lost once says little; one that is lost twice is what users meet.
    return fetch(url, headers=headers, deadline_s=deadline_s) if answer.problem else answer


def _wrong(read: Journey, answer: Answer, account: Account) -> str:
    foreign = FOREIGN if read.is_of_another(answer, account.user_id) else ""
    return "; ".join(filter(None, [foreign, read.expect.shortcomings(answer)]))
