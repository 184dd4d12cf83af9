"""The templates of the pages. What comes from outside is escaped; a value that is not given is an error, not an empty place."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def template(name: str) -> "Template":
    """One of them, by its file name."""
    return _environment().get_template(name)


@cache
def _environment() -> "Environment":
    # Loaded when a page is made: most sessions answer without one.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    return Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
