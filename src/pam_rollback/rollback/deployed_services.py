"""The services that one deploy covers: the API, and workers of the same commit, whose database and queue it shares."""

from dataclasses import dataclass

from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.rollback.deploys import Deploy


@dataclass(frozen=True)
class ServiceRuns:
    """What a service runs, by the host: the only one who knows of one that has no address."""

    name: str
    live: Deploy | None
    """None: no deploy of it is live."""
    newest: Deploy | None = None

    @property
    def commit(self) -> str:
        """Of what runs; empty when nothing does, or when the host does not know."""
        return self.live.commit if self.live is not None else ""

    def __str__(self) -> str:
        runs = f"runs {self.live}" if self.live is not None else "runs nothing, no deploy of it is live"
        newer = f", and its newest is {self.newest}" if self.newest is not None and self.newest != self.live else ""
        return f"{self.name} {runs}{newer}"


@dataclass(frozen=True, repr=False)
class ServicesOfDeploy(Sentence):
    """The API and what is deployed with it."""

    api: ServiceRuns
    workers: tuple[ServiceRuns, ...]

    @property
    def left_behind(self) -> tuple[ServiceRuns, ...]:
        """The workers that do not run the API's commit."""
        return tuple(one for one in self.workers if not one.commit or one.commit != self.api.commit)

    @property
    def together(self) -> bool:
        """All run one commit."""
        return bool(self.workers) and not self.left_behind

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="services of one deploy",
            asked="one commit",
            measured=f"{len(self.left_behind)} left behind" if self.left_behind else self.api.commit[:12],
            n=1 + len(self.workers),
        )

    def __str__(self) -> str:
        if self.together:
            return "; ".join(map(str, (self.api, *self.workers)))
        behind = "; ".join(f"worker left behind: {one}" for one in self.left_behind)
        return f"{behind}; expected the commit of the API: {self.api}"
