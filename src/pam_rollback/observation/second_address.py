"""Asks as somebody else would: through a proxy at another network address, and without our name.

A product that has shut this machine out knows it by its address or by its ``User-Agent``; a user has neither of them. Whether the proxy
itself is of any use is seen at an address that has nothing to do with the product.
"""

from collections.abc import Sequence
from http import HTTPStatus

from pam_rollback.base.answer import Answer
from pam_rollback.observation.blocking import REFUSALS, Look, Others
from pam_rollback.outside.http import fetch

_AS_ANYBODY = {"User-Agent": "Mozilla/5.0 (compatible; availability check)"}


def look_from(proxy: str, urls: Sequence[str], *, control_url: str, deadline_s: float) -> Look:
    """What these addresses of one host answer there; none of them may need an account."""
    answers = [fetch(url, headers=_AS_ANYBODY, deadline_s=deadline_s, proxy=proxy) for url in urls]
    where = f"through the second address ({proxy})"
    if any(_is_served(answer) for answer in answers):
        served = next(answer for answer in answers if _is_served(answer))
        return Look(Others.SERVED, f"{where} {served.url} answers HTTP {served.http_status}")
    if control_url:
        control = fetch(control_url, headers=_AS_ANYBODY, deadline_s=deadline_s, proxy=proxy)
        if (
            control.http_status is None
            or control.http_status in REFUSALS
            or control.http_status >= HTTPStatus.BAD_GATEWAY
        ):
            return Look(Others.UNKNOWN, f"the second address ({proxy}) reaches nothing: {_briefly(control)}")
    elif any(answer.http_status is None for answer in answers):
        return Look(Others.UNKNOWN, f"the second address ({proxy}) reaches nothing: {_briefly(answers[0])}")
    return Look(Others.REFUSED, f"{where} {'; '.join(map(_briefly, answers))}")


def _is_served(answer: Answer) -> bool:
    """Any answer but a refusal and a server's error: whoever is answered 404 is not shut out."""
    status = answer.http_status
    return (
        not answer.problem
        and status is not None
        and status not in REFUSALS
        and status < HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _briefly(answer: Answer) -> str:
    return f"{answer.url}: {answer.problem or f'HTTP {answer.http_status}'}"
