"""The folder is put together on the disk, again and again, and what is said in the repository means the same there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pam_rollback.installed.__main__ import main
from pam_rollback.installed.client import bring_home
from pam_rollback.installed.rules import TREE
from pam_rollback.installed.service import NotLaidOut, begin, joined, lay_out, repository_of, said_there

SHIPPED = ("plan.toml", "pyproject.toml", "environments/sandbox.toml", "checks/conftest.py", "checks/test_health.py")


def write(folder: Path, *names: str) -> Path:
    """Files that say where they are from."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{folder.name}: {name}", encoding="utf-8")
    return folder


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """What a wheel brings."""
    return write(tmp_path / "wheel", *SHIPPED)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The repository of a product, with a check of its own."""
    return write(tmp_path / "shop", "plan.toml", "products/shop.toml", "checks/test_shop.py")


def held(tree: Path) -> dict[str, str]:
    """What the folder's files say, by their names."""
    found = (path for path in sorted(tree.rglob("*")) if path.is_file() and path.name != ".gitignore")
    return {path.relative_to(tree).as_posix(): path.read_text(encoding="utf-8").partition(":")[0] for path in found}


def test_the_folder_holds_both(wheel: Path, shop: Path) -> None:
    """The repository's own files and the suite's; runs and states are the repository's."""
    tree = lay_out(shop, wheel)
    write(tree / "reports" / "out", "run.json")

    assert held(tree) == {
        "checks/conftest.py": "wheel",
        "checks/test_health.py": "wheel",
        "checks/test_shop.py": "shop",
        "environments/sandbox.toml": "wheel",
        "plan.toml": "shop",
        "products/shop.toml": "shop",
        "pyproject.toml": "wheel",
    }
    assert (shop / "reports" / "out" / "run.json").is_file()
    assert (shop / TREE / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert (shop / "reports" / ".gitignore").read_text(encoding="utf-8") == "out/\nstate/\n"


def test_it_follows_what_changes(wheel: Path, shop: Path) -> None:
    """A newer wheel and a check that was taken out: nothing of before is left. What is the same is not touched."""
    tree = lay_out(shop, wheel)
    before = (tree / "plan.toml").lstat().st_ino
    (wheel / "checks/test_health.py").rename(wheel / "checks/test_well.py")
    (shop / "checks/test_shop.py").unlink()
    write(shop, "environments/sandbox.toml")
    lay_out(shop, wheel)

    checks = [name for name in held(tree) if name.startswith("checks/")]
    assert checks == ["checks/conftest.py", "checks/test_well.py"]
    assert held(tree)["environments/sandbox.toml"] == "shop"
    assert (tree / "plan.toml").lstat().st_ino == before


def test_what_a_command_wrote_goes_to_the_repository(wheel: Path, shop: Path) -> None:
    """Also after a command that was killed: the next one brings it home."""
    tree = lay_out(shop, wheel)
    write(tree, "environments/staging.toml")
    lay_out(shop, wheel)
    write(tree, "products/pam.toml")
    bring_home(tree, shop, "products")

    assert (shop / "environments" / "staging.toml").is_file()
    assert (tree / "environments" / "staging.toml").is_symlink()
    assert (shop / "products" / "pam.toml").is_file()


def test_a_checkout_is_whole_as_it_is(wheel: Path, tmp_path: Path) -> None:
    """Nothing is laid out there."""
    checkout = write(tmp_path / "checkout", "plan.toml")
    (checkout / "pyproject.toml").write_text('addopts = ["-p", "pam_rollback.session.start_up"]', encoding="utf-8")

    assert lay_out(checkout, wheel) == checkout
    assert not (checkout / TREE).exists()


def test_the_repository_is_found_from_below(wheel: Path, shop: Path) -> None:
    """By its plan; the folder that was laid out leads to it, too."""
    tree = lay_out(shop, wheel)

    assert repository_of(shop / "products") == shop
    assert repository_of(tree) == shop


@pytest.mark.parametrize("own", ["checks/test_health.py", "checks/conftest.py"])
def test_a_clash_is_said_before_anything_is_made(wheel: Path, shop: Path, own: str) -> None:
    """By its name, with what to do."""
    write(shop, own)
    with pytest.raises(NotLaidOut, match=f"^{own}: the suite has"):
        lay_out(shop, wheel)
    assert not (shop / TREE).exists()


def test_a_folder_that_cannot_be_written_is_named(wheel: Path, shop: Path) -> None:
    """Here because something else has its name."""
    write(shop, TREE)
    with pytest.raises(NotLaidOut, match=r"\.pam-rollback/.* cannot be written: "):
        lay_out(shop, wheel)


def test_begin_keeps_what_is_there(wheel: Path, shop: Path) -> None:
    """A beginning for what is missing, and no word of anybody's is lost."""
    assert begin(shop, wheel) == ["environments/sandbox.toml"]
    assert (shop / "plan.toml").read_text(encoding="utf-8") == "shop: plan.toml"
    assert begin(shop, wheel) == []


@pytest.mark.parametrize(
    ("said", "there"),
    [
        (["-m", "health", "--env", "production"], ["-m", "health", "--env", "production"]),
        (["drills/test_x.py::test_y"], ["drills/test_x.py::test_y"]),
        (["--env", "other.toml"], ["--env", "{shop}/other.toml"]),
        (["--env=./other.toml"], ["--env={shop}/other.toml"]),
        (["--env", "plan.toml"], ["--env", "plan.toml"]),
        (["--run-dir", "new"], ["--run-dir", "{shop}/new"]),
        (["--junitxml=new.xml"], ["--junitxml={shop}/new.xml"]),
        (["--reason", "slow / wrong"], ["--reason", "slow / wrong"]),
        (["--undo", "reports/out/run-1"], ["--undo", "reports/out/run-1"]),
        (["checks/test_shop.py", "-q"], ["checks/test_shop.py", "-q"]),
    ],
)
def test_arguments_mean_the_same_there(wheel: Path, shop: Path, said: list[str], there: list[str]) -> None:
    """Names stay names; files that are in the repository only are found by their whole path."""
    write(shop, "other.toml", "health", "production", "reports/out/run-1")
    tree = lay_out(shop, write(wheel, "drills/test_x.py"))

    assert list(said_there(said, shop, shop, tree)) == [text.format(shop=shop) for text in there]


def test_options_with_paths_are_joined() -> None:
    """Pytest would take the value for a path to collect."""
    assert joined(["--env", "/x.toml", "-q", "--undo=run", "--env"]) == ["--env=/x.toml", "-q", "--undo=run", "--env"]


def test_arguments_said_in_a_folder_below(wheel: Path, shop: Path) -> None:
    """They are paths from where one is."""
    tree = lay_out(shop, wheel)

    assert list(said_there(["../checks/test_shop.py"], shop / "products", shop, tree)) == ["checks/test_shop.py"]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command in an empty folder."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return lambda *said: main(said)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["-m", "health"], "or begin there with: pam-rollback init"),
        (["run"], "run: a command is missing; there are forget"),
        (["run", "drill"], "run drill: no such command; there are forget"),
        (["run", "core"], "run core: no such command"),
    ],
)
def test_what_cannot_run_is_said_in_one_line(
    elsewhere: Callable[..., int], capsys: pytest.CaptureFixture[str], said: list[str], words: str
) -> None:
    """With pytest's code for wrong usage, and nothing made."""
    assert elsewhere(*said) == 4
    told = capsys.readouterr().err
    assert told.startswith("pam-rollback: ")
    assert words in told
    assert told.count("\n") == 1
    assert [*Path.cwd().iterdir()] == []
