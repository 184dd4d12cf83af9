"""Where no answer names a release, the target is proven by what differs, contradicted by what should have changed, or believed."""

from datetime import UTC, datetime, timedelta

import pytest

from pam_rollback.rollback.deploys import Deploy, ServiceRuns, ServicesOfDeploy
from pam_rollback.rollback.release_proof import MarksSeen, prove
from pam_rollback.target.served_release import BACK_END, Says, Served, Wanted

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
STABLE, BAD, OTHER = "a" * 40, "b" * 40, "c" * 40
_OPENAPI = "/openapi.json"


def ago(minutes: float) -> datetime:
    """So many minutes before now."""
    return NOW - timedelta(minutes=minutes)


def deploy(name: str, commit: str, minutes: float, state: str = "deactivated") -> Deploy:
    """One that took a minute, so long ago."""
    return Deploy(name, state, commit, created_at=ago(minutes), finished_at=ago(minutes - 1))


FIRST, BAD_ONE = deploy("dep-first", STABLE, 2000), deploy("dep-bad", BAD, 500)
ROLLED_BACK = (deploy("dep-back", STABLE, 3, "live"), BAD_ONE, FIRST)
"""The stable release, the bad one, and the stable one again since two minutes."""


def seen(fingerprint: str, minutes: float = 0) -> MarksSeen:
    """What answered then."""
    return MarksSeen(ago(minutes), {_OPENAPI: fingerprint} if fingerprint else {})


def served(now: MarksSeen, *before: MarksSeen, deploys: tuple[Deploy, ...] = ROLLED_BACK) -> Served:
    """What answers, held against the stable release."""
    return Served(BACK_END, Wanted(STABLE), problem=now.problem, proof=prove(STABLE, deploys, now, before))


BASELINE, AT_THE_START = seen("stable's", 1000), seen("bad's", 4)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(served(seen("stable's"), BASELINE, AT_THE_START), "no other deploy that could answer", id="both"),
        pytest.param(served(seen("stable's"), AT_THE_START), "it is no longer that of dep-bad", id="changed"),
        pytest.param(
            served(MarksSeen(NOW, started_at=ago(2.5)), deploys=ROLLED_BACK),
            "it started at 11:57:30 UTC, as dep-back was brought to users",
            id="new process",
        ),
        pytest.param(
            served(MarksSeen(NOW, {_OPENAPI: "bad's"}, ago(2.5)), AT_THE_START),
            "these releases cannot be told apart by it: dep-bad",
            id="equal fingerprints, and a new process",
        ),
    ],
)
def test_what_users_get_proves_it(found: Served, words: str) -> None:
    """And each thing is named with its strength."""
    assert (found.is_wanted, found.holds, found.contradicted, found.unproven) == (True, True, False, "")
    assert words in str(found)
    assert "(strong: seen in an answer to users)" in str(found)
    assert "the host: dep-back (live, commit aaaaaaaaaaaa) is live since 11:58:00 UTC (weak: the host's word)" in str(
        found
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(served(seen("bad's"), BASELINE, AT_THE_START), "it is that of dep-bad", id="the bad one's"),
        pytest.param(
            served(seen("a third"), BASELINE), "not the one that the target had when it was seen", id="a third"
        ),
        pytest.param(served(seen("bad's"), AT_THE_START), "it is still that of dep-bad", id="it had to change"),
        pytest.param(
            served(MarksSeen(NOW, {_OPENAPI: "stable's"}, ago(400)), BASELINE, AT_THE_START),
            "before dep-back was asked for at 11:57:00 UTC: another deploy still answers",
            id="an old process, whatever it says",
        ),
        pytest.param(
            served(seen("stable's"), BASELINE, deploys=(deploy("dep-bad", BAD, 500, "live"), FIRST)),
            "live is dep-bad (live, commit bbbbbbbbbbbb), expected one of commit aaaaaaaaaaaa (weak: the host's word)",
            id="the host says otherwise",
        ),
        pytest.param(served(seen(""), deploys=(FIRST,)), "no deploy is live", id="nothing is live"),
    ],
)
def test_a_contradiction_is_none_of_it(found: Served, words: str) -> None:
    """However much else agrees."""
    assert (found.is_wanted, found.holds, found.contradicted, found.unproven) == (False, False, True, "")
    assert str(found).startswith("the back end does not serve commit aaaaaaaaaaaa: ")
    assert words in str(found)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(
            served(seen("same"), seen("same", 1000), seen("same", 4)),
            "these releases cannot be told apart by it: dep-bad",
            id="equal on both",
        ),
        pytest.param(served(seen("stable's"), BASELINE), "that of dep-bad (deactivated", id="the bad one was not seen"),
        pytest.param(served(seen("stable's")), "was not seen, and may be the same", id="nothing was seen before"),
        pytest.param(served(seen("")), "that the back end serves commit", id="nothing tells"),
        pytest.param(
            served(
                MarksSeen(NOW, problems={_OPENAPI: "HTTP 404"}, started_at=ago(0.1)),
                deploys=(deploy("dep-back", STABLE, 30, "live"), BAD_ONE, FIRST),
            ),
            "any release may have been started again",
            id="a process that was started again later",
        ),
        pytest.param(
            served(MarksSeen(NOW, started_at=NOW - timedelta(minutes=3, seconds=3))),
            "about when dep-back was asked for",
            id="a process that is as old as the deploy",
        ),
        pytest.param(
            served(MarksSeen(NOW, {_OPENAPI: "x"}), deploys=(deploy("dep-back", STABLE, 3, "live"),)),
            "another one was not seen",
            id="a first deploy",
        ),
    ],
)
def test_the_hosts_word_alone_is_a_condition(found: Served, words: str) -> None:
    """It holds, and the verdict says by whose word."""
    assert (found.is_wanted, found.holds, found.contradicted) == (False, True, False)
    assert found.unproven == str(found)
    assert str(found).startswith("that the back end serves commit aaaaaaaaaaaa only its host says: ")
    assert words in str(found)
    assert "strong" not in str(found)


