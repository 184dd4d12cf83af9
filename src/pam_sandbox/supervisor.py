"""Starts all parts of a sandbox, keeps them together, and leaves nothing behind."""

import asyncio
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg
from aiohttp import web

from pam_sandbox import state_file
from pam_sandbox.backend_deploys import BACKEND, Profile, ServiceDeploys
from pam_sandbox.children import Children
from pam_sandbox.control import Control
from pam_sandbox.database import OTHER_ACCOUNT_EMAIL, TEST_ACCOUNT_EMAIL, account_id, in_plan_dialect
from pam_sandbox.doorkeeper import Doorkeeper, Elsewhere
from pam_sandbox.edge import Edge, SecondAddress
from pam_sandbox.faults import PlantedFaults
from pam_sandbox.front_end_server import FrontEndServer
from pam_sandbox.personalities import HURRY, PERSONALITIES, Product, Value
from pam_sandbox.planting import Planter
from pam_sandbox.practice_database import Access, PracticeDatabase, copy_dsn, make_copy
from pam_sandbox.problems import SandboxError
from pam_sandbox.product.tokens import issue
from pam_sandbox.providers import netlify, render
from pam_sandbox.providers.netlify_deploys import FRONTEND, Builder, Deploys
from pam_sandbox.releases import LIVE_AT_START, RELEASES, Fleet, ProductSecrets, Release, ReleaseSpec
from pam_sandbox.repository import BRANCH, Repository
from pam_sandbox.repository import FRONTEND as FRONT_END
from pam_sandbox.sinks import (
    MAIL_USER,
    STATUSPAGE_BASE,
    MailSink,
    PagerDutySink,
    SlackSink,
    StatusPage,
    StatuspageApi,
)
from pam_sandbox.state_file import BACKLOG, Dialect, Listeners, State, addresses_of, url_of
from pam_sandbox.supabase import Supabase

_CLOSE_WITHIN_S = 0.5
_LONG_AGO_S = 86_400
_RENDER_SERVICE, _RENDER_OWNER = "srv-practicerange00backend", "tea-practicerange00team000"
_FOLDER_MODE = 0o711  # the unprivileged database account has to pass through; what is inside is private


