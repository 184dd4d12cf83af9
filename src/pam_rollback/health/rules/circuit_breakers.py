"""How the product's circuit breakers stand: closed where all is well, open while what they guard fails."""

from collections.abc import Mapping
from dataclasses import dataclass

from pam_rollback.base.answer import Answer
from pam_rollback.base.figures import Figures, Sentence

CLOSED = "CLOSED"
KNOWN = frozenset({CLOSED, "OPEN", "HALF_OPEN"})


@dataclass(frozen=True, repr=False)
class CircuitBreakers(Sentence):
    """What the product says of them, after it was asked through them."""

    where: str
    states: Mapping[str, str]
    """By name; empty when the product did not tell."""
    told: str = ""
    """What it answered instead, where it did not tell."""
    cause: str = ""
    """What stood in its way, and in that of others."""
    waited_s: float = 0.0
    """For how long they were looked at."""

    @property
    def open(self) -> tuple[str, ...]:
        """Those that are not closed; half open is not closed."""
        return tuple(name for name, state in self.states.items() if state != CLOSED)

    @property
    def all_closed(self) -> bool:
        """There are some, and each is closed. No breaker at all isolates nothing."""
        return bool(self.states) and not self.open

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        n = len(self.states)
        return Figures(
            what="circuit breakers that are not closed",
            asked="0 of at least 1",
            measured=len(self.open) if n else "not told",
            n=n,
            margin=-float(len(self.open)) if n else None,
        )

    def __str__(self) -> str:
        if not self.states:
            return f"{self.where}: expected the states of circuit breakers, found {self.told or 'none'}"
        said = ", ".join(f"{name} {state}" for name, state in self.states.items())
        waited = f", looked at for {self.waited_s:.1f} s" if self.open else ""
        return f"{self.where}: {said} (expected each {CLOSED}{waited})"


def read_breakers(answer: Answer) -> CircuitBreakers:
    """What an answer tells of them: an object of names, each with its state, or with an object that has one.

    A state that is not known is told as it is: it is not closed.
    """
    body = answer.json
    found = body.get("circuit_breakers", body.get("breakers", body)) if isinstance(body, dict) else None
    states = {name: state for name, one in found.items() if (state := _state(one))} if isinstance(found, dict) else {}
    return CircuitBreakers(answer.url, states, told="" if states else str(answer), cause=answer.cause)


def _state(one: object) -> str:
    state = one.get("state") if isinstance(one, dict) else one
    text = str(state).upper().replace("-", "_") if isinstance(state, str) else ""
    # Beside the breakers an answer may have other texts, such as a status or a time; below one, a state is a state.
    return text if isinstance(one, dict) or text in KNOWN else ""
