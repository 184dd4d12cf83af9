"""From the repository of a product to the folder in which the suite runs, and the arguments as they have to be said there."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from pam_rollback.installed.client import bring_home, files_below, keep_out_of_git, link
from pam_rollback.installed.rules import OWN_FOLDERS, TREE, NamesClash, Whose, laid_out
from pam_rollback.outside.places import PLAN, SHIPPED, is_whole, project_of

WRITTEN_BY_COMMANDS = ("environments", "products")
_RUNS = ("reports/out", "reports/state")
_NEW_FILES = frozenset(
    {"--run-dir", "--state-dir", "--state-file", "--out", "--workflows", "--junitxml", "--junit-xml", "--alluredir"}
)
"""Options that name what need not be there yet."""


_WITH_PATHS = frozenset({"--env", "--run-dir", "--baseline", "--undo"})
_SUFFIXES = (".py", ".sql", ".toml", ".json")


class NotLaidOut(Exception):  # noqa: N818 - named by what happened
    """The suite cannot run here. The message says why, and what to do."""


def repository_of(folder: Path) -> Path:
    """The product's repository, by its plan. Raises NotLaidOut."""
    found = project_of(folder)
    if found is None:
        raise NotLaidOut(
            f"no {PLAN} in {folder} or above it: go to the product's repository, or begin there with: pam-rollback init"
        )
    return found.parent if found.name == TREE else found


def lay_out(repository: Path, shipped: Path = SHIPPED) -> Path:
    """Put the folder together, and give it; a checkout is whole as it is. Raises NotLaidOut."""
    if is_whole(repository):
        return repository
    tree = repository / TREE
    try:
        bring_home(tree, repository, *WRITTEN_BY_COMMANDS)
        files = laid_out([*files_below(shipped, "")], [*files_below(repository, PLAN, *OWN_FOLDERS)])
        wanted = {name: (shipped if whose is Whose.SUITE else repository) / name for name, whose in files.items()}
        for name in _RUNS:
            (repository / name).mkdir(parents=True, exist_ok=True)
        link(tree, {**wanted, **{name: repository / name for name in _RUNS}})
        keep_out_of_git(repository)
    except NamesClash as clash:
        raise NotLaidOut(str(clash)) from None
    except OSError as error:
        raise NotLaidOut(f"{error.filename or tree} cannot be written: {error.strerror or error}") from None
    return tree


def begin(folder: Path, shipped: Path = SHIPPED) -> list[str]:
    """Copy plan, products and environments of the suite as a beginning; what is there stays. Gives what is new. Raises NotLaidOut."""
    new = [name for name in files_below(shipped, PLAN, *OWN_FOLDERS[:2]) if not (folder / name).exists()]
    try:
        for name in new:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(shipped / name, folder / name)
    except OSError as error:
        raise NotLaidOut(f"{error.filename} cannot be written: {error.strerror}") from None
    return new


def said_there(arguments: Sequence[str], folder: Path, repository: Path, tree: Path) -> Iterator[str]:
    """The arguments that were said in ``folder``, as they have to be said in ``tree``: paths lead to the same files."""
    option = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name.startswith("-"):
            yield f"{name}={_there(value, name, folder, repository, tree)}" if equals else argument
        else:
            yield _there(argument, option, folder, repository, tree)
        option = name if name.startswith("-") and not equals else ""


def joined(arguments: Sequence[str]) -> list[str]:
    """``--env FILE`` as ``--env=FILE``: else pytest looks for its settings beside that file, and reads the product's conftest.py."""
    found: list[str] = []
    for argument in arguments:
        if found and found[-1] in _WITH_PATHS:
            found[-1] = f"{found[-1]}={argument}"
        else:
            found.append(argument)
    return found


def _there(text: str, option: str, folder: Path, repository: Path, tree: Path) -> str:
    path, colons, test = text.partition("::")
    meant = Path(os.path.normpath(folder / path))
    if option in _NEW_FILES and path:
        return str(meant)
    if "/" not in path and not path.endswith(_SUFFIXES):
        return text  # a name or an expression, whatever else has that name here
    if meant.is_relative_to(repository) and (tree / meant.relative_to(repository)).exists():
        return f"{meant.relative_to(repository)}{colons}{test}"
    return f"{meant}{colons}{test}" if meant.exists() else text
