"""The rollback plan of PAM as pytest sessions."""

from typing import Final

VERSION: Final = "0.1.0"
"""This version of the suite: what a record says that wrote it. The same as in pyproject.toml."""
