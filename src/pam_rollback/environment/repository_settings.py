"""What an environment says about where the product's history and its pull requests are."""

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from pam_rollback.base.addresses import web_address
from pam_rollback.base.configuration import Problem, Table

GITHUB_API = "https://api.github.com"
_BRANCH = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"


class GitHub(Table):
    """Where the repository's pull requests are, for a branch that takes no pushes. The token is that of ``git_token_env``."""

    repository: Annotated[str, Field(pattern=r"^([A-Za-z0-9-]+/[A-Za-z0-9._-]+)?$")] = ""
    """As ``owner/name``."""
    api_url: Annotated[str, AfterValidator(web_address)] = GITHUB_API
    """The base address of GitHub's API."""

    def problems(self) -> Iterator[Problem]:
        """Everything that is well-formed but cannot be used like this."""
        if not self.repository:
            yield Problem("[github] repository", "missing: the repository, as owner/name")


class Git(Table):
    """The repository that both sites are built from. A token, where one is needed, is a secret and stands in no address."""

    remote: str = ""
    """``https://…``, ``ssh://…``, ``git@host:path`` or, on a sandbox, a folder."""
    branch: Annotated[str, Field(pattern=_BRANCH)] = "main"
    """Where a push deploys."""
    frontend_folder: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]*$")] = ""
    """Where the front end's package.json is, below the root."""
    build_command: Annotated[str, Field(pattern=r"^[a-z0-9:_-]+$")] = "build:production"
    """The npm script that builds it."""
    publish_folder: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]+$")] = "dist"
    """Where the build is, below ``frontend_folder``."""
    version_file: Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?$")] = ""
    """Where a commit says the version that the back end names: JSON, TOML, code with one assignment, or a file with nothing else."""

    migrations_folder: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]+$")] = "migrations"
    """Where migrations are: ``VERSION_NAME.up.sql`` and ``VERSION_NAME.down.sql``, or ``VERSION_NAME.sql`` as Supabase has them."""
    features_file: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]+$")] = "features.json"
    """What is new in a release, and behind which flag (docs/how-to/redeploy.md)."""

    def problems(self) -> Iterator[Problem]:
        """Everything that is well-formed but cannot be used like this."""
        if not self.remote:
            yield Problem("[git] remote", "missing: the address of the repository")
        elif self.remote.startswith("-") or any(character.isspace() for character in self.remote):
            yield Problem("[git] remote", "is no address: it begins with a dash or has blanks")
        elif re.match(r"[a-z+]+://[^/@]*:[^/]*@", self.remote, re.IGNORECASE):
            yield Problem("[git] remote", "has a password in it: put it in the variable of [secrets] git_token_env")
