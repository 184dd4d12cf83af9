"""Waits for what a provider does in its own time, and for what users get of it: accepted is not done, and done is not served."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from pam_rollback.core.errors import ActionFailed, ProviderError
from pam_rollback.core.wait import Backoff, NotReached, Waiter
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.target.served_release import Served

_FINAL = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""Asking again gives the same answer."""
_TRIES = 2
T = TypeVar("T")
ASKED = Backoff(least_s=0.1, most_s=5.0)
"""How often a provider is asked how far it is: 90 times in the first minute, 12 times in later ones; hosts allow 400 and
more. Five seconds from the start would leave a restored site open to the next build for that long before it is locked."""
LOOKED = Backoff(least_s=0.25, most_s=5.0)
"""How often it is looked what is served: a streak must last longer than a moment, and the product counts its callers."""
LOOKED_WHERE_LIMITED = Backoff(least_s=0.5, most_s=10.0, share=1.0)
"""The same of a product that shuts out whoever asks too often: 11 times in the first minute, 6 times in later ones. Today's PAM bears 50
requests a minute of one client, a look is two of them, and half an hour without any answer would follow an action that is not seen yet."""
SILENT_S = 90.0
"""So long a host may say nothing of what it accepted. Most hiccups are over by then, and the verdict is due within minutes."""
IN_A_ROW = 3
"""Answers of a content network, and of two processes during a change, may alternate for a moment."""


def looked_every_s(*, limited: bool) -> Backoff:
    """How often it is looked what a product serves; ``limited``: it counts what one client asks within a minute."""
    return LOOKED_WHERE_LIMITED if limited else LOOKED


def done_or_seen(change: Callable[[], T], see: Callable[[], T | None]) -> T:
    """Ask for a change that does no harm when it is made twice; gives what came of it.

    Where the answer leaves open whether it was made, ``see`` looks (None: it was not), and only then is it asked for once more.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            return change()
        except ProviderError as error:
            if not is_unclear(error):
                raise
            seen = _seen(see)
            if seen is not None:
                return seen
            if attempt == _TRIES:
                raise
    raise AssertionError  # pragma: no cover - the last try returns or raises


def is_unclear(error: ProviderError) -> bool:
    """It may have been done all the same: no answer, the provider's own trouble, or a good answer that cannot be read."""
    status = error.http_status
    return error.sent and (
        status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.MULTIPLE_CHOICES
    )


def _seen(see: Callable[[], T | None]) -> T | None:
    try:
        return see()
    except (ActionFailed, NotReached):
        return None  # what cannot be seen is told by the error of the change


def until_deploy(
    ask: Callable[[], Deploy],
    *,
    holds: Callable[[Deploy], bool],
    failed: Callable[[Deploy], bool],
    waiter: Waiter,
    within_s: float,
    what: str,
    every_s: float | Backoff = ASKED,
) -> Deploy:
    """Ask until the deploy is as wanted; an error of the provider in between is no answer, and is asked again.

    Raises ActionFailed when the deploy failed, when the provider refuses to say, after ``within_s`` seconds, and after ``SILENT_S`` of
    nothing but errors: what waits for it (a lock, the verdict) has to be told by then that nothing is known.
    """
    answered_s = waiter.clock.monotonic_s()

    def asked() -> Deploy | str:
        nonlocal answered_s
        try:
            seen = ask()
        except ProviderError as error:
            silent_s = waiter.clock.monotonic_s() - answered_s
            if error.http_status in _FINAL:
                raise
            if silent_s >= SILENT_S:
                raise ActionFailed(f"{what}: not known, no answer for {silent_s:.0f} s ({error})") from error
            return f"no answer ({error})"
        answered_s = waiter.clock.monotonic_s()
        return seen

    try:
        seen = waiter.until(
            asked,
            holds=lambda seen: isinstance(seen, Deploy) and (holds(seen) or failed(seen)),
            within_s=within_s,
            what=what,
            every_s=every_s,
        )
    except NotReached as error:
        raise ActionFailed(str(error)) from error
    if not isinstance(seen, Deploy) or not holds(seen):
        raise ActionFailed(
            f"{what}: it failed, {seen}{f': {seen.problem}' if isinstance(seen, Deploy) and seen.problem else ''}"
        )
    return seen


def until_served(
    look: Callable[[], Served], waiter: Waiter, *, within_s: float, every_s: float | Backoff = LOOKED
) -> Served:
    """Look until users get what is wanted, several times in a row. Raises ActionFailed with what they get instead.

    What cannot be told from another deploy is not waited for: no later look would tell more.
    """
    what = "the target release is served"
    seen = _until(look, waiter, lambda served: served.holds or served.cannot_be_told, what, within_s, every_s)
    if not seen.holds:
        raise ActionFailed(
            f"{seen}; see at the provider what is live, and have the product name its commit beside its version"
        )
    return seen


def until_no_other_is_served(
    look: Callable[[], Served], waiter: Waiter, *, within_s: float, every_s: float | Backoff = LOOKED
) -> None:
    """Look until nothing else is served, several times in a row. Raises ActionFailed with what is.

    For an undo: what was there before may have been ill, so that nothing proves it. That is no reason to call it not put back.
    """
    what = "what was there before is served again"
    _until(look, waiter, lambda served: not served.is_another, what, within_s, every_s)


def _until(
    look: Callable[[], Served],
    waiter: Waiter,
    holds: Callable[[Served], bool],
    what: str,
    within_s: float,
    every_s: float | Backoff,
) -> Served:
    try:
        return waiter.until(look, holds=holds, within_s=within_s, what=what, in_a_row=IN_A_ROW, every_s=every_s)
    except NotReached as error:
        raise ActionFailed(str(error)) from error
