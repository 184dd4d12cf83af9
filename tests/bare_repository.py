"""A real bare repository as the product has it: one for both sites, a release merged into main, and colleagues with clones."""

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

VARIABLES = {
    "PATH": os.environ["PATH"],
    "HOME": os.devnull,
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "A colleague",
    "GIT_AUTHOR_EMAIL": "colleague@example.com",
    "GIT_COMMITTER_NAME": "A colleague",
    "GIT_COMMITTER_EMAIL": "colleague@example.com",
}


def git(folder: Path, *arguments: str) -> str:
    """What git says; the colleague's git, never the suite's."""
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=VARIABLES, capture_output=True, text=True, check=True
    ).stdout.strip()


@dataclass(frozen=True)
class Clone:
    """A colleague's clone."""

    folder: Path

    def commit(self, message: str, **files: str) -> str:
        """Write files (``app_txt`` is ``app.txt``) and commit them; gives the hash."""
        for name, content in files.items():
            (self.folder / name.replace("_", ".")).write_text(content, encoding="utf-8")
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "-m", message)
        return git(self.folder, "rev-parse", "HEAD")

    def push(self, branch: str = "main") -> None:
        """Push what is checked out."""
        git(self.folder, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")


@dataclass(frozen=True)
class Origin:
    """The bare repository: ``stable`` was deployed, then the branch of ``candidate`` was merged into main by ``merge``."""

    folder: Path
    stable: str
    candidate: str
    merge: str

    def copied(self, folder: Path) -> "Origin":
        """The same repository somewhere else, to be changed."""
        shutil.copytree(self.folder, folder)
        return replace(self, folder=folder)

    def head(self, branch: str = "main") -> str:
        """Where the branch is; empty when there is none."""
        return git(self.folder, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def refs(self) -> str:
        """All refs, to see that nothing changed."""
        return git(self.folder, "for-each-ref")

    def content(self, name: str, commit: str = "main") -> str:
        """A file of a commit."""
        return git(self.folder, "show", f"{commit}:{name}")

    def hook(self, name: str, script: str) -> None:
        """A rule of the host."""
        path = self.folder / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def clone(self, folder: Path) -> Clone:
        """Another colleague's clone, as of now."""
        git(folder.parent, "clone", "--quiet", str(self.folder), str(folder))
        return Clone(folder)


def make_origin(folder: Path) -> Origin:
    """The repository with its two releases."""
    bare = folder / "origin.git"
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(bare))
    git(folder, "clone", "--quiet", str(bare), str(folder / "author"))
    author = Clone(folder / "author")
    git(author.folder, "checkout", "--quiet", "-B", "main")
    author.commit("Begin", app_txt="one\ntwo\nthree\n", other_txt="other\n")
    stable = author.commit("Release 1.41.3", version_txt="1.41.3\n")
    author.push()
    git(author.folder, "checkout", "--quiet", "-b", "feature")
    candidate = author.commit(
        "Release 1.42.0", version_txt="1.42.0\n", app_txt="one\nTWO, WRONG\nthree\n", new_txt="new\n"
    )
    git(author.folder, "checkout", "--quiet", "main")
    git(author.folder, "merge", "--quiet", "--no-ff", "-m", "Merge branch 'feature'", "feature")
    author.push()
    return Origin(bare, stable, candidate, git(author.folder, "rev-parse", "HEAD"))
