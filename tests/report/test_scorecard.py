"""Can a person read the terminal summary?  Compared with texts that a person has read and found good."""

from pathlib import Path

import pytest

from pam_rollback.report.scorecard import render

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["good", "bad"])
def test_the_summary_reads_as_approved(request: pytest.FixtureRequest, name: str, width: int) -> None:
    """Every line is as it was approved; a change is seen and read before it is committed."""
    text = "\n".join(render(request.getfixturevalue(f"{name}_record"), width, color=False, ascii_only=False)) + "\n"

    assert text == (GOLDEN / f"{name}-{width}.txt").read_text(encoding="utf-8")
