"""The ways in which a session can fail, apart from a criterion that is broken.

A criterion that is broken is an ``AssertionError`` in the body of a test. Everything here means something else, and the verdict depends on
which: see ``report/verdict.py`` and the "Verdicts" section of the design.
"""


class Caused(Exception):  # noqa: N818 - as all of these
    """What went wrong, with what stood in the way of more than this: ``cause``, in the same words wherever it is met; mostly empty."""

    def __init__(self, *args: object, cause: str = "") -> None:
        super().__init__(*args)
        self.cause = cause


def cause_of(error: BaseException | None) -> str:
    """What stood in the way, as the error says, or the one that it was raised from; empty where none of them does."""
    while error is not None:
        if isinstance(error, Caused) and error.cause:
            return error.cause
        error = error.__cause__
    return ""


class ActionFailed(Exception):  # noqa: N818 - named by what happened; the exit code is 12
    """The rollback was not done, or could not be shown to be done."""


class LockLost(ActionFailed):
    """Another session took the lock while this one acted: nothing more is sent. The message says who, and how to go on."""


class ProviderError(ActionFailed):
    """A provider did not do, or did not say, what it was asked. The message names provider, operation, answer, request id and what to do.

    ``http_status`` is None when no answer came. ``sent`` is False when it is certain that nothing reached the provider: only then may a
    request that changes something be repeated without looking first.
    """

    def __init__(
        self, message: str, *, provider: str, operation: str, http_status: int | None = None, sent: bool = True
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.operation = operation
        self.http_status = http_status
        self.sent = sent


class UnreadableAnswer(ActionFailed):
    """The product answered, but not so that it can be understood: what is there is not known, and asking again may tell."""


class UndoFailed(Exception):  # noqa: N818 - named by what happened; the exit code is 14
    """What was changed could not be put back: a person is needed."""


class NothingToProve(Exception):  # noqa: N818 - named by what happened; the exit code is 11
    """The planted incident cannot be seen, so recovering from it would prove nothing."""


class MeasurementFailed(Caused):
    """We could not measure. Never the same as "it is fine", and never the same as "it is broken"."""


class StopRequested(Exception):  # noqa: N818 - named by what happened
    """Somebody asked this session to stop; every wait ends with it."""


class Refused(Exception):  # noqa: N818 - named by what happened; the exit code is 13
    """A guard refused the session before it changed anything."""
