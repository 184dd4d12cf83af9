"""Starts all parts of a sandbox, keeps them together, and leaves nothing behind.

In one module: the parts are started in one order and ended in the other.
"""

import asyncio
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psycopg
from aiohttp import web

from pam_sandbox import history, state_file
from pam_sandbox.backend_deploys import BACKEND, BackendDeploys, Profile, WorkerDeploys
from pam_sandbox.children import Children
from pam_sandbox.control import Control
from pam_sandbox.database import (
    OTHER_ACCOUNT_EMAIL,
    TEST_ACCOUNT_EMAIL,
    account_id,
    in_plan_dialect,
)
from pam_sandbox.doorkeeper import HURRY, Doorkeeper, Elsewhere
from pam_sandbox.edge import Edge, SecondAddress
from pam_sandbox.faults import PlantedFaults
from pam_sandbox.front_end_server import FrontEndServer
from pam_sandbox.personalities import PERSONALITIES, Product
from pam_sandbox.planting import Planter
from pam_sandbox.practice_database import Access, PracticeDatabase, copy_dsn, make_copy
from pam_sandbox.problems import SandboxError
from pam_sandbox.product.tokens import issue
from pam_sandbox.providers import netlify, render
from pam_sandbox.providers.netlify_deploys import FRONTEND
from pam_sandbox.releases import LIVE_AT_START, RELEASES, Fleet, ProductSecrets, Release, ReleaseSpec
from pam_sandbox.repository import Repository
from pam_sandbox.sinks import (
    MAIL_USER,
    STATUSPAGE_BASE,
    MailSink,
    PagerDutySink,
    SlackSink,
    StatusPage,
    StatuspageApi,
)
from pam_sandbox.state_file import (
    BACKLOG,
    TODAYS_ABILITIES,
    TODAYS_LIMITS,
    Dialect,
    Listeners,
    State,
    Value,
    addresses_of,
    url_of,
)
from pam_sandbox.supabase import Supabase

_CLOSE_WITHIN_S = 0.5
_LONG_AGO_S = 86_400
_RENDER_SERVICE, _RENDER_OWNER = "srv-practicerange00backend", "tea-practicerange00team000"
_WORKER_SERVICE = "srv-practicerange00worker0"
_PLANS_TABLES: dict[str, dict[str, Value]] = {
    "git": {"version_file": history.RELEASE_FILE, "features_file": history.FEATURES_FILE}
}
_FOLDER_MODE = 0o711  # the unprivileged database account has to pass through; what is inside is private


