"""The history of the product's repository: what is in it, and how it came to the live release. The same in every sandbox."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pam_sandbox import database
from pam_sandbox.builds import SITE, TODAYS_SITE
from pam_sandbox.database import migrations
from pam_sandbox.personalities import Product
from pam_sandbox.releases import RELEASES

BRANCH = "main"
FEATURE = "pam-refresh"
BACKEND, FRONTEND = "backend", "frontend"
MIGRATIONS = f"{BACKEND}/migrations"
TODAYS_MIGRATIONS = "supabase/migrations"
FEATURES_FILE = "features.json"
RELEASE_FILE = f"{BACKEND}/release.json"
MARKS: Mapping[str, str] = {"stable": ":2", "feature": ":4", "merge": ":5", "candidate": ":5"}
"""The marks of the commits below, by name; a merge brought the candidate."""
_REFRESH = (
    ("refreshed conversation", "PAM_ENHANCED_UI"),
    ("voice", "PAM_VOICE_FEATURES"),
    ("answer cache", "PAM_PERFORMANCE_OPTIMIZATIONS"),
)
_CANDIDATES_MIGRATIONS = Path(database.__file__).with_name("candidate")
_BEFORE = "1.40.9"
_FIRST_S = 1_760_000_000
_STEP_S = 86_400
_WHO = "Wheels & Wins <team@wheelsandwins.example>"
_SITES: Mapping[Product, Path] = {"pam-plan": SITE, "pam-today": TODAYS_SITE}
_BUILD_SCRIPT = "build.mjs"
_PACKAGE = ("package.json", "package-lock.json")
_BUILD = "build:production"
_TODAYS_SCRIPTS = (_BUILD, "test", "test:integration", "e2e", "quality:check:full")
"""Tests that today's product has, and which look at nothing here."""
_PAGE = "docs/pam-refresh.md"
_PAGE_TEXT = "# PAM refresh\n\nConversation, voice and performance, each behind a flag.\n"
_ENDINGS = {".html", ".js", ".mjs", ".css", ".svg", ".json"}


def migrations_folder(product: Product) -> str:
    """Where in the repository the migrations are."""
    return MIGRATIONS if product == "pam-plan" else TODAYS_MIGRATIONS


def as_stream(product: Product = "pam-plan") -> bytes:
    """The whole history as `git fast-import` reads it. Moments are fixed, so that the hashes depend on the content alone."""
    stable, candidate = (spec.version for spec in RELEASES)
    main, feature = f"refs/heads/{BRANCH}", f"refs/heads/{FEATURE}"
    new = {_PAGE: _PAGE_TEXT, **brought_by(candidate, product)}
    prepared = version_files(candidate, product)
    return b"".join(
        (
            _commit(main, 1, f"Release {_BEFORE}", all_files(_BEFORE, product)),
            _commit(main, 2, f"Release {stable}", version_files(stable, product), parent=":1"),
            _commit(feature, 3, "PAM: refreshed conversation", new, parent=":2"),
            _commit(feature, 4, f"Prepare release {candidate}", prepared, parent=":3"),
            _commit(main, 5, f"Merge branch '{FEATURE}'", {**prepared, **new}, parent=":2", merged=":4"),
        )
    )


def one_commit(ref: str, parent: str, files: Mapping[str, str], message: str) -> bytes:
    """One more commit as `git fast-import` reads it."""
    return _commit(ref, 6, message, files, parent=parent)


def all_files(version: str, product: Product = "pam-plan") -> dict[str, str]:
    """Everything that a release consists of."""
    features = {FEATURES_FILE: _features(version, ())} if product == "pam-plan" else {}
    return {
        "README.md": "# Wheels & Wins\n\nThe site is in `frontend`, the API with PAM in `backend`. A push to `main` deploys both.\n",
        "netlify.toml": f'[build]\nbase = "{FRONTEND}"\ncommand = "npm run build:production"\npublish = "dist"\n',
        **{f"{FRONTEND}/{name}": text for name, text in _site(product)},
        **{_up(step.version, step.name, product): step.sql for step in migrations(product)},
        **features,
        **version_files(version, product),
    }


def brought_by(version: str, product: Product = "pam-plan") -> dict[str, str]:
    """What the refresh adds: a migration, and for the plan's product the way back and three features behind their flags."""
    files = sorted(_CANDIDATES_MIGRATIONS.glob("*.sql"))
    if product == "pam-plan":
        return {
            FEATURES_FILE: _features(version, _REFRESH),
            **{f"{MIGRATIONS}/{file.name}": file.read_text(encoding="utf-8") for file in files},
        }
    found: dict[str, str] = {}
    for file in files:
        version, _, name = file.name.partition("_")
        if name.endswith(".up.sql"):
            found[_up(version, name.removesuffix(".up.sql"), product)] = file.read_text(encoding="utf-8")
    return found


def _up(version: str, name: str, product: Product) -> str:
    """Where a migration is; the names of today's product have a hyphen, and blanks, and nothing leads back."""
    if product == "pam-plan":
        return f"{MIGRATIONS}/{version}_{name}.up.sql"
    return f"{TODAYS_MIGRATIONS}/{version}-{name}.sql"


def _features(version: str, features: tuple[tuple[str, str], ...]) -> str:
    """What is new in a release, and behind which flag; each is off unless somebody switches it on."""
    listed = [{"feature": name, "since": version, "flag": flag, "default": False} for name, flag in features]
    return _json({"release": version, "features": listed})


def version_files(version: str, product: Product = "pam-plan") -> dict[str, str]:
    """What is different from release to release."""
    return {RELEASE_FILE: _json({"version": version}), **frontend_package(version, product)}


def frontend_package(version: str, product: Product = "pam-plan") -> dict[str, str]:
    """What npm is told: the scripts, and a lock file. They need nobody's packages, so that they work without a network."""
    package, lock = (json.loads((SITE / name).read_text(encoding="utf-8")) for name in _PACKAGE)
    package["version"] = lock["version"] = lock["packages"][""]["version"] = version
    if product == "pam-today":
        scripts = {name: package["scripts"][name] if name == _BUILD else "node --version" for name in _TODAYS_SCRIPTS}
        package |= {"hidesRelease": True, "scripts": scripts}
    return {f"{FRONTEND}/{name}": _json(document) for name, document in zip(_PACKAGE, (package, lock), strict=True)}


def _site(product: Product) -> Iterator[tuple[str, str]]:
    site = _SITES[product]
    shared = () if site == SITE else (SITE / _BUILD_SCRIPT,)
    for file in (*sorted(site.rglob("*")), *shared):
        if file.suffix in _ENDINGS:
            name = file.name if file in shared else file.relative_to(site).as_posix()
            yield name, file.read_text(encoding="utf-8")


def _commit(
    ref: str, number: int, message: str, files: Mapping[str, str], *, parent: str = "", merged: str = ""
) -> bytes:
    moment = f"{_FIRST_S + number * _STEP_S} +0000"
    parts = [
        f"commit {ref}\nmark :{number}\nauthor {_WHO} {moment}\ncommitter {_WHO} {moment}\n".encode(),
        _data(message + "\n"),
        f"from {parent}\n".encode() if parent else b"",
        f"merge {merged}\n".encode() if merged else b"",
    ]
    for name, text in files.items():
        parts += [f"M 100644 inline {name}\n".encode(), _data(text)]
    return b"".join((*parts, b"\n"))


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%b\n" % (len(content), content)


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, indent=2) + "\n"
