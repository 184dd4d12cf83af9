"""Options that the suite had once, each with what to do instead. Whoever types one is told in a line; a later release forgets it."""

import argparse
from collections.abc import Mapping
from typing import Any, Final

import pytest

_BY_A_PERSON: Final = "a watch only tells; a person starts the rollback by the command that it tells"
GONE: Final[Mapping[str, str]] = {
    "--state-keep": "make forget AGE=90d removes what is old, from the state, too",
    "--signers": _BY_A_PERSON,
    "--consent-again": _BY_A_PERSON,
    "--decide-every": "start pytest -m decision when you want it judged; docs/how-to/run-in-ci.md#watch has it on a schedule",
    "--adopt": 'switch the features off (drills/test_feature_flag.py), and begin anew with -m ramp --approve RA-1="who: why"',
    "--load-workers": "load from many machines is Locust's own: docs/how-to/load-from-many-machines.md",
}


class Refused(argparse.Action):
    """Refuse it. Raises pytest.UsageError."""

    def __call__(self, _parser: object, _namespace: object, _values: Any, option_string: str | None = None) -> None:
        """By its name."""
        name = option_string or ""
        raise pytest.UsageError(f"{name} is gone: {GONE[name]}")
