"""How much of a product is asked for, and how fast: told beforehand, and never more.

Some products ban an address that asks for more than 20 paths in a minute, for an hour, with everybody behind it. So each request counts as
a path, of whichever host, and any 60 seconds have at most ``PATHS_PER_MINUTE`` of them.
"""

from dataclasses import dataclass, field

PATHS_PER_MINUTE = 12
_MINUTE_S = 60.0
_AHEAD_S = 1.0
"""A request may take so much longer on its way than the next one: a minute there has no more of them than one here."""


class BudgetSpent(Exception):  # noqa: N818 - named by what happened
    """One more would be more than was told. The message says of what."""


@dataclass(frozen=True)
class Budget:
    """What is spent at most."""

    paths: int
    sign_ins: int = 0
    questions: int = 0
    """To PAM: each costs the product time and money."""

    @property
    def minutes(self) -> int:
        """How long the paths take, in whole minutes."""
        return (self.paths - 1) // PATHS_PER_MINUTE

    def __str__(self) -> str:
        """As it is told before anything is sent."""
        time = f", so up to {self.minutes} min" if self.minutes else ""
        return (
            f"at most {self.paths} paths of the product, {PATHS_PER_MINUTE} a minute{time}; "
            f"{self.sign_ins or 'no'} sign-in; {self.questions or 'no'} question to PAM"
        )


@dataclass
class Spending:
    """What of a budget was spent. Times are seconds of one clock."""

    budget: Budget
    gap_s: float = 0.0
    """Between two requests, where the product asks for it (``Crawl-delay``)."""
    asked_s: list[float] = field(default_factory=list)
    sign_ins: int = 0
    questions: int = 0

    def wait_s(self, now_s: float) -> float:
        """How long to wait before one more path. Raises BudgetSpent when there is none left."""
        if len(self.asked_s) >= self.budget.paths:
            raise BudgetSpent(f"{self.budget.paths} paths of the product were asked for, as was told beforehand")
        due_s = now_s
        if len(self.asked_s) >= PATHS_PER_MINUTE:
            due_s = self.asked_s[-PATHS_PER_MINUTE] + _MINUTE_S + _AHEAD_S
        if self.asked_s:
            due_s = max(due_s, self.asked_s[-1] + self.gap_s)
        return max(0.0, due_s - now_s)

    def note_path(self, now_s: float) -> None:
        """One was asked for. Raises ValueError when it was too soon."""
        if self.wait_s(now_s) > 0:
            raise ValueError(f"asked {self.wait_s(now_s):.1f} s too soon")
        self.asked_s.append(now_s)

    def note_sign_in(self) -> None:
        """Somebody signs in. Raises BudgetSpent."""
        if self.sign_ins >= self.budget.sign_ins:
            raise BudgetSpent(f"{self.budget.sign_ins} sign-ins were made, as was told beforehand")
        self.sign_ins += 1

    def note_question(self) -> None:
        """PAM is asked. Raises BudgetSpent."""
        if self.questions >= self.budget.questions:
            raise BudgetSpent(f"{self.budget.questions} questions were asked, as was told beforehand")
        self.questions += 1

    @property
    def left(self) -> int:
        """Paths that may still be asked for."""
        return self.budget.paths - len(self.asked_s)

    def __str__(self) -> str:
        """As it is told at the end."""
        return (
            f"{len(self.asked_s)} of {self.budget.paths} paths, {self.sign_ins} of {self.budget.sign_ins} sign-ins, "
            f"{self.questions} of {self.budget.questions} questions to PAM"
        )
