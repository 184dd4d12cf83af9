"""Whether everybody can use the site. All states are collected once in a situation; the tests judge their own.

And what a baseline has of barriers, so that later runs can tell what is new: what was there before is known, as far as somebody answers.
"""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import replace
from typing import Any

import allure
import pytest

from pam_rollback.browser.accessibility import OF_STRANGERS, Audit, Audits, KeyboardChat, needed_elements
from pam_rollback.browser.barriers import Findings
from pam_rollback.browser.journeys import NotAsDescribed, Stopped
from pam_rollback.browser.site import Site
from pam_rollback.browser.traveller import kept_by_the_site, tab
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.files import REPORTS
from pam_rollback.plan.stories import SITUATIONS
from pam_rollback.plugin.baseline_files import BaselinePart, Recorded
from pam_rollback.plugin.fixtures import tell_cause
from pam_rollback.plugin.needs import PAGES, SIGNED_IN, Needs, needs, titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import situation_of
from pam_rollback.plugin.topics.journeys import Browsers, site_of
from pam_rollback.probe.blocked import blocked_hosts
from pam_rollback.target.environment import Environment
from pam_rollback.target.offline import refuse_when_offline

_PACKAGES = REPORTS / "node_modules"
_ENDED_WITHIN_S = 20.0
"""Of a session that was stopped: the page that is being judged, and the end of its browser."""


@pytest.fixture(scope="session")
def audits_beside(
    situation: str, in_situation: object, environment: Environment, runbook: Runbook, request: pytest.FixtureRequest
) -> Iterator[Future[Audits] | None]:
    """In a drill whose tests ask for the audits they begin with the first journey, in a browser of their own, beside the journeys.

    Not earlier: how soon pages are painted is measured before, and must not be measured beside another browser. None where nothing else
    runs meanwhile, and in a real rollback, whose journeys are not slowed down.
    """
    if situation not in SITUATIONS or runbook.options.real or not _asked_for("audits", situation, request):
        yield None
        return
    from pam_rollback.browser.axe import load_rules  # noqa: PLC0415 - loads Playwright
    from pam_rollback.browser.page_audits import collect_in_own_browser  # noqa: PLC0415

    beside: Future[Audits] = Future()

    def work() -> None:
        try:
            beside.set_result(collect_in_own_browser(_site(environment, runbook), load_rules(_PACKAGES)))
        except BaseException as problem:  # noqa: BLE001 - raised again where it is asked for
            beside.set_exception(problem)

    # A daemon: a session that is stopped does not wait for it.
    threading.Thread(target=work, name="audits", daemon=True).start()
    yield beside
    wait([beside], _ENDED_WITHIN_S)


def _asked_for(fixture: str, situation: str, request: pytest.FixtureRequest) -> bool:
    items = request.session.items
    return any(fixture in getattr(item, "fixturenames", ()) and situation_of(item) == situation for item in items)


@pytest.fixture(scope="session")
@titled("Every page and state is judged in every look")
@needs("browser")
def audits(
    in_situation: object,
    running_release: str,
    environment: Environment,
    runbook: Runbook,
    audits_beside: Future[Audits] | None,
    browsers: Browsers,
) -> Audits:
    """Every state of the site in every look. Nothing that the service keeps is changed."""
    from pam_rollback.browser.axe import load_rules  # noqa: PLC0415 - loads Playwright
    from pam_rollback.browser.page_audits import collect  # noqa: PLC0415

    def judged(*states: Sequence[str]) -> Audits:
        return collect(browsers.measuring(), _site(environment, runbook), load_rules(_PACKAGES), *states)

    found = judged() if audits_beside is None else audits_beside.result()
    if found.late:
        found = found.renewed(judged(found.late))  # once more, alone: no journey is walked beside it any more
    if not found.reached:
        refuse_when_offline(environment, "no page can be reached")
    if found.reached < len(found.of_states):
        for blocked in blocked_hosts(environment).values():
            return found.not_known_where_not_reached(blocked)
    return found


def _of_state(case: Mapping[str, object], account: bool) -> Needs:  # noqa: FBT001 - the protocol of needs
    """Strangers meet some states; for all others somebody signs in, by elements that have to be described."""
    state = str(case["state"])
    return Needs(() if state in OF_STRANGERS else ("test_account",), elements=needed_elements(state, account=account))


@pytest.fixture
@needs("browser", of_case=_of_state)
def audited(audits: Audits, request: pytest.FixtureRequest) -> Callable[[str, str], Audit]:
    """Gives the audit of a state in a look, with its evidence in the report. Raises MeasurementFailed when it could not be judged."""

    def give(state: str, look: str) -> Audit:
        audit = audits.of(state, look)
        tell_cause(request.node, audit)
        if audit.barriers is not None:
            attach_evidence(audit.barriers)
        return audit

    return give


@pytest.fixture(scope="session")
@titled("PAM is asked by keyboard alone")
@needs("browser", "test_account", elements=(*SIGNED_IN, "message"))
def keyboard_chat(
    in_situation: object, environment: Environment, runbook: Runbook, measuring_browser: Any
) -> KeyboardChat:
    """A question to PAM as the test account, without a pointer, and what a screen reader heard of the answer."""
    from pam_rollback.browser.page_audits import chat  # noqa: PLC0415 - loads Playwright

    question = f"Is there a quiet campground by the sea? ({secrets.token_hex(4)})"
    with closing(measuring_browser.new_context(locale="en-US", service_workers="block")) as context:
        site = tab(context, site_of(environment, runbook))
        try:
            site.sign_in()
            site.open(environment.pages.chat)
            site.open_chat()
            return chat(site, question)
        except (Stopped, NotAsDescribed) as stop:
            refuse_when_offline(environment, "the chat cannot be reached")
            kept_by_the_site(environment, "whether the chat can be used by keyboard", stop)
            return KeyboardChat(0, str(stop), cause=stop.cause)


def attach_evidence(findings: Findings) -> None:
    """By which rules, with what result; and apart from that what a person has to look at."""
    allure.attach(str(findings), f"barriers on {findings.page_state}", allure.attachment_type.TEXT)
    if findings.incomplete:
        name = f"for a person to judge: {findings.page_state}"
        allure.attach(findings.for_review, name, allure.attachment_type.TEXT)


def _site(environment: Environment, runbook: Runbook) -> Site:
    """The site, where each step waits for one answer."""
    return replace(site_of(environment, runbook), within_s=environment.probing.request_deadline_s)


# ------------------------------------------------------------ what a baseline has of barriers


@pytest.fixture(scope="session")
def barriers_recorded(audits: Audits) -> Recorded:
    """Of every page and state that was reached."""
    return Recorded(found=[one for found in audits.all_findings for one in found.findings])


@pytest.fixture(scope="session")
def talk_recorded(keyboard_chat: KeyboardChat) -> Recorded:
    """Whether PAM's answer reaches people without a pointer, and people who hear the page."""
    if keyboard_chat.problem and not keyboard_chat.barred:
        raise MeasurementFailed(str(keyboard_chat))
    return Recorded(found=keyboard_chat.by_ear.findings)


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """Barriers, and what keeps people from PAM's answer."""
    talk, account, to_chat = "PAM's answer by keyboard and by ear", ("browser", "test_account"), (*SIGNED_IN, "message")
    return [
        BaselinePart("accessibility findings", "barriers_recorded", PAGES, ("browser",)),
        BaselinePart(talk, "talk_recorded", PAGES, account, elements=to_chat),
    ]
