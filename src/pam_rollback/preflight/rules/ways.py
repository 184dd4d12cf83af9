"""What each way of rolling back stands on, and which ways remain when one of those is down.

A way is a file of ``drills/``. It needs everything that stands here, and nothing else. Whatever a rollback can do without is no reason that
a way is not there: telling the team, the database, the test account, the lock that other machines see.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pam_rollback.environment.environment_tables import HostedSite
from pam_rollback.preflight.rules.readiness import (
    BACKEND_TARGET,
    BUILD_HERE,
    EMERGENCY,
    EVALUATION,
    FLAGS,
    FRONTEND_TARGET,
    GIT_HERE,
    HEAD,
    NEEDS,
    NOT_CHECKED,
    NOT_READY,
    PUBLISHED,
    PUSH,
    READY,
    REGISTRY,
    SERVICE,
    Answered,
    State,
)

PRODUCT, FRONT, BACK = "the product's API", "the front end's host", "the back end's host"
SITES: Mapping[HostedSite, str] = {"frontend": FRONT, "backend": BACK}
HOST, PACKAGES = "the repository's host", "the package registry"
GIT, NODE = "git here", "Node.js and npm here"
NAME_RESOLUTION, SLACK = "name resolution here", "Slack"

PARTY_OF: Mapping[str, str] = {
    FLAGS: PRODUCT,
    EVALUATION: PRODUCT,
    EMERGENCY: PRODUCT,
    PUBLISHED: FRONT,
    FRONTEND_TARGET: FRONT,
    SERVICE: BACK,
    BACKEND_TARGET: BACK,
    HEAD: HOST,
    PUSH: HOST,
    REGISTRY: PACKAGES,
    GIT_HERE: GIT,
    BUILD_HERE: NODE,
}
"""Who answers a question: whoever is down when it cannot be answered."""
WAYS: Mapping[str, tuple[str, ...]] = {
    "feature-flag": (FLAGS,),
    "gradual": (FLAGS, EVALUATION),
    "emergency": (EMERGENCY,),
    "frontend-restore": (PUBLISHED, FRONTEND_TARGET),
    "frontend-commit": (PUBLISHED, HEAD, GIT_HERE, BUILD_HERE, REGISTRY),
    "frontend-revert": (PUBLISHED, HEAD, PUSH, GIT_HERE, BUILD_HERE, REGISTRY),
    "backend-provider": (SERVICE, BACKEND_TARGET),
    "backend-commit": (SERVICE, HEAD),
    "backend-branch": (SERVICE, HEAD, PUSH, GIT_HERE),
    "full-system": (FLAGS, PUBLISHED, FRONTEND_TARGET, SERVICE, BACKEND_TARGET),
}
"""By the name of the file in ``drills/``, the questions that have to be answered yes. A commit is built from the repository's host."""
_IF_DECLARED: Mapping[str, frozenset[str]] = {"full-system": frozenset({FLAGS})}
"""What a way uses where the environment declares it, and does without elsewhere."""


@dataclass(frozen=True)
class Way:
    """One way: on whom it stands, and whether it is there right now."""

    name: str
    stands_on: tuple[str, ...]
    state: str
    words: str
    """What stands in the way; empty when nothing does."""


@dataclass(frozen=True)
class Without:
    """Which of the ways that are ready remain when this one is down."""

    party: str
    remaining: tuple[str, ...]
    note: str = ""


def ways_of(
    answers: Iterable[Answered], *, environment: str, abilities: Iterable[str], called: Mapping[str, str] | None = None
) -> tuple[Way, ...]:
    """Each way, by what was answered. What the environment does not declare, and what nobody answered, is not checked.

    ``called``: the names of parties that have one.
    """

    def party(question: str) -> str:
        return (called or {}).get(PARTY_OF[question], PARTY_OF[question])

    answered, declared = {answer.question: answer for answer in answers}, set(abilities)
    found = []
    for name, questions in WAYS.items():
        spared = {question for question in _IF_DECLARED.get(name, ()) if NEEDS[question] not in declared}
        asked = [question for question in questions if question not in spared]
        undeclared = [NEEDS[question] for question in asked if NEEDS[question] not in declared]
        no = [answered[one] for one in asked if one in answered and answered[one].state is State.NO]
        open_ = [one for one in asked if one not in answered or answered[one].state is State.NOT_KNOWN]
        parties = tuple(dict.fromkeys(party(question) for question in asked))
        if undeclared:
            state, words = NOT_CHECKED, f"{environment} declares no {' and no '.join(dict.fromkeys(undeclared))}"
        elif no:
            state = NOT_READY
            words = "; ".join(dict.fromkeys(f"{party(one.question)}: {one.words}" for one in no))
        elif open_:
            state = NOT_CHECKED
            words = f"not known: {', '.join(dict.fromkeys(party(question) for question in open_))}"
        else:
            state, words = READY, ""
        found.append(Way(name, parties, state, words))
    return tuple(found)


def without_each(ways: Iterable[Way], *, by_name: Iterable[str]) -> tuple[Without, ...]:
    """For each on whom a way that is ready stands: which of them remain when it is down.

    ``by_name``: those that are reached by a name and not by an address; without name resolution none of them is.
    """
    ready = [way for way in ways if way.state == READY]
    parties = tuple(dict.fromkeys(party for way in ready for party in way.stands_on))
    named = set(by_name)
    found = [Without(party, tuple(way.name for way in ready if party not in way.stands_on)) for party in parties]
    found.append(Without(NAME_RESOLUTION, tuple(way.name for way in ready if not named & set(way.stands_on))))
    found.append(Without(SLACK, tuple(way.name for way in ready), "no way waits for it; tell the team yourself"))
    return tuple(found)
