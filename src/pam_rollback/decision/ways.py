"""Which ways of rolling back are there right now, and which remain when somebody whom they stand on is down.

A way is a file of ``drills/``. It stands on the questions that name it (``Question.ways``), and on nothing else. Whatever a rollback can do
without is no reason that a way is not there: telling the team, the database, the test account, the lock that other machines see.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.core.question import Answered, Question, State
from pam_rollback.report.record_parts import RemainingWays, WayFound

READY, NOT_READY, NOT_CHECKED = "ready", "not ready", "not checked"


@dataclass(frozen=True, repr=False)
class Readiness(Fact):
    """What is known of one strategy."""

    name: str
    answers: tuple[Answered, ...]

    @property
    def state(self) -> str:
        """In a word. Not ready comes before not checked: what is known to be wrong has to be mended."""
        states = {answer.state for answer in self.answers}
        if State.NO in states:
            return NOT_READY
        return READY if states == {State.YES} else NOT_CHECKED

    @property
    def questions(self) -> int:
        """How many there are."""
        return len(self.answers)

    @property
    def answered_yes(self) -> int:
        """How many were answered yes. Raises MeasurementFailed when none was answered no and one is open, or none was asked."""
        if self.state == NOT_CHECKED:
            raise MeasurementFailed(str(self))
        return sum(answer.state is State.YES for answer in self.answers)

    @property
    def words(self) -> str:
        """What stands in the way; when nothing does, what was found."""
        wanted = {NOT_READY: State.NO, NOT_CHECKED: State.NOT_KNOWN}.get(self.state)
        if wanted is None:
            return "; ".join(dict.fromkeys(answer.words for answer in self.answers if answer.words))
        by_words: dict[str, list[str]] = {}
        for answer in self.answers:
            if answer.state is wanted:
                by_words.setdefault(answer.words, []).append(answer.question)
        # One cause that answers several questions is told once.
        return "; ".join(
            f"{words} (asked whether {questions[0]})" if len(questions) == 1 else words
            for words, questions in by_words.items()
        )

    @property
    def measured(self) -> Measured:
        """How many were answered yes, of all."""
        return Measured(
            what=f"{self.name}, questions answered yes",
            asked=f"all {self.questions}",
            value=sum(answer.state is State.YES for answer in self.answers),
            n=self.questions,
            sentence=f"{self.name} is {self.state}: {self.words}",
        )


def readiness_of(
    questions: Iterable[Question], answers: Iterable[Answered], *, environment: str, abilities: Collection[str]
) -> dict[str, Readiness]:
    """By strategy, and by what several of them stand on. A question that nobody answered is not known, and says why."""
    answered = {answer.question: answer for answer in answers}
    found: dict[str, tuple[Answered, ...]] = {}
    for question in questions:
        needed, text = question.ability, question.text
        if needed and needed not in abilities:
            answer = Answered(text, State.NOT_KNOWN, f"{environment} declares no {needed}")
        else:
            answer = answered.get(text) or Answered(text, State.NOT_KNOWN, "nobody answered")
        found |= {part: (*found.get(part, ()), answer) for part in question.parts}
    return {part: Readiness(part, own) for part, own in found.items()}


NAME_RESOLUTION, SLACK = "name resolution here", "Slack"


def ways_of(
    names: Iterable[str],
    questions: Collection[Question],
    answers: Iterable[Answered],
    *,
    environment: str,
    abilities: Collection[str],
    called: Mapping[str, str] | None = None,
) -> tuple[WayFound, ...]:
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
        found.append(WayFound(name, parties, state, words))
    return tuple(found)


def way_back(ways: Iterable[WayFound]) -> Readiness:
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


def without_each(ways: Iterable[WayFound], *, by_name: Iterable[str]) -> tuple[RemainingWays, ...]:
    """For each on whom a way that is ready stands: which of them remain when it is down.

    ``by_name``: those that are reached by a name and not by an address; without name resolution none of them is.
    """
    ready = [way for way in ways if way.state == READY]
    parties = tuple(dict.fromkeys(party for way in ready for party in way.stands_on))
    named = set(by_name)
    found = [RemainingWays(party, tuple(way.name for way in ready if party not in way.stands_on)) for party in parties]
    found.append(RemainingWays(NAME_RESOLUTION, tuple(way.name for way in ready if not named & set(way.stands_on))))
    found.append(RemainingWays(SLACK, tuple(way.name for way in ready), "no way waits for it; tell the team yourself"))
    return tuple(found)
