"""What is looked at with keys: as the test account, in the database, at the hosts. Each raises what says why it is not known."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.connect.client.asking import Product
from pam_rollback.connect.client.catalogue import read_catalogue
from pam_rollback.connect.client.hosts import seen_at, workers_at
from pam_rollback.connect.rules.found import Catalogue, Where
from pam_rollback.connect.service.wish import Wish
from pam_rollback.environment.hosts import KnownHost
from pam_rollback.environment.sql_names import TABLES
from pam_rollback.product.rules.chat_answer import Intent, shortcoming
from pam_rollback.rollback.rules.hosts_seen import HostSeen

_QUESTION = "Which of my trips is next?"


@dataclass(frozen=True)
class Keys:
    """Whoever has them. ``secrets`` has values by their secrets' names."""

    wish: Wish
    product: Product
    secrets: Mapping[str, str]
    sign_in_path: str
    chat: Mapping[str, Any]

    def token(self, where: Where, key: str) -> str:
        """The test account's, by one sign-in."""
        path = self.sign_in_path
        of_supabase = path.startswith("/auth/v1/")
        if of_supabase and not (where.supabase and key):
            raise MeasurementFailed("no address of Supabase, or no key of the pages, is known")
        url = f"{where.supabase}{path}?grant_type=password" if of_supabase else f"{where.api}{path}"
        headers = {"apikey": key} if of_supabase else {}
        email, password = self.secrets["test_user_email"], self.secrets["test_user_password"]
        answer = self.product.sign_in(url, email, password, headers).answer
        token = answer.json.get("access_token") if isinstance(answer.json, dict) else None
        if not isinstance(token, str) or not token:
            found = f"HTTP {answer.http_status} {answer.problem}".strip()
            raise MeasurementFailed(f"POST {url}: expected an access_token, found {found}")
        return token

    def intent(self, where: Where, token: str) -> Intent:
        """Whether PAM's answer to one question names an intent. Raises MeasurementFailed for an apology, which is no answer."""
        body = {
            name: value.replace("{message}", _QUESTION) if isinstance(value, str) else value
            for name, value in self.chat["body"].items()
        }
        answer = self.product.question(f"{where.api}{self.chat['path']}", body, token).answer
        said = answer.json if isinstance(answer.json, dict) and answer.http_status == HTTPStatus.OK else {}
        if not said.get("response"):
            found = f"HTTP {answer.http_status} {answer.problem}".strip()
            raise MeasurementFailed(f"expected an answer in words, found {found}")
        if wrong := shortcoming(said, "never"):
            raise MeasurementFailed(f"{wrong}: is the model reachable?")
        return "named" if said.get("intent") else "never"

    def catalogue(self) -> Catalogue:
        """The tables that the checks speak of."""
        wanted = [name for name in TABLES if "." not in name and name != "schema_migrations"]
        return read_catalogue(self.secrets["database_dsn"], wanted)

    def hosted(self, host: KnownHost, where: Where) -> HostSeen:
        """The site or service."""
        named, api_url = self.wish.host_ids[host.name], self.wish.host_apis[host.name]
        return seen_at(host, self.secrets[host.secret], getattr(where, host.site), named, api_url=api_url)

    def workers(self, host: KnownHost, service: HostSeen) -> tuple[str, ...]:
        """The services that go back with it."""
        return workers_at(host, self.secrets[host.secret], service, api_url=self.wish.host_apis[host.name])
