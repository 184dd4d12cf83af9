"""Whether a request that changes something for users may still be sent: asked right before each of them.

One process has one writer, so there is one list for all of it: whoever builds a client cannot forget to pass the question on, and steps
that run in threads of their own are asked like all others. Without a gate (a test of one client) everything may be sent.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Gate = Callable[[str], None]
"""Told what is about to be changed, in words. Raises LockLost when it must not be."""

_gates: list[Gate] = []


def before_change(what: str) -> None:
    """Ask every gate. Raises what the first one that objects raises: then nothing may be sent."""
    for gate in tuple(_gates):
        gate(what)


@contextmanager
def gated_by(gate: Gate) -> Iterator[None]:
    """Ask this gate, too, as long as the block runs."""
    _gates.append(gate)
    try:
        yield
    finally:
        _gates.remove(gate)