class Supervisor:
    """One sandbox."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        state_path: Path,
        dialect: Dialect = "product",
        latencies: Profile = "fast",
        product: Product = "pam-plan",
        practice: bool = False,
    ) -> None:
        self._personality = PERSONALITIES[product]
        self._started_s = time.monotonic()
        self._state_path = state_path
        self._is_ready = False
        self._account_password = secrets.token_urlsafe(12)
        self._children = Children()
        self._runners: list[web.BaseRunner] = []
        self._watches: list[asyncio.Task[None]] = []
        self._database: PracticeDatabase | None = None
        self._netlify: netlify.NetlifyApi | None = None
        self._supabase: Supabase | None = None
        self._mail: asyncio.Server | None = None
        self._folder = make_folder(self._children)
        self._environment = environment
        self._dialect = dialect
        self._latencies = latencies
        self._practice = practice
        first = next(spec for spec in RELEASES if spec.name == LIVE_AT_START)
        self._fleet = Fleet(self._release(first), make=self._release)

    async def start(self) -> State:
        """Start everything; the state file is there when it returns. Raises SandboxError, OSError."""
        self._fleet.live.spawn()  # its code loads while the database starts
        listeners = Listeners.open()
        faults = PlantedFaults()
        database = PracticeDatabase(
            self._environment,
            folder=self._folder,
            children=self._children,
            account_password=self._account_password,
            product=self._personality.name,
        )
        self._database = database
        access, repository = await asyncio.gather(
            _opened(database),
            asyncio.to_thread(Repository.create, self._folder / "repository.git", self._personality.name),
        )
        product = ProductSecrets(
            dsn=access.product_dsn,
            admin_token=secrets.token_urlsafe(24),
            emergency_token=secrets.token_urlsafe(24),
            jwt_secret=secrets.token_urlsafe(48),
            internal_token=secrets.token_urlsafe(24),
            frontend_origin=url_of(listeners.frontend),
            product=self._personality.name,
        )
        supabase = Supabase(faults, dsn=access.product_dsn, jwt_secret=product.jwt_secret)
        await supabase.open()
        self._supabase = supabase
        first = self._fleet.live
        first.spec = replace(first.spec, commit=repository.commits[first.spec.name])
        deploys = await asyncio.to_thread(
            BackendDeploys, self._fleet, repository, faults, latencies=BACKEND[self._latencies]
        )
        worker = (
            None
            if self._personality.name == "pam-plan"
            else await asyncio.to_thread(WorkerDeploys, repository, faults, latencies=BACKEND[self._latencies])
        )
        site, _ = await asyncio.gather(
            netlify.NetlifyApi.open(
                faults,
                repository,
                url=url_of(listeners.frontend),
                scratch=self._folder,
                latencies=FRONTEND[self._latencies],
                variables={
                    "VITE_BACKEND_URL": url_of(listeners.api),
                    "VITE_SUPABASE_URL": url_of(listeners.supabase),
                    "VITE_SUPABASE_ANON_KEY": supabase.anon_key,
                },
            ),
            self._fleet.open(product),
        )
        self._netlify = site

        status_page = StatusPage(faults)
        slack = SlackSink(faults)
        state = self._state(
            listeners,
            product,
            access,
            repository,
            site,
            slack=slack,
            status_page=status_page,
            supabase=supabase,
        )
        page_api = StatuspageApi(faults, status_page, key=state.variables["STATUSPAGE_API_KEY"])
        pager = PagerDutySink(faults, routing_key=state.variables["PAGERDUTY_ROUTING_KEY"])
        mail = MailSink(faults, password=state.variables["PAM_SMTP_PASSWORD"])
        front_end = FrontEndServer(
            faults, site.deploys, api_url=state.told("urls", "api"), personality=self._personality
        )
        stable = next(spec for spec in RELEASES if spec.name == "stable")
        second = SecondAddress(self._fleet, replace(stable, commit=repository.commits[stable.name]))
        door = Doorkeeper(hurry=HURRY) if self._personality.bans_scanners else None
        edge = Edge(
            self._fleet,
            faults,
            page=lambda: front_end.page,
            door=door,
            talks=self._personality.talks_on_socket,
        )
        self._watches.append(asyncio.create_task(edge.records.watch(self._fleet)))
        self._watches.append(asyncio.create_task(repository.watch()))
        render_api = render.RenderApi(
            faults,
            edge.records,
            key=state.variables["RENDER_API_KEY"],
            service_id=_RENDER_SERVICE,
            owner_id=_RENDER_OWNER,
            deploys=deploys,
            url=state.told("urls", "api"),
            repo=str(repository.path),
            worker=None if worker is None else (_WORKER_SERVICE, worker),
        )
        planter = Planter(faults, self._fleet, database, access, repository)

        async def channels(request: web.BaseRequest) -> web.StreamResponse:
            service = page_api if request.path.startswith(f"{STATUSPAGE_BASE}/") else pager
            return await service.handle(request)

        control = Control(
            token=state.told("sandbox", "token"),
            addresses=addresses_of(
                listeners,
                repository=str(repository.path),
                databases={
                    "database": access.product_dsn,
                    "copy of the database": copy_dsn(access.product_dsn),
                },
            ),
            faults=faults,
            planter=planter,
            fleet=self._fleet,
            edge=edge,
            services=(deploys,) if worker is None else (deploys, worker),
            repository=repository,
            site=site,
            render=render_api,
            sinks={"slack": slack, "pagerduty": pager, "email": mail, "statuspage": page_api},
            status_page=status_page,
            copy_database=lambda: make_copy(access, self._personality.name),
            ready_s=time.monotonic() - self._started_s,
        )
        for handler, listener in (
            (edge.handle, listeners.api),
            (second.handle, listeners.stable),
            (Elsewhere().handle, listeners.elsewhere),
            (supabase.handle, listeners.supabase),
            (front_end.handle, listeners.frontend),
            (slack.handle, listeners.slack),
            (status_page.handle, listeners.status_page),
            (render_api.handle, listeners.render),
            (site.handle, listeners.netlify),
            (channels, listeners.channels),
        ):
            # A handler whose client has gone is cancelled: a silent answer does not stay for ever.
            server = web.Server(handler, access_log=None, handler_cancellation=True)
            await self._serve(web.ServerRunner(server, shutdown_timeout=_CLOSE_WITHIN_S), listener)
        self._mail = await asyncio.get_running_loop().create_server(mail.connection, sock=listeners.mail)
        await self._serve(web.AppRunner(control.application(), access_log=None), listeners.control)
        state_file.write(self._state_path, state)
        self._children.owns_file(self._state_path)
        self._is_ready = True
        return state

    async def stop(self) -> None:
        """Stop everything, whatever was started; what cannot be stopped in order is left to the janitor."""
        if self._is_ready:
            self._state_path.unlink(missing_ok=True)
        try:
            for watch in self._watches:
                watch.cancel()
            if self._mail is not None:
                self._mail.close()
            for runner in self._runners:
                await runner.cleanup()
            if self._netlify is not None:
                await self._netlify.deploys.close()
            if self._supabase is not None:
                await self._supabase.close()
            await self._fleet.close()
            if self._database is not None:
                await self._database.server.stop()
        finally:
            await asyncio.to_thread(self._children.close)
            # A start that failed or was interrupted may have left a thread that still writes there.
            await asyncio.get_running_loop().shutdown_default_executor()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _release(self, spec: ReleaseSpec) -> Release:
        return Release(spec, children=self._children, logs=self._folder)

    def _state(
        self,
        listeners: Listeners,
        product: ProductSecrets,
        access: Access,
        repository: Repository,
        site: netlify.NetlifyApi,
        *,
        slack: SlackSink,
        status_page: StatusPage,
        supabase: Supabase,
    ) -> State:
        address = {name: url_of(listener) for name, listener in vars(listeners).items()}
        today = self._personality.name == "pam-today"
        name, kind = ("practice", "staging") if self._practice else ("sandbox", "sandbox")
        expired = issue(
            account_id(TEST_ACCOUNT_EMAIL), TEST_ACCOUNT_EMAIL, secret=product.jwt_secret, age_s=_LONG_AGO_S
        )
        dsn = access.auditor_dsn
        tables: dict[str, dict[str, Value]] = {
            "": {"extends": "sandbox", "name": name, "kind": kind},
            "urls": {
                "frontend": address["frontend"],
                "api": address["api"],
                "backend": address["api"],
                "status_page": address["status_page"],
            },
            "sql": {"dialect": self._dialect},
            "render": {
                "api_url": address["render"] + render.BASE,
                "service_id": _RENDER_SERVICE,
                "owner_id": _RENDER_OWNER,
            },
            "statuspage": {"page_id": status_page.id, "api_url": address["channels"] + STATUSPAGE_BASE},
            "pagerduty": {"api_url": address["channels"]},
            "email": {
                "host": "127.0.0.1",
                "port": listeners.mail.getsockname()[1],
                "from": MAIL_USER,
                "starttls": False,
            },
            "netlify": {"api_url": address["netlify"] + netlify.BASE, "site_id": site.site_id},
            "git": {
                "remote": str(repository.path),
                "branch": history.BRANCH,
                "frontend_folder": history.FRONTEND,
                "migrations_folder": history.migrations_folder(self._personality.name),
            },
            "load": {"stable_api": address["stable"], "stable_backend": address["stable"]},
            "sandbox": {
                "control_url": address["control"],
                "token": secrets.token_urlsafe(32),
                "second_address_proxy": address["elsewhere"],
            },
            "sandbox.variables": {
                "PAM_ADMIN_TOKEN": product.admin_token,
                "PAM_EMERGENCY_TOKEN": product.emergency_token,
                "PAM_SLACK_WEBHOOK_URL": address["slack"] + slack.path,
                "TEST_USER_EMAIL": TEST_ACCOUNT_EMAIL,
                "TEST_USER_PASSWORD": self._account_password,
                "SECOND_TEST_USER_EMAIL": OTHER_ACCOUNT_EMAIL,
                "SECOND_TEST_USER_PASSWORD": self._account_password,
                "EXPIRED_USER_TOKEN": expired,
                "NETLIFY_AUTH_TOKEN": site.token,
                "RENDER_API_KEY": f"rnd_{secrets.token_urlsafe(24)}",
                "STATUSPAGE_API_KEY": secrets.token_urlsafe(24),
                "PAGERDUTY_ROUTING_KEY": secrets.token_hex(16),
                "PAM_SMTP_USERNAME": MAIL_USER,
                "PAM_SMTP_PASSWORD": secrets.token_urlsafe(18),
                "PAM_STAGING_COPY_DSN": copy_dsn(access.product_dsn),
                "PAM_DATABASE_DSN": in_plan_dialect(dsn) if self._dialect == "plan" else dsn,
            },
        }
        of_one_product = _todays_tables(address["supabase"], supabase) if today else _PLANS_TABLES
        for table, values in of_one_product.items():
            tables.setdefault(table, {}).update(values)
        return State(tables)

    async def _serve(self, runner: web.BaseRunner, listener: socket.socket) -> None:
        self._runners.append(runner)
        await runner.setup()
        await web.SockSite(runner, listener, backlog=BACKLOG).start()


def _todays_tables(supabase_url: str, supabase: Supabase) -> dict[str, dict[str, Value]]:
    return {
        "": {"product": "pam-today", "abilities": [*TODAYS_ABILITIES]},
        "urls": {"supabase": supabase_url},
        "render": {"workers": [_WORKER_SERVICE]},
        "secrets": {
            "supabase_key_env": "SUPABASE_ANON_KEY",
            "supabase_service_key_env": "SUPABASE_SERVICE_ROLE_KEY",
        },
        "contract.limits": {**TODAYS_LIMITS},
        "sandbox.variables": {
            "SUPABASE_ANON_KEY": supabase.anon_key,
            "SUPABASE_SERVICE_ROLE_KEY": supabase.service_key,
        },
    }


async def _opened(database: PracticeDatabase) -> Access:
    try:
        return await database.open()
    except (psycopg.Error, OSError) as error:
        raise SandboxError("database", expected="schema and rows", found=f"{type(error).__name__}: {error}") from error


def make_folder(children: Children) -> Path:
    """The sandbox's own folder. It is told before it is made: whoever is killed in between leaves nothing behind."""
    try:
        folder = Path(tempfile.gettempdir()) / f"pam-sandbox-{secrets.token_hex(6)}"
        children.owns_folder(folder)
        folder.mkdir(0o700)
        folder.chmod(_FOLDER_MODE)
    except OSError as error:
        raise SandboxError(
            "temporary folder", expected="a folder to write to", found=str(error), advice="Set TMPDIR to one."
        ) from error
    return folder
