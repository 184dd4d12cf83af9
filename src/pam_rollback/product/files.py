"""The file of a contract, found by its name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pam_rollback.base.configuration import ConfigurationError, Problem, nearest, problems_of, read_toml
from pam_rollback.product.contract import Contract


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
