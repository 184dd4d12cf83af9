"""Everything taken back: caches are emptied and success is told only of what is served; a part that fails stops no other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.rollback.backend import ApiService
from pam_rollback.rollback.deploys import Deploy, Service, live_among
from pam_rollback.rollback.flags import AllFeatures, Flags
from pam_rollback.rollback.frontend import Frontend
from pam_rollback.rollback.full_system import FullSystemRollback
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.providers.netlify import NETLIFY
from pam_rollback.rollback.providers.render import RENDER
from pam_rollback.rollback.step_list import Telling
from pam_rollback.rollback.steps import StepsFailed
from pam_rollback.target.served_release import BACK_END, FRONT_END, Served, Wanted
from tests.rollback.strategies.performed import Targets, as_drilled
from tests.rollback.strategies.stage import MemoryStage
from tests.rollback.strategies.test_feature_flag import Product

STABLE, BAD = "5" * 40, "b" * 40


@dataclass
class Site:
    """A host of the site, which publishes at the third question."""

    rules = NETLIFY
    happened: list[str]
    refuses: str = ""
    now: Deploy = field(default_factory=lambda: Deploy("bad", "ready", BAD))
    restoring: int = 0

    def live(self) -> Deploy:
        """What visitors get."""
        if self.restoring:
            self.restoring -= 1
            if not self.restoring:
                self.now = Deploy("stable", "ready", STABLE)
                self.happened.append("site served")
        return self.now

    def deploy(self, _: str) -> Deploy:
        """The target."""
        return Deploy("stable", "ready", STABLE)

    def deploys(self) -> Sequence[Deploy]:
        """All there is."""
        return [self.now]

    def restore(self, _: str) -> Deploy:
        """Accepted, and done later."""
        if self.refuses:
            raise ActionFailed(self.refuses)
        self.restoring = 3
        return self.now

    def lock(self, _: str) -> Deploy:
        """It stays."""
        self.now = replace(self.now, locked=True)
        return self.now

    def unlock(self, _: str) -> Deploy:
        """It may go."""
        self.now = replace(self.now, locked=False)
        return self.now


@dataclass
class Backend:
    """A host of the service, which has a deploy live at the third question."""

    rules = RENDER
    happened: list[str]
    fails: bool = False
    known: list[Deploy] = field(
        default_factory=lambda: [Deploy("bad", "live", BAD), Deploy("stable", "deactivated", STABLE)]
    )
    looks: int = 0
    auto_deploy: bool = True

    def service(self) -> Service:
        """As it is set."""
        return Service("srv", "pam", "main", self.auto_deploy)

    def deploys(self) -> Sequence[Deploy]:
        """The newest first."""
        return self.known

    def deploy(self, deploy_id: str) -> Deploy:
        """One of them; the new one gets live, or fails, while it is looked at."""
        found = next(deploy for deploy in self.known if deploy.id == deploy_id)
        self.looks += found.state == "update_in_progress"
        if found.state == "update_in_progress" and self.looks == 3:
            found = replace(found, state="update_failed" if self.fails else "live")
            self.known = [found, *(replace(old, state="deactivated") for old in self.known[1:])]
            if not self.fails:
                self.happened.append("service served")
        return found

    def live(self) -> Deploy:
        """The one that runs."""
        return live_among(self.known)

    def restore(self, _: str) -> Deploy:
        """A new deploy of the old build."""
        self.known = [Deploy("again", "update_in_progress", STABLE, trigger="rollback"), *self.known]
        return self.known[0]

    def deploy_commit(self, _: str) -> Deploy | None:
        """Not asked for here."""
        raise AssertionError

    def cancel(self, _: str) -> Deploy:
        """Not asked for here."""
        raise AssertionError

    def set_auto_deploy(self, *, on: bool, trigger: str = "commit") -> Service:
        """On or off."""
        del trigger
        self.auto_deploy = on
        return self.service()

    def set_branch(self, _: str) -> Service:
        """Not asked for here."""
        raise AssertionError


@dataclass
class World:
    """Both hosts and the product, and in which order things happened to users."""

    happened: list[str] = field(default_factory=list)
    product: Product = field(default_factory=Product)

    def __post_init__(self) -> None:
        self.site, self.backend = Site(self.happened), Backend(self.happened)

    def roll_back(self, journal: Journal) -> FullSystemRollback:
        """With a clock that waits for nobody."""
        done: FullSystemRollback = as_drilled("full-system", OfWorld(journal, world=self))
        return done

    def look(self, site: str, commit: str) -> Served:
        """What is served."""
        found: Mapping[str, str] = {FRONT_END: self.site.now.commit, BACK_END: self.backend.known[0].commit}
        return Served(site, Wanted(commit=commit), commit=found[site])

    def happens(self, what: str) -> str:
        """Remember it."""
        self.happened.append(what)
        return "accepted"


@dataclass
class OfWorld(MemoryStage):
    """These hosts as a stage."""

    world: Any = None

    @property
    def telling(self) -> Telling:
        """The team."""
        return Telling(self.world.product, "all is back", self.journal, self.clock)

    @property
    def targets(self) -> Targets:
        """The stable deploys."""
        return Targets(self.world.site.deploy("stable"), Deploy("stable", "deactivated", STABLE))

    @property
    def frontend(self) -> Frontend:
        """The site."""
        return replace(
            super().frontend, host=self.world.site, look=lambda deploy: self.world.look(FRONT_END, deploy.commit)
        )

    @property
    def backend(self) -> ApiService:
        """The service."""
        return replace(super().backend, host=self.world.backend, look=lambda commit: self.world.look(BACK_END, commit))

    @property
    def features(self) -> AllFeatures:
        """The product's."""
        return AllFeatures(lambda: Flags(self.world.product, None, self.journal, self.waiter))

    def empty_api_cache(self) -> str:
        """Remembered."""
        return str(self.world.happens("API's cache emptied"))

    def empty_site_cache(self) -> str:
        """Remembered."""
        return str(self.world.happens("site's cache emptied"))


