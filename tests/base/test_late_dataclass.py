"""A dataclass that is written late is the standard library's: for whoever makes one, asks for its fields, copies it or reads it back."""

import copy
import pickle
import sys
import threading
from dataclasses import FrozenInstanceError, asdict, field, fields, is_dataclass, replace
from dataclasses import dataclass as at_once
from typing import Any

import pytest
from pydantic import TypeAdapter

from pam_rollback.base.late_dataclass import dataclass

WRITTEN = "__eq__"


@dataclass(frozen=True)
class Read:
    """Only ever read back, so that nobody has made one before."""

    name: str


def test_a_class_is_written_when_the_first_instance_is_made() -> None:
    """Not when its module is loaded; and then it refuses what the standard library refuses."""

    @dataclass(frozen=True)
    class Point:
        x: int
        y: int = 2

    assert WRITTEN not in vars(Point)
    assert (Point(1), hash(Point(1)), repr(Point(1))) == (
        Point(1, 2),
        hash(Point(1, 2)),
        f"{Point.__qualname__}(x=1, y=2)",
    )
    assert WRITTEN in vars(Point)
    with pytest.raises(FrozenInstanceError):
        Point(1).x = 3  # type: ignore[misc]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]


def test_a_class_is_written_for_whoever_asks_for_its_fields() -> None:
    """Pydantic, ``fields`` and ``is_dataclass`` see no difference."""

    @dataclass
    class Asked:
        names: list[str] = field(default_factory=list)

    @dataclass
    class Nested:
        one: Asked

    assert is_dataclass(Asked)
    assert [one.name for one in fields(Asked)] == ["names"]
    assert TypeAdapter(Nested).validate_python({"one": {"names": ["a"]}}) == Nested(Asked(["a"]))
    assert asdict(replace(Nested(Asked()), one=Asked(["b"]))) == {"one": {"names": ["b"]}}


def test_a_class_below_another_has_the_fields_of_both() -> None:
    """Also below a class that nobody has used yet, and where nothing is declared."""

    @dataclass(frozen=True)
    class Above:
        x: int

        def __post_init__(self) -> None:
            if self.x < 0:
                msg = "below 0"
                raise ValueError(msg)

    @dataclass(frozen=True)
    class Below(Above):
        y: int = 2

    class Plain(Below):
        pass

    for _ in range(2):
        assert [one.name for one in fields(Below)] == ["x", "y"]
        assert (Plain(1, 2).y, Below(1), Above(5).x) == (2, Below(1, 2), 5)
    with pytest.raises(ValueError, match="below 0"):
        Plain(-1)


def test_what_is_read_back_is_whole() -> None:
    """Pickle and copy make instances without ``__init__``."""
    assert WRITTEN not in vars(Read)
    made_of = b"".join(
        (
            b"\x80\x04\x8c" + bytes([len(__name__)]) + __name__.encode() + b"\x8c\x04Read\x93)\x81",
            b"}\x8c\x04name\x8c\x03Kim",
            b"sb.",
        )
    )
    read = pickle.loads(made_of)  # noqa: S301 - written here
    assert read == Read("Kim") == copy.deepcopy(read)
    assert hash(read) == hash(Read("Kim"))


def test_what_a_class_has_of_its_own_stays_and_slots_are_made_at_once() -> None:
    """As with the standard library."""

    @dataclass
    class Own:
        x: int

        def __init__(self) -> None:
            self.x = 7

        def __repr__(self) -> str:
            return "mine"

    @dataclass(frozen=True, slots=True)
    class Slotted:
        x: int

    assert (Own().x, repr(Own()), Own() == Own()) == (7, "mine", True)
    assert not hasattr(Slotted(1), "__dict__")


def test_a_mistake_in_a_class_is_told_at_its_first_use() -> None:
    """Type checkers tell it before."""

    @dataclass
    class Wrong:
        x: int = 1
        y: int  # type: ignore[misc]

    with pytest.raises(TypeError, match="non-default argument 'y' follows default argument"):
        Wrong(1, 2)


def test_threads_that_make_the_first_instances_at_once_get_whole_ones() -> None:
    """Health is asked by several threads."""
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(50):
            assert _made_by_four() == {(1, 2)}
    finally:
        sys.setswitchinterval(interval_s)


def _made_by_four() -> set[Any]:
    @dataclass(frozen=True)
    class Point:
        x: int
        y: int = 2

    made: list[Any] = []
    barrier = threading.Barrier(4)

    def make() -> None:
        barrier.wait()
        made.append(Point(1))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(threads)
    assert len(set(made)) == 1
    return {(one.x, one.y) for one in made}


@pytest.mark.parametrize(
    "options", [{}, {"frozen": True}, {"order": True}, {"kw_only": True}, {"repr": False}, {"eq": False}]
)
def test_it_has_what_the_standard_library_gives(options: dict[str, bool]) -> None:
    """The same methods, whatever is asked for."""
    late: Any = dataclass(**options)(type("One", (), {"__annotations__": {"x": int}}))
    soon: Any = at_once(**options)(type("One", (), {"__annotations__": {"x": int}}))
    late(x=1)
    assert vars(late).keys() - {"__new__"} == vars(soon).keys()
