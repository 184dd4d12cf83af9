"""The tables of plan.toml that are no items: the document itself, and what baselines, load tests and gates have to keep to."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, Strict

from pam_rollback.base.configuration import Table


class About(Table):
    """The document that this data comes from; its review is due ``review_after_d`` days after a deployment."""

    title: str
    version: str
    reviewed_on: date | None = None
    """When somebody last read plan and runbook against the product; None until somebody did."""
    review_after_d: Annotated[int, Field(gt=0)]
    source: str

    def __str__(self) -> str:
        """By what a session judges."""
        return f"{self.title} {self.version} ({self.source})"


class BaselineTerms(Table):
    """What a baseline has to be like to be held against: of so many answers, and no older than that."""

    answers_min: Annotated[int, Field(ge=100)]
    age_max_d: Annotated[float, Field(gt=0)]


class LoadTerms(Table):
    """The load that a release has to bear: its shape, and for how long. The pace divides ``duration_s``; the rate is the environment's."""

    shape: Literal["steady", "steps", "spike", "soak", "arrivals"]
    steps_pct: Annotated[tuple[Annotated[float, Field(gt=0, le=100)], ...], Strict(False)]  # noqa: FBT003 - TOML has lists
    """The shares of the full load, one after the other; for the shape of steps."""
    duration_s: Annotated[float, Field(gt=0)]


class RedeploymentTerms(Table):
    """How long what the gate runs may take."""

    install_deadline_s: Annotated[float, Field(gt=0)]
    migration_deadline_s: Annotated[float, Field(gt=0)]
