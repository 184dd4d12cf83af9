"""Could we roll back right now? Each strategy is a list of named questions; one that is answered no makes it not ready.

An ability that the environment does not declare, and a question that nobody could answer, leave it not checked: never ready.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence


class State(StrEnum):
    """Of one question."""

    YES = "yes"
    NO = "no"
    NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Answered:
    """A question, and what was found."""

    question: str
    state: State
    words: str


FLAGS = "the flag API knows our token and the plan's flags"
FLAGS_CLOSED = "the flag API refuses callers without a token"
EVALUATION = "what a user gets can be asked"
CACHE = "the call that clears the caches is there"
EMERGENCY = "the emergency call is there and knows our token"
EMERGENCY_CLOSED = "the emergency call refuses callers without a token"
PUBLISHED = "the front end's host knows our token and the site"
FRONTEND_TARGET = "an earlier front end can be restored"
UNLOCKED = "the site is not locked"
SERVICE = "the back end's host knows our token and the service"
BACKEND_TARGET = "an earlier back end can be run again"
AUTODEPLOY = "pushes deploy the back end, as they should before a rollback"
HEAD = "the repository and its branch can be read"
PUSH = "a push would be taken (dry run)"
GIT_HERE = "git is on this machine"
BUILD_HERE = "Node.js and npm are on this machine"
REGISTRY = "the package registry answers, if a build needs it"
NAMES = "every name that a rollback needs is resolved here"
DATABASE = "the database can be read, and no row is hidden from our role"
ACCOUNT = "the test account can sign in"
CHANNEL = "the incident channel's webhook is alive"
CLOCK = "this machine and the API agree on the time"
FRONTEND_CLOCK = "this machine and the front end's host agree on the time"
BACKEND_CLOCK = "this machine and the back end's host agree on the time"

NEEDS: Mapping[str, str] = {
    FLAGS: "flag_admin",
    FLAGS_CLOSED: "flag_admin",
    EVALUATION: "flag_evaluation",
    CACHE: "cache_admin",
    EMERGENCY: "emergency_endpoint",
    EMERGENCY_CLOSED: "emergency_endpoint",
    PUBLISHED: "frontend_host",
    FRONTEND_TARGET: "frontend_host",
    UNLOCKED: "frontend_host",
    FRONTEND_CLOCK: "frontend_host",
    SERVICE: "backend_host",
    BACKEND_TARGET: "backend_host",
    AUTODEPLOY: "backend_host",
    BACKEND_CLOCK: "backend_host",
    HEAD: "git",
    PUSH: "git",
    GIT_HERE: "git",
    BUILD_HERE: "git",
    REGISTRY: "git",
    DATABASE: "database",
    ACCOUNT: "test_account",
    CHANNEL: "slack",
}
"""The ability that a question is about; without one it can be asked everywhere."""

OF_THE_API = frozenset({FLAGS, FLAGS_CLOSED, EVALUATION, CACHE, EMERGENCY, EMERGENCY_CLOSED, ACCOUNT, CLOCK})
"""The questions that the product's own API answers."""
_FLAG_API = (FLAGS, FLAGS_CLOSED, CLOCK)
_FRONTEND = (PUBLISHED, FRONTEND_TARGET, UNLOCKED, FRONTEND_CLOCK)
_BACKEND = (SERVICE, BACKEND_TARGET, AUTODEPLOY, BACKEND_CLOCK, DATABASE)
QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "feature-flag": _FLAG_API,
    "gradual": (*_FLAG_API, EVALUATION),
    "frontend": _FRONTEND,
    "backend": _BACKEND,
    "full-system": (*_FLAG_API, *_FRONTEND, *_BACKEND, CACHE),
    "emergency": (EMERGENCY, EMERGENCY_CLOSED, CLOCK),
    "by-git": (HEAD, PUSH, GIT_HERE),
    "builds": (BUILD_HERE, REGISTRY),
    "names": (NAMES,),
    "verification": (DATABASE, ACCOUNT, CLOCK),
    "message": (CHANNEL,),
}
"""The strategies of the plan by name, each with what its first way stands on; then what their other ways and all of them stand on."""

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
            what=f"{self.name}: {self.state}", asked=f"{len(self.answers)} times yes", measured=yes, n=len(self.answers)
        )

    def __str__(self) -> str:
        return f"{self.name} is {self.state}: {self.words}"


def readiness_of(answers: Iterable[Answered], *, environment: str, abilities: Iterable[str]) -> dict[str, Readiness]:
    """By strategy. A question that nobody answered is not known, and says why."""
    answered = {answer.question: answer for answer in answers}
    declared = set(abilities)

    def found(question: str) -> Answered:
        needed = NEEDS.get(question, "")
        if needed and needed not in declared:
            return Answered(question, State.NOT_KNOWN, f"{environment} declares no {needed}")
        return answered.get(question) or Answered(question, State.NOT_KNOWN, "nobody answered")

    return {name: Readiness(name, tuple(map(found, questions))) for name, questions in QUESTIONS.items()}


def clocks(question: str, *, apart_s: float, uncertain_s: float, apart_s_max: float) -> Answered:
    """Whether two clocks agree. ``uncertain_s``: by how much the comparison itself may be wrong."""
    agree = abs(apart_s) <= apart_s_max + uncertain_s
    how = "ahead of" if apart_s > 0 else "behind"
    words = (
        ""
        if agree
        else f"its clock is {abs(apart_s):.0f} s {how} this machine's (at most {apart_s_max:g} s): set the wrong one"
    )
    return Answered(question, State.YES if agree else State.NO, words)
