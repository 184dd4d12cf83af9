"""What a load test asks beside its requests: that there are two releases to compare, and that a load is the running candidate's."""

import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.load.run import see_that_it_is_this_one, see_two_releases
from pam_rollback.target.environment_file import load_environment
from tests.load.records import steady
from tests.load_target import LoadTarget
from tests.target.declared_environments import RUNNING, folder, running

__all__ = ["folder"]


@pytest.fixture
def target() -> Iterator[LoadTarget]:
    """The stable release's address."""
    with LoadTarget() as made:
        yield made


@pytest.mark.parametrize(
    ("stable", "live", "words"),
    [
        pytest.param({"release": "1.41.3"}, "1.41.3", "both addresses serve release 1.41.3", id="the same"),
        pytest.param({"status": "up"}, "1.42.0", "which releases would be compared is not known", id="unnamed"),
        pytest.param({"release": "1.41.3"}, "", "the live API names none", id="live unnamed"),
        pytest.param({"version": "1.41.3"}, "1.42.0", "", id="two"),
    ],
)
def test_a_release_is_not_compared_with_itself(
    target: LoadTarget, folder: Path, stable: dict[str, str], live: str, words: str
) -> None:
    """Where the stable release is live already, both addresses serve it: it is said before any load is sent."""
    content = json.dumps(stable).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    file = running(folder, RUNNING.replace('stable_api = "http://127.0.0.1:4010"', f'stable_api = "{target.url}"'))
    environment = load_environment(str(file), folder, {})
    target.replies[environment.paths.version] = head % len(content) + content

    with pytest.raises(MeasurementFailed, match=words) if words else nullcontext():
        see_two_releases(environment, live)


@pytest.mark.parametrize(
    ("served", "runs", "ago_s", "words"),
    [
        ("release 1.42.0, commit 4f2c", "1.42.0", 60, ""),
        ("release 1.42.0", "1.42.0", 3 * 3600, "ended 3 h ago"),
        ("release 1.41.3", "1.42.0", 60, "was put on release 1.41.3, and 1.42.0 runs now"),
        ("", "1.42.0", 60, "named itself nowhere"),
        ("release 1.42.0", "", 60, "one that names itself nowhere runs now"),
        ("", "", 60, "one that names itself nowhere runs now"),
    ],
)
def test_a_load_of_another_release_or_time_is_not_judged(served: str, runs: str, ago_s: float, words: str) -> None:
    """What was put from many machines has to be about the candidate that runs."""
    record = replace(steady(), served=served, ended_s=time.time() - ago_s)

    with pytest.raises(MeasurementFailed, match=words) if words else nullcontext():
        see_that_it_is_this_one(record, runs)
