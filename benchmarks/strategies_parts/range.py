"""One sandbox as a place for a real rollback: no controls, no planted damage, its providers behind witnesses."""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from strategies_parts.witness import Witness, witness

from pam_rollback.sandbox.launch import launch

NAME = "rehearsal"
Profile = Literal["fast", "realistic"]


@dataclass(frozen=True)
class Place:
    """A running range. ``file`` is the environment that a session is given, ``variables`` its secrets."""

    file: Path
    variables: Mapping[str, str]
    state: Mapping[str, Any]
    render: Witness
    netlify: Witness

    @property
    def api(self) -> str:
        """Where clients ask."""
        return str(self.state["urls"]["api"])

    @property
    def frontend(self) -> str:
        """Where visitors ask."""
        return str(self.state["urls"]["frontend"])


@contextmanager
def place(folder: Path, latencies: Profile) -> Iterator[Place]:
    """Start one that lives as long as the block."""
    state_file = folder / "sandbox.toml"
    with launch(state_file, latencies=latencies):
        state = tomllib.loads(state_file.read_text(encoding="utf-8"))
        with witness(state["render"]["api_url"]) as render, witness(state["netlify"]["api_url"]) as netlify:
            file = folder / f"{NAME}.toml"
            file.write_text(_environment(state, render.url, netlify.url), encoding="utf-8")
            variables = {**os.environ, **state["sandbox"]["variables"]}
            variables.pop("PYTHONDONTWRITEBYTECODE", None)  # with it, every start compiles everything anew
            yield Place(file, variables, state, render, netlify)


def _environment(state: Mapping[str, Any], render: str, netlify: str) -> str:
    """An environment of kind staging: on a sandbox a session would plant an incident first, and wait until it is seen."""
    tables: dict[str, dict[str, Any]] = {
        name: dict(table) for name, table in state.items() if isinstance(table, dict) and name != "sandbox"
    }
    tables["probing"] = {"control_url": state["urls"]["status_page"]}
    tables["render"]["api_url"] = render
    tables["netlify"]["api_url"] = netlify
    lines = ['extends = "sandbox"', f'name = "{NAME}"', 'kind = "staging"', "pace = 60"]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"
