"""The one error of the sandbox: where, what was expected, what was found, and what to do about it."""


class SandboxError(Exception):
    """The sandbox cannot do what it was asked to do.

    `place` is the part or the file, `expected` and `found` are the two halves of the contradiction, `advice` (may be empty) is
    the next step of a person.
    """

    def __init__(self, place: str, *, expected: str, found: str, advice: str = "") -> None:
        self.place = place
        self.expected = expected
        self.found = found
        self.advice = advice
        message = f"{place}: expected {expected}, found {found}"
        super().__init__(f"{message}\n{advice}" if advice else message)
