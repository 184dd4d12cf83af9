"""Tells being blocked from an outage: asks further paths of a host that refuses, and whoever can look from elsewhere.

The rule is ``probe/blocking.py``. What is asked here needs no account and is few: a product that bans scanners counts paths.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.client import all_at_once, fetch
from pam_rollback.probe.blocking import (
    ABOUT_THE_SERVICE,
    PATHS_MIN,
    REFUSALS,
    HostAnswer,
    Look,
    Others,
    Place,
    find_blocks,
    meaning,
    open_end,
    sort_out,
    told_by,
)
from pam_rollback.probe.journeys import LOGIN_JOURNEY, PAGES, Journey, ProbeConfig
from pam_rollback.probe.samples import Sample
from pam_rollback.target.environment import Environment

_ASKED_OF_THE_API = ("backend", "database", "pam")
_WORTH_A_LOOK = REFUSALS | {404}
_AS_ANYBODY = {"User-Agent": "Mozilla/5.0 (compatible; availability check)"}
"""The second address does not send our name: a product that shuts this machine out may know it by that."""


def host_of(url: str) -> str:
    """By what a block goes: the name and the port."""
    return urlsplit(url).netloc


def open_urls(environment: Environment, host: str) -> tuple[str, ...]:
    """Addresses of this host that anybody may ask for, the most usual first."""
    urls = environment.urls
    found = []
    if host == host_of(urls.frontend):
        found += [f"{urls.frontend}/", environment.health_url("frontend"), environment.url_of("frontend_version")]
    for base in (urls.backend, urls.api):
        if host == host_of(base):
            asked = [*map(environment.health_url, _ASKED_OF_THE_API), environment.url_of("version")]
            found += [base + urlsplit(url).path.removeprefix(urlsplit(base).path) for url in filter(None, asked)]
            found.append(f"{base}/")
    return tuple(dict.fromkeys(filter(None, found)))


def told_of(answer: Answer, *, at_s: float = 0.0) -> HostAnswer:
    """An answer as the rule takes it."""
    parts = urlsplit(answer.url)
    retry_after = answer.headers.get("retry-after", "")
    status = None if answer.problem else answer.http_status
    return HostAnswer(parts.netloc, parts.path or "/", status, at_s, retry_after=retry_after)


class Lookout:
    """Asks once what a host answers at a further path, and what others get; keeps it for some seconds."""

    def __init__(
        self,
        environment: Environment,
        observed: Iterable[str] = (),
        *,
        keep_s: float = 10.0,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """``observed``: what people say that they saw, as ``--observed`` has it."""
        self._environment = environment
        self._observed = tuple(observed)
        self._keep_s = keep_s
        self._now_s = now_s
        self._looks: dict[str, tuple[float, tuple[Look, ...]]] = {}
        self._asked_s: dict[str, float] = {}
        self.controls: list[HostAnswer] = []
        """What further paths answered, each with its moment."""

    def ask_further(self, host: str, known: Iterable[str]) -> None:
        """Ask the host for a path that needs no account and is none of the known ones; at most every few seconds."""
        now_s = self._now_s()
        if now_s - self._asked_s.get(host, float("-inf")) < self._keep_s:
            return
        self._asked_s[host] = now_s
        self.controls += self._another(host, set(known), at_s=now_s)

    def _another(self, host: str, known: Collection[str], *, at_s: float = 0.0) -> list[HostAnswer]:
        """Ask for the first path of this host that is none of the known ones and needs no account."""
        urls = [url for url in open_urls(self._environment, host) if (urlsplit(url).path or "/") not in known]
        deadline_s = self._environment.probing.request_deadline_s
        return [told_of(fetch(url, deadline_s=deadline_s), at_s=at_s) for url in urls[:1]]

    def looks(self, host: str) -> tuple[Look, ...]:
        """Return what everybody who can look from elsewhere says of this host."""
        now_s = self._now_s()
        kept = self._looks.get(host)
        if kept is None or now_s - kept[0] >= self._keep_s:
            kept = now_s, tuple(self._look(host))
            self._looks[host] = kept
        return kept[1]

    def blocks_now(self, told: Iterable[HostAnswer]) -> Mapping[str, str]:
        """The hosts that block us, as far as is known, each with the sentence; ``told`` are answers of this moment."""
        answers = list(told)
        for host in dict.fromkeys(one.host for one in answers):
            own = [one for one in answers if one.host == host]
            if all(one.http_status in REFUSALS for one in own):
                answers += self._further(host, own)
        found = {}
        for block in find_blocks(answers):
            others, words = meaning(block, self.looks(block.host))
            if others is not Others.REFUSED:
                found[block.host] = words
        return found

    def _further(self, host: str, own: Sequence[HostAnswer]) -> list[HostAnswer]:
        """A path that was not asked yet; none where two that need no account have answered."""
        known = {one.path for one in own}
        if sum(not one.needs_account for one in own) > 1 and len(known) > 1:
            return []
        return self._another(host, known)

    def _look(self, host: str) -> Iterator[Look]:
        environment = self._environment
        for text in self._observed:
            criterion, _, words = text.partition("=")
            if criterion in ABOUT_THE_SERVICE:
                yield Look(Others.REFUSED, f"seen by a person ({criterion}): {words}")
        if environment.second_address_proxy:
            yield _look_from(
                environment.second_address_proxy,
                open_urls(environment, host)[:2],
                control_url=environment.control_probe_url,
                deadline_s=environment.probing.request_deadline_s,
            )


class Sorting:
    """Tells, of the prober's samples, which say nothing about the service; what others get is asked only when a host refuses everything."""

    def __init__(self, places: Mapping[str, Place], lookout: Lookout, answered_before: Collection[str] = ()) -> None:
        """``places``: where each journey asks. The clock of ``lookout`` is that of the samples."""
        self._places = places
        self._lookout = lookout
        self._answered_before = answered_before

    def sorted_out(
        self, samples: tuple[Sample, ...], everything: Callable[[], tuple[Sample, ...]]
    ) -> tuple[Sample, ...]:
        """The samples, sorted out by all that was seen: ``everything`` gives the samples of all journeys from the beginning."""
        if not any(sample.status in _WORTH_A_LOOK for sample in samples):
            return samples
        all_samples = everything()
        told = told_by((one for one in all_samples if one.lag_ms is not None), self._places)
        hosts = dict.fromkeys(place.host for place in self._places.values())
        for host in hosts:
            end = open_end(told, host)
            paths = {one.path for one in end}
            if end and (len(paths) < PATHS_MIN or all(one.needs_account for one in end)):
                self._lookout.ask_further(host, paths)
        return sort_out(
            samples,
            self._places,
            everything=all_samples,
            controls=self._lookout.controls,
            looks=self._lookout.looks,
            answered_before=self._answered_before,
        )


