"""The cached cluster: complete or not there, private, and never trusted blindly."""

import os
import threading
from pathlib import Path

import pytest

from pam_rollback.sandbox.postgres_binaries import Binaries
from pam_rollback.sandbox.postgres_template import TemplateBrokenError, TemplateCache, default_cache, template_key

KEY = "postgres-18.6-abc"


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    """Something that looks like a small stopped cluster."""
    folder = tmp_path / "cluster"
    (folder / "base" / "1").mkdir(parents=True)
    (folder / "pg_wal").mkdir()
    (folder / "PG_VERSION").write_text("18\n", encoding="utf-8")
    (folder / "base" / "1" / "16384").write_bytes(os.urandom(9000))
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> TemplateCache:
    """An empty cache."""
    return TemplateCache(tmp_path / "cache")


def content(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below `folder`."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_a_copy_is_the_cluster(cluster: Path, cache: TemplateCache, tmp_path: Path) -> None:
    """Empty folders and every byte arrive, closed to other users."""
    cache.keep(cluster, key=KEY, password="secret")
    template = cache.find(KEY)
    assert template is not None
    template.copy_to(tmp_path / "copy")

    assert content(tmp_path / "copy") == content(cluster)
    assert template.password == "secret"
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def test_the_cache_is_private(cluster: Path, cache: TemplateCache, tmp_path: Path) -> None:
    """The template holds a password: nobody else may look, whatever the umask says."""
    cache.keep(cluster, key=KEY, password="secret")

    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "cache" / KEY / "template.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["shortened", "missing", "added", "changed"])
def test_a_damaged_template_is_noticed(cluster: Path, cache: TemplateCache, tmp_path: Path, damage: str) -> None:
    """A half copied or altered template never becomes a database."""
    cache.keep(cluster, key=KEY, password="secret")
    table = tmp_path / "cache" / KEY / "cluster" / "base" / "1" / "16384"
    match damage:
        case "shortened":
            table.write_bytes(table.read_bytes()[:100])
        case "missing":
            table.unlink()
        case "added":
            table.with_name("16385").touch()
        case "changed":
            table.write_bytes(os.urandom(9000))
    template = cache.find(KEY)
    assert template is not None

    with pytest.raises(TemplateBrokenError):
        template.copy_to(tmp_path / "copy")


def test_a_discarded_template_makes_room_for_the_next(cluster: Path, cache: TemplateCache, tmp_path: Path) -> None:
    """After a damage the cache repairs itself, and no remains pile up."""
    cache.keep(cluster, key=KEY, password="first")
    template = cache.find(KEY)
    assert template is not None
    template.discard()
    cache.keep(cluster, key=KEY, password="second")
    repaired = cache.find(KEY)

    assert repaired is not None
    assert repaired.password == "second"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [KEY]


@pytest.mark.parametrize("manifest", ["", "{", "[]", '{"password": "x"}'])
def test_a_template_without_a_whole_manifest_is_none(
    cluster: Path, cache: TemplateCache, tmp_path: Path, manifest: str
) -> None:
    """What an interrupted maker left is not used, and is replaced."""
    cache.keep(cluster, key=KEY, password="first")
    (tmp_path / "cache" / KEY / "template.json").write_text(manifest, encoding="utf-8")
    found = cache.find(KEY)
    cache.keep(cluster, key=KEY, password="second")
    replaced = cache.find(KEY)

    assert found is None
    assert replaced is not None
    assert replaced.password == "second"


def test_of_several_makers_one_wins(cluster: Path, cache: TemplateCache, tmp_path: Path) -> None:
    """Sandboxes that start side by side on an empty cache do not spoil each other's template."""
    makers = [
        threading.Thread(target=cache.keep, args=(cluster,), kwargs={"key": KEY, "password": str(number)})
        for number in range(6)
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    template = cache.find(KEY)
    assert template is not None
    template.copy_to(tmp_path / "copy")

    assert [path.name for path in (tmp_path / "cache").iterdir()] == [KEY]
    assert content(tmp_path / "copy") == content(cluster)


def test_another_server_version_is_another_template() -> None:
    """Data of one version is never given to another."""
    keys = {template_key(Binaries(folder=Path("/nowhere"), version=version)) for version in ("18.6", "17.10")}

    assert len(keys) == 2


@pytest.mark.parametrize("given", [{}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}])
def test_without_a_usable_setting_the_home_has_the_cache(given: dict[str, str]) -> None:
    """A relative XDG_CACHE_HOME is to be ignored, says the XDG base directory specification."""
    assert default_cache(given) == Path.home() / ".cache" / "pam-rollback"


def test_the_cache_goes_where_the_user_keeps_caches() -> None:
    """XDG_CACHE_HOME is honoured."""
    assert default_cache({"XDG_CACHE_HOME": "/somewhere"}) == Path("/somewhere/pam-rollback")
