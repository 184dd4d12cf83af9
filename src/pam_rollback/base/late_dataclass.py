"""The standard library's dataclass, written out when it is first needed.

``dataclasses.dataclass`` writes and compiles six methods for each class, a third of a millisecond in all. A session that acts knows 500
such classes and makes instances of one in four; its start is a tenth shorter when the others are left as they are (decision 0061). What
comes out is the standard library's own class, to type checkers and to ``fields``, ``replace``, ``asdict``, pydantic, copy and pickle alike.
"""

import dataclasses
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - what type checkers see
else:

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:
        """Take the options of ``dataclasses.dataclass``; raise what it raises, but when the class is first used."""

        def owe(cls: type) -> type:
            if "slots" in options or "__new__" in vars(cls):  # slots need another class; a __new__ of its own stays
                return dataclasses.dataclass(**options)(cls)
            owed = _Owed(cls, options)
            cls.__new__ = owed.first_new
            setattr(cls, _FIELDS, owed)
            return cls

        return owe if cls is None else owe(cls)


_FIELDS = "__dataclass_fields__"
_ONE_AT_A_TIME = threading.RLock()


class _Owed:
    """Stands where a class's fields will stand. The class is written when somebody asks for them, or makes an instance."""

    def __init__(self, cls: type, options: Mapping[str, bool]) -> None:
        self._cls, self._options = cls, options

    def __get__(self, _instance: object, _owner: type | None = None) -> Any:
        self._write()
        return getattr(self._cls, _FIELDS)

    def first_new(self, cls: type, *_args: Any, **_kwargs: Any) -> Any:
        """Make an instance of the class, or of one below it."""
        self._write()
        return object.__new__(cls)

    def _write(self) -> None:
        with _ONE_AT_A_TIME:
            # Whoever waited finds it done. Until it is, nobody gets past ``first_new``.
            if vars(self._cls)[_FIELDS] is self:
                dataclasses.dataclass(**self._options)(self._cls)
                # Taken away, it would leave classes below with a ``__new__`` that refuses arguments.
                self._cls.__new__ = _later_new


def _later_new(cls: type, *_args: Any, **_kwargs: Any) -> Any:
    return object.__new__(cls)
