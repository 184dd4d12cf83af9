"""What one release is told when it starts: one JSON line, so that no secret stands in an argument or in the environment."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pam_rollback.sandbox.personalities import PERSONALITIES, Personality, Product

# The first release that has what the flags of the plan switch; earlier ones know the flags and do nothing with them.
_NEW_FEATURES_SINCE = (1, 42)
_VERSION = r"^\d+\.\d+\.\d+$"

Secret = Annotated[str, Field(min_length=16, repr=False)]


class ConfigError(ValueError):
    """The line on stdin cannot be used; the message lists every problem."""


class ProductConfig(BaseModel):
    """One release of the product: what it is, where its database is, and whom it believes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    release: str = Field(min_length=1, max_length=64)
    """Name in the sandbox, such as `candidate`."""
    version: str = Field(pattern=_VERSION)
    commit: str = Field(min_length=1, max_length=64)
    dsn: str = Field(min_length=1, repr=False)
    port: int = Field(ge=0, le=65535)
    """0 takes a free port."""
    admin_token: Secret
    emergency_token: Secret
    jwt_secret: Annotated[str, Field(min_length=32, repr=False)]
    internal_token: Secret
    frontend_origin: str = Field(pattern=r"^https?://[^/\s]+$")
    product: Product = "pam-plan"
    variables: dict[str, str] = {}
    """Those of the host that the process starts with."""

    @property
    def personality(self) -> Personality:
        """Which of the products this is a release of."""
        return PERSONALITIES[self.product]

    @property
    def has_new_features(self) -> bool:
        """Whether this release contains what the flags switch."""
        return tuple(int(part) for part in self.version.split("."))[:2] >= _NEW_FEATURES_SINCE


def parse_config(line: str) -> ProductConfig:
    """Read the line; raises ConfigError with every problem, and without the values, which may be secrets."""
    if not line.strip():
        raise ConfigError("stdin: expected one JSON line with the release's configuration, found nothing")
    try:
        return ProductConfig.model_validate_json(line)
    except ValidationError as error:
        problems = [f"  {_place(problem['loc'])}: {problem['msg']}" for problem in error.errors(include_input=False)]
        word = "problem" if len(problems) == 1 else "problems"
        raise ConfigError("\n".join([f"stdin: {len(problems)} {word} in the configuration line", *problems])) from None


def _place(loc: tuple[int | str, ...]) -> str:
    # pydantic's words for a line that is no JSON at all carry no location, and may quote a piece of the line.
    return re.sub(r"[^\w.]", "?", ".".join(str(part) for part in loc)) or "the whole line"
