"""Loads a library without optional parts of it that nobody here uses."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Meanwhile importing one of these modules raises ImportError, as if it were not installed; what is loaded already stays."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None is how Python notes that (import statement, 5.3.1)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
