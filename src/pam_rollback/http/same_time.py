"""Whether somebody else's clock and this machine's agree."""

import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from pam_rollback.core.question import Answered, State
from pam_rollback.http.client import fetch

CLOCKS_APART_S_MAX = 5.0
"""Deploys, windows and what may be lost are told apart by seconds: more would mix them up."""
_DATE_RESOLUTION_S = 1.0


def same_time(question: str, url: str, *, deadline_s: float) -> Answered:
    """Compare the ``Date`` of any answer with this machine's time, in the middle of the exchange."""
    before_s = time.time()
    answer = fetch(url, deadline_s=deadline_s)
    after_s = time.time()
    try:
        claimed_s = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        why = answer.problem or "an answer without a date"
        return Answered(question, State.NOT_KNOWN, f"the time there is not known: {urlsplit(url).netloc}: {why}")
    return clocks(
        question,
        apart_s=claimed_s + _DATE_RESOLUTION_S / 2 - (before_s + after_s) / 2,
        uncertain_s=(after_s - before_s + _DATE_RESOLUTION_S) / 2,
        apart_s_max=CLOCKS_APART_S_MAX,
    )


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
