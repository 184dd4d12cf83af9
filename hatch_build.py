"""What a wheel brings besides the modules: all that a checkout has in its own folders. Where it lands: ``outside/places.py``."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("checks", "docs", "drills", "environments", "load", "products")
FILES = ("plan.toml", "conftest.py", "pyproject.toml")
REPORTS = (".npmrc", "allurerc.json", "package.json", "package-lock.json")
SHIPPED = "pam_rollback/shipped"


class Shipped(BuildHookInterface[Any]):
    """Adds them; an editable installation has them already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the files are gathered."""
        if version == "standard":
            names = (*FOLDERS, *FILES, *(f"reports/{name}" for name in REPORTS))
            build_data["force_include"] |= {name: f"{SHIPPED}/{name}" for name in names}
