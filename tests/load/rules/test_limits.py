"""What an environment allows to be loaded: the first request is not sent where it does not."""

from pathlib import Path

import pytest

from pam_rollback.core.errors import Refused
from pam_rollback.redeploy.load.order import LoadOrder, permit
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment

API = "https://api.staging.example.com"
STAGING = """
name = "staging"
kind = "staging"
abilities = [ABILITIES]
[urls]
frontend = "https://staging.example.com"
api = "https://api.staging.example.com"
backend = "https://backend.staging.example.com"
[load]
rate_hz_max = 20
stable_api = "https://stable.staging.example.com"
"""


def staging(folder: Path, abilities: str = '"load"', more: str = "") -> Environment:
    """An environment that allows 20 requests a second."""
    (folder / "staging.toml").write_text(STAGING.replace("ABILITIES", abilities) + more)
    return load_environment("staging", folder, {})


def order(rate_hz: float, *addresses: str) -> LoadOrder:
    """A run of so many requests a second against these addresses."""
    return LoadOrder.model_validate(
        {
            "targets": [{"name": f"t{n}", "addresses": {"api": at}} for n, at in enumerate(addresses or (API,))],
            "journeys": [{"name": "health", "path": "/health"}],
            "rate_hz": rate_hz,
            "duration_s": 10,
        }
    )


def test_no_more_is_sent_than_is_declared(tmp_path: Path) -> None:
    """A limit that refuses everything would be taken away; what is beyond it says which one."""
    for given in (order(20), order(10, API, "https://stable.staging.example.com")):
        assert permit(given, staging(tmp_path)) is given
    with pytest.raises(Refused, match=r"allows 20 requests a second \(\[load\] rate_hz_max\)"):
        permit(order(21), staging(tmp_path))


@pytest.mark.parametrize(
    ("limits", "given", "words"),
    [
        ("without_token = 40", order(0.4), ""),
        (
            "without_token = 40",
            order(1),
            "60 requests a minute without a token, of which",
        ),
        (
            "without_token = 80",
            order(1.6, API, "https://stable.staging.example.com"),
            "",
        ),
        ('without_token = 40\nfree = ["/health"]', order(20), ""),
        ("paths = 20", order(20), ""),
    ],
    ids=["as many as it bears", "more", "two releases", "free", "no limit of a rate"],
)
def test_more_than_the_api_bears_of_one_address_is_refused(
    tmp_path: Path, limits: str, given: LoadOrder, words: str
) -> None:
    """It would measure the limit, or have everybody behind this address banned."""
    environment = staging(tmp_path, more=f"[contract.limits]\n{limits}\n")

    if not words:
        assert permit(given, environment) is given
        return
    with pytest.raises(Refused, match=words) as refused:
        permit(given, environment)
    assert "say so in [contract.limits]" in str(refused.value)


def test_a_place_that_declares_no_load_is_not_loaded(tmp_path: Path) -> None:
    """However small the load."""
    with pytest.raises(Refused, match=r'declares no load: .*Expected "load" in its abilities'):
        permit(order(0.1), staging(tmp_path, '"browser"'))
