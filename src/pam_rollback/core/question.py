"""What a rollback stands on, as questions that are asked before one, and what they were answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, ProviderError, Refused

_TOO_MANY_REQUESTS = 429


class State(StrEnum):
    """Of one question."""

    YES = "yes"
    NO = "no"
    NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Question:
    """Something that a rollback stands on."""

    text: str
    """"Asked whether …": a sentence without a full stop."""
    parts: tuple[str, ...]
    """What is ready with a yes only: strategies of the plan by name, or what all of them stand on."""
    ability: str = ""
    """What an environment declares in order to be asked; without one it can be asked everywhere."""
    party: str = ""
    """Who is down when it cannot be answered yes; empty where no way of rolling back depends on it."""
    ways: tuple[str, ...] = ()
    """The files of ``drills/``, by their names, that need a yes."""
    does_without: tuple[str, ...] = ()
    """Those of them that need it only where the environment declares it."""
    of_the_api: bool = False
    """The product's own API answers it: whoever is shut out there hears a closed door behind it, and an open one behind none."""


@dataclass(frozen=True)
class Answered:
    """A question, and what was found."""

    question: str
    state: State
    words: str


@dataclass(frozen=True)
class Call:
    """Questions that are answered together; ``ask`` gives what it could answer."""

    questions: tuple[Question, ...]
    ask: Callable[[], Sequence[Answered]]
    address: str = ""
    """Where their party is, if a name has to be resolved for it: ``https://…``, ``git@host:path``."""
    called: str = ""
    """The party's own name here, such as the provider's."""


def answered(question: str, ask: Callable[[], str]) -> Answered:
    """Ask one question: ``ask`` gives words when the answer is yes, and raises ActionFailed or Refused when it is no.

    A provider that has met its limit of requests has not said no, and neither has whatever could not be measured.
    """
    try:
        return Answered(question, State.YES, ask())
    except ProviderError as error:
        busy = error.http_status == _TOO_MANY_REQUESTS
        return Answered(question, State.NOT_KNOWN if busy else State.NO, str(error))
    except (ActionFailed, Refused) as error:
        return Answered(question, State.NO, str(error))
    except MeasurementFailed as error:
        return Answered(question, State.NOT_KNOWN, str(error))


def one(question: Question, ask: Callable[[], str], *, address: str = "", called: str = "") -> Call:
    """A question that is answered by itself."""
    return Call((question,), lambda: [answered(question.text, ask)], address, called)