def places_of(config: ProbeConfig) -> dict[str, Place]:
    """Return where each journey of a prober asks."""
    return {journey.name: _place(journey) for journey in config.journeys}


def _place(journey: Journey) -> Place:
    parts = urlsplit(journey.url)
    return Place(
        host=parts.netloc,
        path=parts.path or "/",
        needs_account=journey.signed_in or journey.method != "GET",
        signs_in=journey.name == LOGIN_JOURNEY,
        is_page=journey.name in PAGES,
    )


def refuse_when_blocked(environment: Environment, what: str, observed: Iterable[str] = ()) -> None:
    """Ask site and API; MeasurementFailed, with what could not be done, where one of them blocks us."""
    for words in blocked_hosts(environment, observed).values():
        raise MeasurementFailed(f"{what}: {words}", cause=words)


def blocked_hosts(environment: Environment, observed: Iterable[str] = ()) -> Mapping[str, str]:
    """Ask site and API at two open paths each; gives the hosts that block us, each with the sentence."""
    hosts = dict.fromkeys(host_of(url) for url in (environment.urls.frontend, environment.urls.api))
    urls = [url for host in hosts for url in open_urls(environment, host)[:2]]
    deadline_s = environment.probing.request_deadline_s
    answers = all_at_once({url: lambda url=url: fetch(url, deadline_s=deadline_s) for url in urls})  # type: ignore[misc]
    return Lookout(environment, observed).blocks_now(map(told_of, answers.values()))


def _look_from(proxy: str, urls: Sequence[str], *, control_url: str, deadline_s: float) -> Look:
    """What these addresses of one host answer there; none of them may need an account."""
    answers = [fetch(url, headers=_AS_ANYBODY, deadline_s=deadline_s, proxy=proxy) for url in urls]
    where = f"through the second address ({proxy})"
    if any(_serves(answer) for answer in answers):
        served = next(answer for answer in answers if _serves(answer))
        return Look(Others.SERVED, f"{where} {served.url} answers HTTP {served.http_status}")
    if control_url:
        control = fetch(control_url, headers=_AS_ANYBODY, deadline_s=deadline_s, proxy=proxy)
        if (
            control.http_status is None
            or control.http_status in REFUSALS
            or control.http_status >= HTTPStatus.BAD_GATEWAY
        ):
            return Look(Others.UNKNOWN, f"the second address ({proxy}) reaches nothing: {_briefly(control)}")
    elif any(answer.http_status is None for answer in answers):
        return Look(Others.UNKNOWN, f"the second address ({proxy}) reaches nothing: {_briefly(answers[0])}")
    return Look(Others.REFUSED, f"{where} {'; '.join(map(_briefly, answers))}")


def _serves(answer: Answer) -> bool:
    """Any answer but a refusal and a server's error: whoever is answered 404 is not shut out."""
    status = answer.http_status
    return (
        not answer.problem
        and status is not None
        and status not in REFUSALS
        and status < HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _briefly(answer: Answer) -> str:
    return f"{answer.url}: {answer.problem or f'HTTP {answer.http_status}'}"