@pytest.fixture
def world() -> World:
    """All of it in the bad release, features on."""
    return World()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "journal.jsonl")


def test_caches_are_emptied_and_success_is_told_only_of_what_is_served(world: World, journal: Journal) -> None:
    """Hosts accept at once and are done later: whoever empties a cache before fills it with the bad release again (audit G12)."""
    done = world.roll_back(journal)

    assert world.happened.index("site served") < world.happened.index("site's cache emptied")
    assert world.happened.index("service served") < world.happened.index("API's cache emptied")
    assert done.steps[-1].started_s >= max(step.finished_s for step in done.steps[:-1])
    assert world.product.posted == ["all is back"]
    assert done.outcome.on == []


def test_a_cache_is_left_alone_where_the_bad_release_is_still_served(world: World, journal: Journal) -> None:
    """The back end does not come: front end and features are done all the same, and the message says what was not."""
    world.backend.fails = True

    with pytest.raises(StepsFailed, match=r"back end: run the target.*failed"):
        world.roll_back(journal)

    assert world.happened == ["site served", "site's cache emptied"]
    assert world.site.now.locked
    assert all(flag.off_for_all for flag in world.product.flags.values())
    (told,) = world.product.posted
    assert told.startswith("NOT DONE IN FULL: step 'back end: run the target' failed")


def test_a_site_that_cannot_be_published_keeps_nothing_else_from_being_done(world: World, journal: Journal) -> None:
    """The other way round."""
    world.site.refuses = "Netlify refused"

    with pytest.raises(StepsFailed, match="Netlify refused"):
        world.roll_back(journal)

    assert world.happened == ["service served", "API's cache emptied"]
    assert not world.backend.auto_deploy
    assert world.backend.known[0].state == "live"


def test_done_twice_changes_nothing_and_says_so(world: World, journal: Journal) -> None:
    """Nothing more is owed, and no deploy is asked for."""
    world.roll_back(journal)
    owed, deploys = journal.owed(), list(world.backend.known)

    world.roll_back(journal)

    assert (journal.owed(), world.backend.known) == (owed, deploys)
