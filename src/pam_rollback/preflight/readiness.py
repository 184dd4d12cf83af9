"""Could we roll back right now? Each strategy stands on named questions; one that is answered no makes it not ready.

An ability that the environment does not declare, and a question that nobody could answer, leave it not checked: never ready.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.base.question import Answered, Question, State

READY, NOT_READY, NOT_CHECKED = "ready", "not ready", "not checked"


@dataclass(frozen=True, repr=False)
class Readiness(Sentence):
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
    def ready(self) -> bool:
        """Every question was answered yes. Raises MeasurementFailed when that is not known."""
        if self.state == NOT_CHECKED:
            raise MeasurementFailed(str(self))
        return self.state == READY

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
    def figures(self) -> Figures:
        """For the table of criteria."""
        yes = sum(answer.state is State.YES for answer in self.answers)
        return Figures(
            what=f"{self.name}, questions answered yes",
            asked=f"all {len(self.answers)}",
            measured=yes,
            n=len(self.answers),
        )

    def __str__(self) -> str:
        return f"{self.name} is {self.state}: {self.words}"


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
