"""The share of requests that fail: the same for every kind of request, however the kinds take turns."""

from itertools import groupby

import pytest

from pam_rollback.sandbox.product.faults import Faults


def failing() -> Faults:
    """60 % of the requests fail, as if nothing else were said."""
    faults = Faults()
    faults.plant("code-errors", {"share": 0.6})
    return faults


def longest_run(answers: list[bool]) -> int:
    """How many in a row fail at most."""
    return max(len(list(run)) for fails, run in groupby(answers) if fails)


@pytest.mark.parametrize("reads_between", range(40))
def test_never_do_more_than_two_writes_in_a_row_fail(reads_between: int) -> None:
    """An incident in which no write gets through for seconds would make every drill of it blind to lost writes."""
    faults, writes = failing(), []
    for _ in range(200):
        for _ in range(reads_between):
            faults.fails("user", "GET /expenses", frozenset())
        writes.append(faults.fails("user", "POST /expenses", frozenset()))

    assert longest_run(writes) == 2
    assert sum(writes) == pytest.approx(0.6 * 200, abs=2)


def test_one_of_each_kind_meets_the_share_too() -> None:
    """Somebody who asks for twenty things once is not spared."""
    faults = failing()
    asked = [faults.fails("user", f"GET /{number}", frozenset()) for number in range(20)]

    assert sum(asked) == pytest.approx(12, abs=1)