def test_what_does_not_answer_is_no_contradiction() -> None:
    """It was not measured."""
    found = served(MarksSeen(NOW, problems={_OPENAPI: "refused the connection"}))

    assert (found.holds, found.only_the_host_says, found.unproven) == (False, False, "")
    assert "nothing that names a release (/openapi.json: refused the connection)" in str(found)


def test_a_deploy_that_was_new_when_it_was_seen_may_have_been_the_one_before() -> None:
    """Half a minute after it came, either of them may have answered."""
    proof = prove(STABLE, ROLLED_BACK, seen("x"), [seen("x", 498.5)])

    assert [one.says for one in proof.evidence if one.by == _OPENAPI] == [Says.NOTHING]


def together(services: ServicesOfDeploy) -> bool:
    """As the check asserts it."""
    return bool(services.workers) and services.left_behind == ()


def test_services_of_one_deploy_run_one_commit() -> None:
    """One that does not is named with what it runs, and with what became of its newest deploy."""
    api = ServiceRuns("pam-backend", deploy("dep-1", STABLE, 3, "live"))
    behind = ServiceRuns("pam-celery", deploy("dep-2", BAD, 500, "live"), deploy("dep-3", STABLE, 2, "update_failed"))
    well = ServiceRuns("pam-celery", deploy("dep-4", STABLE, 2, "live"))

    assert together(ServicesOfDeploy(api, (well,)))
    found = ServicesOfDeploy(api, (well, behind))
    assert not together(found)
    assert str(found).startswith(
        "worker left behind: pam-celery runs dep-2 (live, commit bbbbbbbbbbbb), and its newest is dep-3 (update_failed"
    )
    assert not together(ServicesOfDeploy(api, (ServiceRuns("pam-celery", None),)))
    assert not together(ServicesOfDeploy(ServiceRuns("pam-backend", None), (ServiceRuns("pam-celery", None),)))
    assert not together(ServicesOfDeploy(api, ()))