class Supervisor:
    """One sandbox. What is started is ended in the other order."""

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
        self._children = Children()
        self._ends = AsyncExitStack()
        self._folder = make_folder(self._children)
        self._environment = environment
        self._dialect = dialect
        self._latencies = latencies
        self._practice = practice
        self._by_name = {spec.name: spec for spec in RELEASES}
        self._fleet = Fleet(self._release(self._by_name[LIVE_AT_START]), make=self._release)

    async def start(self) -> State:
        """Start everything; the state file is there when it returns. Raises SandboxError, OSError."""
        fleet, product = self._fleet, self._personality
        fleet.live.spawn()  # its code loads while the database starts; until it has an end of its own, the janitor is its end
        listeners, faults, password = Listeners.open(), PlantedFaults(), secrets.token_urlsafe(12)
        address = {name: url_of(listener) for name, listener in vars(listeners).items()}
        database = PracticeDatabase(
            self._environment, folder=self._folder, children=self._children, account_password=password, product=product
        )
        self._ends.push_async_callback(database.server.stop)
        self._ends.push_async_callback(fleet.close)
        access, repo = await asyncio.gather(
            _opened(database),
            asyncio.to_thread(Repository.create, self._folder / "repository.git", product),
        )
        told = ProductSecrets(
            dsn=access.product_dsn,
            admin_token=secrets.token_urlsafe(24),
            emergency_token=secrets.token_urlsafe(24),
            jwt_secret=secrets.token_urlsafe(48),
            internal_token=secrets.token_urlsafe(24),
            frontend_origin=address["frontend"],
            product=product.name,
        )
        supabase = Supabase(faults, dsn=access.product_dsn, jwt_secret=told.jwt_secret)
        await supabase.open()
        self._ends.push_async_callback(supabase.close)
        fleet.live.spec = replace(fleet.live.spec, commit=repo.commits[LIVE_AT_START])
        service = partial(ServiceDeploys, repo, faults, latencies=BACKEND[self._latencies])
        deploys = await asyncio.to_thread(service, fleet=fleet)
        workers = {name: await asyncio.to_thread(service) for name in product.workers}
        variables = {
            "VITE_BACKEND_URL": address["api"],
            "VITE_SUPABASE_URL": address["supabase"],
            "VITE_SUPABASE_ANON_KEY": supabase.anon_key,
        }
        builder = Builder(repo, self._folder, variables)
        site_deploys, _ = await asyncio.gather(
            Deploys.open(faults, builder, latencies=FRONTEND[self._latencies]), fleet.open(told)
        )
        site = netlify.NetlifyApi(faults, site_deploys, repo, url=address["frontend"])
        self._ends.push_async_callback(site.deploys.close)
        slack, pager, mail, status_page = SlackSink(faults), PagerDutySink(faults), MailSink(faults), StatusPage(faults)
        page_api = StatuspageApi(faults, status_page)
        front_end = FrontEndServer(faults, site.deploys, api_url=address["api"], personality=product)
        stable = self._by_name["stable"]
        second = SecondAddress(fleet, replace(stable, commit=repo.commits[stable.name]))
        edge = Edge(
            fleet,
            faults,
            page=lambda: front_end.page,
            door=Doorkeeper(hurry=HURRY) if product.bans_scanners else None,
            talks=product.talks_on_socket,
        )
        for watching in (edge.records.watch(fleet), repo.watch()):
            self._ends.callback(asyncio.create_task(watching).cancel)
        render_api = render.RenderApi(
            faults,
            edge.records,
            key=f"rnd_{secrets.token_urlsafe(24)}",
            service_id=_RENDER_SERVICE,
            owner_id=_RENDER_OWNER,
            deploys=deploys,
            url=address["api"],
            repo=str(repo.path),
            workers=workers,
        )

        async def channels(request: web.BaseRequest) -> web.StreamResponse:
            service = page_api if request.path.startswith(f"{STATUSPAGE_BASE}/") else pager
            return await service.handle(request)

        control = Control(
            token=secrets.token_urlsafe(32),
            addresses=addresses_of(
                listeners,
                repository=str(repo.path),
                databases={"database": access.product_dsn, "copy of the database": copy_dsn(access.product_dsn)},
            ),
            planter=Planter(faults, fleet, database, access, repo),
            edge=edge,
            services=(deploys, *workers.values()),
            site=site,
            render=render_api,
            sinks={sink.name: sink for sink in (slack, pager, mail, page_api)},
            status_page=status_page,
            copy_database=lambda: make_copy(access, product),
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
        smtp = await asyncio.get_running_loop().create_server(mail.connection, sock=listeners.mail)
        self._ends.callback(smtp.close)
        await self._serve(web.AppRunner(control.application(), access_log=None), listeners.control)
        name, kind = ("practice", "staging") if self._practice else ("sandbox", "sandbox")
        expired = issue(account_id(TEST_ACCOUNT_EMAIL), TEST_ACCOUNT_EMAIL, secret=told.jwt_secret, age_s=_LONG_AGO_S)
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
                "remote": str(repo.path),
                "branch": BRANCH,
                "frontend_folder": FRONT_END,
                "migrations_folder": product.migrations,
            },
            "load": {"stable_api": address["stable"], "stable_backend": address["stable"]},
            "sandbox": {
                "control_url": address["control"],
                "token": control.token,
                "second_address_proxy": address["elsewhere"],
            },
            "sandbox.variables": {
                "PAM_ADMIN_TOKEN": told.admin_token,
                "PAM_EMERGENCY_TOKEN": told.emergency_token,
                "PAM_SLACK_WEBHOOK_URL": address["slack"] + slack.path,
                "TEST_USER_EMAIL": TEST_ACCOUNT_EMAIL,
                "TEST_USER_PASSWORD": password,
                "SECOND_TEST_USER_EMAIL": OTHER_ACCOUNT_EMAIL,
                "SECOND_TEST_USER_PASSWORD": password,
                "EXPIRED_USER_TOKEN": expired,
                "NETLIFY_AUTH_TOKEN": site.token,
                "RENDER_API_KEY": render_api.token,
                "STATUSPAGE_API_KEY": page_api.key,
                "PAGERDUTY_ROUTING_KEY": pager.key,
                "PAM_SMTP_USERNAME": MAIL_USER,
                "PAM_SMTP_PASSWORD": mail.key,
                "PAM_STAGING_COPY_DSN": copy_dsn(access.product_dsn),
                "PAM_DATABASE_DSN": in_plan_dialect(access.auditor_dsn)
                if self._dialect == "plan"
                else access.auditor_dsn,
            },
        }
        for table, values in product.tables.items():
            tables.setdefault(table, {}).update(values)
        if product.asks_supabase:
            tables["urls"]["supabase"] = address["supabase"]
            keys = {"SUPABASE_ANON_KEY": supabase.anon_key, "SUPABASE_SERVICE_ROLE_KEY": supabase.service_key}
            tables["sandbox.variables"].update(keys)
        state = State(tables)
        state_file.write(self._state_path, state)
        self._children.owns_file(self._state_path)
        self._ends.callback(partial(self._state_path.unlink, missing_ok=True))
        return state

    async def stop(self) -> None:
        """Stop everything, whatever was started; what cannot be stopped in order is left to the janitor."""
        try:
            await self._ends.aclose()
        finally:
            await asyncio.to_thread(self._children.close)
            # A start that failed or was interrupted may have left a thread that still writes there.
            await asyncio.get_running_loop().shutdown_default_executor()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _release(self, spec: ReleaseSpec) -> Release:
        return Release(spec, children=self._children, logs=self._folder)

    async def _serve(self, runner: web.BaseRunner, listener: socket.socket) -> None:
        self._ends.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.SockSite(runner, listener, backlog=BACKLOG).start()


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
