"""The record as people may see it: without secrets, and with each text from outside made harmless.

All of that before anything is wrapped or escaped.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from pam_rollback.base.outside_text import label, one_line, redacted
from pam_rollback.report.run_record import RunRecord


def shown(record: RunRecord, redact: Callable[[str], str] = redacted) -> RunRecord:
    """A copy in which each text is one line; a release is one word, so that it cannot pass for a verdict.

    Here and not afterwards: a table splits a token over two lines, and Markdown puts a backslash into it.
    """
    clean: RunRecord = mapped(record, lambda text: one_line(redact(text)))
    return replace(
        clean,
        release=None if clean.release is None else label(clean.release),
        releases_seen=tuple(map(label, clean.releases_seen)),
        environment=replace(clean.environment, host=label(clean.environment.host)),
    )


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A copy in which each text of a dataclass and of its parts was changed."""
    if type(value) is str:
        return change(value)
    if isinstance(value, tuple):
        return tuple(mapped(item, change) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        old = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        new = {name: mapped(item, change) for name, item in old.items()}
        changed = {name: item for name, item in new.items() if item is not old[name] and item != old[name]}
        return replace(value, **changed) if changed else value
    return value
