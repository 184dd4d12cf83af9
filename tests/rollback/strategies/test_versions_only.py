"""A product that names its version and no commit, as the real one does: the version proves the target where no other deploy has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.release_proof import Sighting
from pam_rollback.rollback.told_versions import ApiLook, VersionSources
from pam_rollback.target.environment import Environment
from pam_rollback.target.served_release import BACK_END, Served, Wanted
from pam_rollback.target.service_settings import Git
from tests.bare_repository import Origin, make_origin

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass
class Answering:
    """A back end, and its host: what answers names its version, and two deploys were with users."""

    origin: Origin
    version: str = "1.41.3"
    before: str = ""
    """The commit that ran before; empty: that of the new release."""

    def look(self, wanted: Wanted) -> Served:
        """No commit is named."""
        return Served(BACK_END, wanted, version=self.version)

    def deploys(self) -> Sequence[Deploy]:
        """The stable release runs again."""
        before = self.before or self.origin.merge
        return [
            Deploy("dep-2", "live", self.origin.stable, NOON, NOON, trigger="rollback"),
            Deploy("dep-1", "deactivated", before, NOON - timedelta(hours=1), NOON - timedelta(hours=1)),
        ]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The product's repository."""
    return make_origin(tmp_path_factory.mktemp("origin"))


@pytest.fixture
def answering(origin: Origin) -> Answering:
    """After a rollback."""
    return Answering(origin)


def sources(remote: Path, *, file: str = "version.txt", seen: Sequence[Sighting] = ()) -> VersionSources:
    """The repository, and what answered before."""
    told = SimpleNamespace(name="staging", git=Git(remote=str(remote), version_file=file), has_secret=lambda _: False)
    return VersionSources(cast("Environment", told), lambda: seen)


def looked(answering: Answering, known: VersionSources) -> Served:
    """What answers, held against the stable commit."""
    return ApiLook(cast("Any", answering), cast("Any", answering), known)(answering.origin.stable)


def test_the_version_proves_the_target(answering: Answering) -> None:
    """The commit's own file says which version it has, and what ran before has another."""
    assert looked(answering, sources(answering.origin.folder)).is_wanted
    answering.version = "1.42.0"
    assert looked(answering, sources(answering.origin.folder)).is_another


def test_a_version_that_both_have_proves_nothing(answering: Answering) -> None:
    """What ran before is of the same version: going back from there cannot be seen, and is not claimed."""
    answering.before = answering.origin.stable[:-1] + "0"
    seen = [Sighting(NOON - timedelta(minutes=30), "1.41.3")]
    served = looked(answering, sources(answering.origin.folder, seen=seen))

    assert served.cannot_be_told
    assert "has the version 1.41.3, too" in str(served)


def test_without_a_file_it_says_what_to_set(answering: Answering) -> None:
    """The action was done; that it was cannot be seen, unless a baseline and the session's start saw both releases."""
    assert "is not known (staging names no [git] version_file)" in str(
        looked(answering, sources(answering.origin.folder, file=""))
    )
    seen = [Sighting(NOON - timedelta(minutes=30), "1.42.0"), Sighting(NOON + timedelta(minutes=30), "1.41.3")]
    assert looked(answering, sources(answering.origin.folder, file="", seen=seen)).is_wanted


def test_a_repository_that_is_out_of_reach_is_asked_again(answering: Answering, tmp_path: Path) -> None:
    """It is no proof meanwhile, and one afterwards."""
    gone = tmp_path / "gone.git"
    known = sources(gone)

    assert looked(answering, known).cannot_be_told
    assert "is not known (git fetch at " in str(looked(answering, known))
    answering.origin.copied(gone)
    assert looked(answering, known).is_wanted
