"""From what was seen to files: read back before they are written, and written all or not at all."""

import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.connect.client.files import text_of, write_all
from pam_rollback.connect.rules.environment_file import Asked, environment_file
from pam_rollback.connect.rules.found import Found
from pam_rollback.connect.rules.kept import Proposed, proposed
from pam_rollback.connect.rules.product_file import product_file, titles_of
from pam_rollback.connect.rules.workflows import lines_apart, workflows
from pam_rollback.connect.service.wish import VARIABLES, CannotConnect, Wish
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.outside import places
from pam_rollback.product.client.files import path_of, read_contract
from pam_rollback.product.rules.contract import Contract

PRODUCTS, ENVIRONMENTS = "products", "environments"
MADE_BY = "Written by `make connect`. Change what you like: what you change stays."


@dataclass(frozen=True)
class Written:
    """What became of each file, by its path below the project."""

    files: Mapping[str, Proposed]


def known_contract(name: str, root: Path) -> tuple[Path, Mapping[str, Any]]:
    """A contract that is there, of the project or of the suite. Raises ConfigurationError with those that are."""
    folder = root / PRODUCTS
    path = path_of(name, folder if (folder / f"{name}.toml").is_file() else places.HOME / PRODUCTS)
    return path, read_contract(path)


def write(root: Path, wish: Wish, found: Found, like: Mapping[str, Any], variables: Mapping[str, str]) -> Written:
    """Write what is new. Raises NotWritten, or CannotConnect for files that could not be used."""
    set_here = frozenset(name for name, variable in VARIABLES.items() if variables.get(variable))
    asked = Asked(wish.name, wish.kind, wish.product or wish.name, VARIABLES, set_here)
    bodies, contract = dict[str, str](), like
    if not wish.product:
        body = bodies[f"{PRODUCTS}/{wish.name}.toml"] = product_file(wish.name, found, like, titles_of(like["health"]))
        contract = tomllib.loads(body)
    bodies[f"{ENVIRONMENTS}/{wish.name}.toml"] = environment_file(found, asked, Contract.model_validate(contract))
    _read_back(root, wish, bodies, variables)
    files = {name: proposed(body, MADE_BY, text_of(root / name)) for name, body in sorted(bodies.items(), reverse=True)}
    texts = {root / name: one.text for name, one in files.items() if one.text is not None}
    for name, one in _workflows(wish).items():
        files[name] = one
        if one.text is not None:
            texts[Path(name)] = one.text
    write_all(texts)
    return Written(files)


def _workflows(wish: Wish) -> dict[str, Proposed]:
    """Those of the product's repository, by their whole paths; none where nobody asked for them."""
    if wish.workflows is None:
        return {}
    return {
        str(path): proposed(body, MADE_BY, text_of(path), lines_apart)
        for name, body in workflows(wish.kind, wish.name, wish.suite).items()
        for path in [wish.workflows / name]
    }


def _read_back(root: Path, wish: Wish, bodies: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """What is written can be used: it is loaded as a session would load it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place, body in bodies.items():
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / place).write_text(body, encoding="utf-8")
        if wish.product:
            (folder / PRODUCTS).mkdir(exist_ok=True)
            (folder / PRODUCTS / f"{wish.product}.toml").write_bytes(known_contract(wish.product, root)[0].read_bytes())
        try:
            load_environment(str(folder / ENVIRONMENTS / f"{wish.name}.toml"), folder / ENVIRONMENTS, variables)
        except ConfigurationError as error:
            problems = "; ".join(map(str, error.problems)).replace(f"{name}{os.sep}", "")
            raise CannotConnect(
                f"{ENVIRONMENTS}/{wish.name}.toml",
                expected="what was seen to make a file that can be used",
                found=problems,
                advice="Say the address or the id that is named there, or unset the variable.",
            ) from None
