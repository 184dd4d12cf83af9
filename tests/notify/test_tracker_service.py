"""An incident is on record once, whoever looks, whatever the tracker answers; each refusal is one line that says what to do."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pam_rollback.core.errors import ActionFailed, LockLost
from pam_rollback.core.wait import Waiter, gated_by
from pam_rollback.notify.tracker import Incidents, github_issues, harmless, why
from pam_rollback.report.watched_incident import CriterionSeen, WatchedIncident
from tests.notify.github_issues import TOKEN, Fault, Issues, stand_in
from tests.virtual_clock import VirtualClock

AT = datetime(2026, 11, 27, 3, 12, tzinfo=UTC)
FOUND = CriterionSeen("IR-5", "Errors", "31 % of 200, more than 5 %", AT)
INCIDENT = WatchedIncident(
    key="pam-1",
    environment="production",
    recommendation="ROLL BACK NOW",
    found=(FOUND,),
    strategy="ST-3",
    strategy_title="Front end",
    rehearsed="41 s in the last drill",
    command="pytest drills/test_frontend_restore.py --env production",
    opened=AT,
    seen=AT,
    run="watch-7",
)


def marked(key: str, environment: str) -> str:
    """A body of ours."""
    return f"<!-- pam-rollback incident key={key} environment={environment} -->\ntext\n"


@pytest.fixture
def github() -> Iterator[Issues]:
    """A repository without issues. What was asked and answered is as GitHub describes it."""
    with stand_in() as made:
        yield made
        assert made.problems == []


def machine(github: Issues, *, token: str = TOKEN, patience_s: float = 20.0) -> Incidents:
    """A machine that knows nothing but the environment's file; waits cost no time."""
    tracker = github_issues(github.settings(), token, waiter=Waiter(VirtualClock()))
    tracker.api.deadline_s, tracker.api.patience_s = 0.4, patience_s
    return Incidents(tracker, "production", lambda text: text.replace("s3cret", "***"))


def test_it_is_opened_once_and_found_by_another_machine(github: Issues) -> None:
    """By the mark of its body, also when it was retitled; a pull request or somebody else's text with the mark is none."""
    github.add("a change", marked("pam-1", "production"), pull=True)
    github.add("forged", marked("pam-1", "production"), association="NONE")
    github.add("of staging", marked("pam-1", "staging"))

    url = machine(github).opened(INCIDENT)
    github.issues[3]["title"] = "site is white"

    assert url.endswith("/issues/4")
    assert machine(github).opened(INCIDENT) == url
    assert machine(github).opened(replace(INCIDENT, key="pam-2")).endswith("/issues/5")
    body = github.issues[3]["body"]
    assert body.startswith(marked("pam-1", "production").partition("\n")[0])
    assert "- IR-5 Errors: 31 % of 200, more than 5 % (since 2026-11-27 03:12 UTC)" in body
    assert "```sh\npytest drills/test_frontend_restore.py --env production\n```" in body


def test_what_a_watch_finds_is_followed_to_its_end(github: Issues) -> None:
    """Each change is a comment, without secrets, and nobody is called; who closed it before, it stays closed."""
    url = machine(github).opened(INCIDENT)
    worse = replace(INCIDENT, recommendation="CONSIDER A ROLLBACK", strategy_title="token s3cret, ask @all")

    assert machine(github).updated(worse) == url
    for _ in range(2):
        assert machine(github).closed(replace(INCIDENT, reference=url, closed=AT)) == url

    assert "**CONSIDER A ROLLBACK**" in github.said(1)[0]
    assert "Over: nothing asks for a rollback any more." in github.said(1)[-1]
    assert github.issues[0]["state"] == "closed"
    assert "s3cret" not in str(github.issues)
    assert "@all" not in str(github.issues)


def test_a_real_rollback_is_on_record_until_go(github: Issues) -> None:
    """In the incident that a watch opened, else in its own; only GO closes it."""
    here = machine(github)
    url = here.begun("frontend", "kim", "white `page` <!-- x --> @all", "run-1")
    here.judged(url, "NO-GO  production: 1 broken criterion", "run-1", go=False)
    assert github.issues[0]["state"] == "open"
    assert machine(github).begun("full-system", "kim", "still white", "run-2") == url
    here.judged(url, "GO  production", "run-2", go=True)

    began, verdict, _, go = github.said(1)
    assert "begun by kim: white 'page' &lt;!-- x --> @\u200ball" in began
    assert "NO-GO  production: 1 broken criterion" in verdict
    assert "Not over: this stays open." in verdict
    assert "make incident RUN=run-2" in go
    assert (len(github.issues), github.issues[0]["state"]) == (1, "closed")


def test_text_from_outside_is_no_mark() -> None:
    """Whatever a reason or an answer holds."""
    assert (
        harmless(f"{marked('a', 'b')}@all") == "&lt;!-- pam-rollback incident key=a environment=b --> text @\u200ball"
    )


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (Fault(401, "Bad credentials"), "GitHub does not know the token of [secrets] tracker_token_env"),
        (Fault(403, "Resource not accessible by personal access token"), "give it Issues (read and write)"),
        (
            Fault(403, "API rate limit exceeded", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4102444800"}),
            "its limit (0 requests) was met, ask again in",
        ),
        (Fault(404, "Not Found"), "is [tracker] repository right, as owner/name?"),
        (Fault(410, "Issues are disabled for this repo"), "issues are switched off there"),
        (Fault(200, raw=b"<html>welcome to the hotel</html>"), "does something else answer in GitHub's place"),
    ],
    ids=lambda one: "" if isinstance(one, str) else f"{one.status} {one.message}"[:30],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_the_tracker_refuses_is_one_line_that_says_what_to_do(
    github: Issues, method: str, fault: Fault, line: str
) -> None:
    """Reading and writing; the token is in none of them. What else a provider may answer: tests/http/test_provider.py."""
    if fault.raw is not None and method == "POST":
        fault = Fault(201, raw=fault.raw)
    github.faults = {method: fault}
    with pytest.raises(ActionFailed) as refused:
        machine(github, patience_s=3.0).opened(INCIDENT)

    words = why(refused.value)
    assert line in words
    assert "\n" not in words
    assert TOKEN not in words


def test_what_was_done_although_no_answer_came_is_not_done_twice(github: Issues) -> None:
    """One issue: whoever calls again looks first."""
    github.faults = {"POST": Fault(502, "bad gateway", done_all_the_same=True)}
    with pytest.raises(ActionFailed):
        machine(github, patience_s=1.0).opened(INCIDENT)
    github.faults = {}

    assert machine(github).opened(INCIDENT).endswith("/issues/1")


def test_a_token_that_is_wrong_is_not_shown(github: Issues) -> None:
    """Neither is one that is none."""
    with pytest.raises(ActionFailed, match="does not know the token"):
        machine(github, token="ghp_of-yesterday").opened(INCIDENT)
    with pytest.raises(ActionFailed, match="it is empty"):
        machine(github, token="").opened(INCIDENT)


def test_a_lost_lock_keeps_nobody_from_the_tracker(github: Issues) -> None:
    """Who may change what users see is one question, who may write down what is wrong another."""

    def closed(what: str) -> None:
        raise LockLost(what)

    with gated_by(closed):
        assert machine(github).opened(INCIDENT)
