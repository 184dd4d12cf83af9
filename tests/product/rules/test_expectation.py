"""Which release an answer of users is of, as far as it is meant to say so."""

from typing import Any

import pytest

from pam_rollback.product.rules.expectation import Expect, healthy
from tests.contracts import captured, usual

BODY = {"status": "healthy", "version": "1.42.0", "build": {"of": "1.41.3"}}


@pytest.mark.parametrize(
    ("said", "release"),
    [
        ({}, "1.42.0"),
        ({"release": "/build/of"}, "1.41.3"),
        ({"release": "/nowhere"}, ""),
        ({"names_release": False}, ""),
    ],
)
def test_the_contract_says_where_health_names_it(said: dict[str, Any], release: str) -> None:
    """Or that it does not: what stands there is a constant then. As it travels to the prober's process."""
    expect = Expect.model_validate_json(healthy(usual(**said)).model_dump_json())

    assert expect.release_of(captured(BODY).answer) == release


def test_of_other_answers_only_a_page_names_it() -> None:
    """A version in somebody's expenses is no release."""
    page = captured(b'<meta name="pam-release" content="1.41.3">', content_type="text/html").answer

    assert [Expect(site=True).release_of(page), Expect().release_of(captured(BODY).answer)] == ["1.41.3", ""]
