"""The hook by which a condition of all that was read in the database becomes one of the verdict."""

from types import SimpleNamespace
from typing import Any

from pam_rollback.base.figures import Figures
from pam_rollback.integrity import hooks as of_integrity
from pam_rollback.session.fixtures import scoring
from tests.listening import listened_to
from tests.plan.plan_scene import body

FACT = SimpleNamespace(figures=Figures("rows", "none lost", 0))


class Broken:
    """A conftest.py that cannot tell."""

    def pytest_pam_unproven(self) -> str:
        """It fails."""
        raise OSError("gone")


def entered(*listeners: object, **fixtures: object) -> list[tuple[str, Any]]:
    """What a test with these fixtures says when it enters a fact, apart from its figures."""
    node = SimpleNamespace(user_properties=[])
    request = SimpleNamespace(
        config=listened_to(*listeners), fixturenames=[*fixtures], getfixturevalue=fixtures.__getitem__, node=node
    )
    body(scoring.scored)(request)(FACT)
    return [one for one in node.user_properties if one[0] != scoring.FIGURES]


def test_pytest_pam_unproven() -> None:
    """Of tests that read the database, while it is not known to be the one behind the API; whoever fails is a condition itself."""
    unsure, sure = SimpleNamespace(unproven="whether it is that database"), SimpleNamespace(unproven="")

    assert entered(of_integrity, database_link=unsure) == [(scoring.UNPROVEN, "whether it is that database")]
    assert entered(of_integrity, database_link=sure) == entered(of_integrity) == entered() == []
    assert entered(Broken()) == [(scoring.UNPROVEN, "a hook failed: OSError: gone")]
