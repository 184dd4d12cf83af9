"""From a product's name to its contract, with what an environment says differently."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pam_rollback.base.configuration import ConfigurationError, Problem
from pam_rollback.outside import places
from pam_rollback.product.contract import Contract
from pam_rollback.product.files import load_contract, path_of, read_contract, validated

FOLDER = "products"
_OWN = places.HOME / FOLDER
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
