"""The file of a contract, found by its name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pam_rollback.core.configuration import ConfigurationError, Problem, nearest, problems_of, read_toml
from pam_rollback.http.files import HOME
from pam_rollback.target.contract import Contract

FOLDER = "products"
_OWN = HOME / FOLDER
"""The suite's own: for an environment file that stands elsewhere."""


def contract_of(name: str, environments: Path, changes: Mapping[str, Any]) -> Contract:
    """The contract of that name, beside the folder of the environments, with the changes laid over it, table by table.

    Raises ConfigurationError: of the product's file, or of the changes, which are named as they stand in the environment's.
    """
    beside = environments.parent / FOLDER
    path = path_of(name, beside if beside.is_dir() else _OWN)
    contract = load_contract(path)
    if not changes:
        return contract
    try:
        return validated(laid_over(read_contract(path), changes), path.name)
    except ConfigurationError as error:
        problems = [Problem(_in_the_environment(one.place), one.what) for one in error.problems]
        raise ConfigurationError(error.source, problems) from None


def laid_over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged, everything else is replaced, lists as a whole."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = laid_over(merged[key], value) if both else value
    return merged


def _in_the_environment(place: str) -> str:
    return f"[contract.{place[1:]}" if place.startswith("[") else f"[contract] {place}".rstrip()


def load_contract(path: Path) -> Contract:
    """Read a contract. Raises ConfigurationError with every problem, each with its place."""
    file = read_toml(path)
    contract = validated(file.content, file.source)
    if contract.name != path.stem:
        what = f"expected {path.stem!r} as the file is called, found {contract.name!r}"
        raise ConfigurationError(file.source, [Problem("name", what)])
    return contract


def read_contract(path: Path) -> Mapping[str, Any]:
    """What the file says, unjudged. Raises ConfigurationError when it is no TOML."""
    return read_toml(path).content


def validated(content: Mapping[str, Any], source: str) -> Contract:
    """The contract that a file's content is. Raises ConfigurationError."""
    try:
        return Contract.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(source, problems_of(error, Contract)) from None


def path_of(name: str, folder: Path) -> Path:
    """The file of that name in ``folder``. Raises ConfigurationError with what there is."""
    path = folder / f"{name}.toml"
    if not path.is_file():
        known = sorted(file.stem for file in folder.glob("*.toml"))
        near = nearest(name, known)
        guess = f", did you mean {near!r}?" if near else ";"
        what = f"no product {name!r}{guess} there are: {', '.join(known) or 'none'}"
        raise ConfigurationError(f"{folder.name}/{name}.toml", [Problem("", what)])
    return path
