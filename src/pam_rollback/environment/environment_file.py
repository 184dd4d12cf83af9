"""From a TOML file, and the one that it extends, to an environment; or every problem at once, with its place."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pam_rollback.base.configuration import (
    ConfigurationError,
    Location,
    Problem,
    TomlFile,
    label,
    nearest,
    place,
    problems_of,
    read_toml,
    shown,
)
from pam_rollback.environment.environment import Environment, Origin
from pam_rollback.environment.environment_problems import problems_in, problems_with_contract
from pam_rollback.environment.production_places import shared_places
from pam_rollback.product.files import contract_of, laid_over

SANDBOX = "sandbox"
EXAMPLES = "examples"
"""Below the folder of environments: files to copy, or to run by their path. No name leads there."""
_OPEN_TO_OTHERS = 0o077


def load_environment(name_or_path: str, folder: Path, variables: Mapping[str, str]) -> Environment:
    """Load an environment by its name in ``folder``, or a file.

    ``variables`` holds the secrets (``os.environ``); those that a running sandbox brings along go before them. A sandbox without
    addresses loads as a template: see ``Environment.is_template``. Raises ConfigurationError with every problem.
    """
    path = _path_of(name_or_path, folder)
    own = read_toml(path)
    content, base = _extended(own, folder)
    try:
        environment = Environment.model_validate(content, context=Origin(path, own.source, variables))
    except ValidationError as error:
        problems = problems_of(error, Environment, hidden=_holds_secrets)
    else:
        adopted = _adopted(environment, folder)  # first: what is needed depends on the contract
        problems = [
            *_problems_of_file(environment, own, base, by_name=_is_name(name_or_path)),
            *problems_in(environment),
            *adopted,
        ]
        # What is wrong with the file stands together; what it lacks on this machine comes after it.
        problems.sort(key=lambda problem: problem.place.startswith("[secrets]"))
        if not problems:
            return environment
    raise ConfigurationError(own.source, _with_origin(problems, own, base))


def production_shared(environment: Environment, folder: Path) -> list[str]:
    """Which places of this environment are production's, although it calls itself something else; one line each.

    Production is every file of ``folder``, and of its examples, whose kind says so: a copy of such a file under another name still
    leads there. A sandbox proves its addresses itself. Raises ConfigurationError.
    """
    if environment.kind != "staging":
        return []
    content, _ = _extended(read_toml(environment.file), folder)
    found: list[str] = []
    for path in sorted((*folder.glob("*.toml"), *folder.glob(f"{EXAMPLES}/*.toml"))):
        other, _ = _extended(read_toml(path), folder)
        if other.get("kind") == "production":
            found += shared_places(content, other, label(path))
    return found


def _adopted(environment: Environment, folder: Path) -> list[Problem]:
    """Give the environment its contract. The problems of what it changes there; one of the product's own file is raised as such."""
    try:
        environment.adopt(contract_of(environment.product, folder, environment.contract_changes()))
    except ConfigurationError as error:
        if not all(problem.place.startswith("[contract") for problem in error.problems):
            raise
        return list(error.problems)
    return list(problems_with_contract(environment))


def which(folder: Path) -> str:
    """Ask which environment is meant; empty where ``folder`` holds the sandbox alone, which is meant then."""
    others = [f"--env {name}" for name in _names(folder) if name != SANDBOX]
    return f"which environment? {', '.join(others)}, or --env {SANDBOX} to practise" if others else ""


def _is_name(name_or_path: str) -> bool:
    return os.sep not in name_or_path and not name_or_path.endswith(".toml")


def _path_of(name_or_path: str, folder: Path) -> Path:
    """Find the file. What is not there is answered with what is near: a name with a name, a file with a file."""
    path = folder / f"{name_or_path}.toml" if _is_name(name_or_path) else Path(name_or_path)
    if path.exists():
        return path
    if "." in name_or_path:
        path = Path(name_or_path)
        near = nearest(path.name, [file.name for file in path.parent.glob("*.toml")])
        guess = f", did you mean {str(path.with_name(near))!r}?" if near else ""
        raise ConfigurationError(label(path), [Problem("", f"there is no such file{guess}")])
    known = _names(folder)
    near = nearest(name_or_path, known)
    guess = f", did you mean {near!r}?" if near else ";"
    example = folder / EXAMPLES / path.name
    copied = f"; to copy: {label(example)}" if example.is_file() else ""
    what = f"no environment of that name{guess} there are: {', '.join(known) or 'none'}{copied}"
    raise ConfigurationError(label(path), [Problem("", what)])


def _names(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.toml"))


def _extended(own: TomlFile, folder: Path) -> tuple[dict[str, Any], TomlFile | None]:
    """Lay the file over the one that it extends, table by table."""
    content = dict(own.content)
    if "extends" not in content:
        return content, None
    name = content.pop("extends")
    if not isinstance(name, str) or name not in _names(folder):
        near = nearest(str(name), _names(folder))
        guess = f", did you mean {near!r}?" if near else ";"
        what = f"no environment {shown(name)}{guess} there are: {', '.join(_names(folder)) or 'none'}"
        raise ConfigurationError(own.source, [Problem("extends", what)])
    base = read_toml(folder / f"{name}.toml")
    if "extends" in base.content:
        raise ConfigurationError(
            own.source, [Problem("extends", f"{name} extends another one itself; one level is enough")]
        )
    return laid_over(base.content, content), base


def _problems_of_file(
    environment: Environment, own: TomlFile, base: TomlFile | None, *, by_name: bool
) -> Iterator[Problem]:
    stem = environment.file.stem
    if by_name and environment.name != stem:
        yield Problem("name", f"expected {stem!r} as the file is called, found {environment.name!r}")
    for file in filter(None, (own, base)):
        if "sandbox" in file.content and os.name == "posix" and file.mode & _OPEN_TO_OTHERS:
            what = f"{file.source} holds a token and must be private: expected mode 0600, found {file.mode:04o}"
            yield Problem("[sandbox]", f"{what}; chmod 600 it")


def _holds_secrets(location: Location) -> bool:
    """Tell where a value may be a secret, also when it stands in the wrong place."""
    return location[:1] == ("secrets",) or location[:2] in {("sandbox", "token"), ("sandbox", "variables")}


def _with_origin(problems: Iterable[Problem], own: TomlFile, base: TomlFile | None) -> list[Problem]:
    """Say which problems lie in the file that is extended."""
    if base is None:
        return list(problems)
    inherited = set(_places(base.content)) - set(_places(own.content))
    return [
        Problem(problem.place, f"{problem.what} (in {base.source})") if problem.place in inherited else problem
        for problem in problems
    ]


def _places(content: Mapping[str, Any], within: Location = ()) -> Iterator[str]:
    for key, value in content.items():
        yield place((*within, key))
        if isinstance(value, dict):
            yield from _places(value, (*within, key))
