"""Which ways of rolling back are there right now, and which remain when somebody whom they stand on is down.

A way is a file of ``drills/``. It stands on the questions that name it (``Question.ways``), and on nothing else. Whatever a rollback can do
without is no reason that a way is not there: telling the team, the database, the test account, the lock that other machines see.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pam_rollback.base.question import Answered, Question, State
from pam_rollback.preflight.readiness import NOT_CHECKED, NOT_READY, READY, Readiness

NAME_RESOLUTION, SLACK = "name resolution here", "Slack"


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
    names: Iterable[str],
    questions: Collection[Question],
    answers: Iterable[Answered],
    *,
    environment: str,
    abilities: Collection[str],
    called: Mapping[str, str] | None = None,
) -> tuple[Way, ...]:
    """Each way, by what was answered. What the environment does not declare, and what nobody answered, is not checked.

    ``called``: the names of parties that have one.
    """

    def party(question: Question) -> str:
        return (called or {}).get(question.party, question.party)

    answered = {answer.question: answer for answer in answers}
    found = []
    for name in names:
        asked = [
            one
            for one in questions
            if name in one.ways and not (name in one.does_without and one.ability not in abilities)
        ]
        undeclared = [one.ability for one in asked if one.ability and one.ability not in abilities]
        no = [one for one in asked if one.text in answered and answered[one.text].state is State.NO]
        open_ = [one for one in asked if one.text not in answered or answered[one.text].state is State.NOT_KNOWN]
        parties = tuple(dict.fromkeys(map(party, asked)))
        if undeclared:
            state, words = NOT_CHECKED, f"{environment} declares no {' and no '.join(dict.fromkeys(undeclared))}"
        elif no:
            state = NOT_READY
            words = "; ".join(dict.fromkeys(f"{party(one)}: {answered[one.text].words}" for one in no))
        elif open_ or not asked:
            state = NOT_CHECKED
            words = f"not known: {', '.join(dict.fromkeys(map(party, open_))) or 'what it stands on'}"
        else:
            state, words = READY, ""
        found.append(Way(name, parties, state, words))
    return tuple(found)


def way_back(ways: Iterable[Way]) -> Readiness:
    """Whether any way of rolling back is ready; which are, else what stands in the way of each."""
    found = tuple(ways)
    by_words: dict[tuple[str, str], list[str]] = {}
    for way in [way for way in found if way.state == READY] or found:
        by_words.setdefault((way.state, way.words), []).append(way.name)
    states = {READY: State.YES, NOT_READY: State.NO, NOT_CHECKED: State.NOT_KNOWN}
    answers = (
        Answered(f"{' or '.join(names)} can be taken", states[state], words or ", ".join(names))
        for (state, words), names in by_words.items()
    )
    return Readiness("way back", tuple(answers))


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
