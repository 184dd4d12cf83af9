"""Health when a window is over: what is ill then is red, unless somebody answers for it."""

from types import SimpleNamespace
from typing import Any

from pam_rollback.probe.until_the_end import HeldHealth


class _Told:
    advice = "\n  to answer for it"

    def knows(self, text: str) -> bool:
        """Of one part alone."""
        return text == "known"


class _Report(SimpleNamespace):
    def __str__(self) -> str:
        return f"{self.name} says unhealthy"


def held(*symptoms: str, page: bool = True) -> HeldHealth:
    """Parts with these symptoms; an empty one is well."""
    reports: Any = tuple(
        _Report(name=f"part {at}", findings=tuple(SimpleNamespace(text=one) for one in [said] if one))
        for at, said in enumerate(symptoms)
    )
    front: Any = SimpleNamespace(is_the_site=page)
    told: Any = _Told()
    return HeldHealth(reports, front, told)


def test_what_is_ill_at_the_end_is_named() -> None:
    """The front page as well."""
    assert held("", "").ill == []
    assert str(held("")) == "when the window was over: all are healthy"
    assert held("", "new").ill == ["part 1 says unhealthy"]
    assert len(held("new", page=False).ill) == 2
    assert held("known").ill == []
