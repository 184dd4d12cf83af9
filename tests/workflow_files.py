"""The workflows of this repository, as the service reads them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".github" / "workflows"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yml"))


def workflow(name: str) -> Any:
    """As the service reads it; ``on`` stays a word."""
    return YAML(typ="safe").load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))


def all_steps(name: str) -> list[Mapping[str, Any]]:
    """Of all jobs."""
    return [step for job in workflow(name)["jobs"].values() for step in job.get("steps", ())]
