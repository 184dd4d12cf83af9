"""Taking turns by weight, without chance: the same weights always give the same order."""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def rotation(weights: Mapping[T, int]) -> tuple[T, ...]:
    """One round in which each takes as many turns as its weight, as evenly spread as can be.

    Who has weight 0 takes none.
    """
    total = sum(weights.values())
    credit = dict.fromkeys(weights, 0)
    order = []
    for _ in range(total):
        for who, weight in weights.items():
            credit[who] += weight
        turn = max(credit, key=lambda who: credit[who])
        credit[turn] -= total
        order.append(turn)
    return tuple(order)
