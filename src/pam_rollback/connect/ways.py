"""How each ability comes about: by a variable and a word in the environment's file, or by a table that somebody writes."""

from collections.abc import Mapping
from dataclasses import dataclass

from pam_rollback.environment.hosts import HOSTS, KINDS, hosts_of


@dataclass(frozen=True)
class Way:
    """One way. ``what`` is for people, with ``{env}`` for the environment's name."""

    variables: tuple[str, ...] = ()
    declared: bool = False
    """It stands among the abilities of the environment's file, and is switched on there."""
    what: str = ""


_ATTACH = "docs/how-to/attach-to-an-environment.md"
_FLAG_SERVICE = "a flag service that the product uses, such as Unleash (docs/how-to/flag-service.md)"
_DECLARED = '"{ability}" in abilities of environments/{{env}}.toml'
WAYS: Mapping[str, Way] = {
    "browser": Way(declared=True),
    "test_account": Way(("TEST_USER_EMAIL", "TEST_USER_PASSWORD", "SUPABASE_ANON_KEY"), declared=True),
    "second_test_account": Way(("SECOND_TEST_USER_EMAIL", "SECOND_TEST_USER_PASSWORD"), declared=True),
    "supabase_key": Way(("SUPABASE_ANON_KEY",)),
    "database": Way(("PAM_DATABASE_DSN",), declared=True),
    **{
        f"{site}_host": Way(
            (" or ".join(host.variable for host in hosts_of(site)),),
            what=f"the table and the ability of {' or '.join(host.name for host in hosts_of(site))} in environments/{{env}}.toml",
        )
        for site in KINDS
    },
    **{ability: Way((host.variable,), declared=True) for host in HOSTS for ability in host.abilities},
    "slack": Way(("PAM_SLACK_WEBHOOK_URL",), declared=True),
    "prometheus": Way(what=f"the table [prometheus], where there is one ({_ATTACH}#prometheus)"),
    "git": Way(what=f'"git" in abilities of environments/{{env}}.toml ({_ATTACH}#git)'),
    "load": Way(what=f"the table [load], agreed on with whoever runs the service ({_ATTACH}#load)"),
    "statuspage": Way(("STATUSPAGE_API_KEY",), what="the table [statuspage] (docs/how-to/channels.md)"),
    "status_page": Way(what="[urls] status_page, where there is one"),
    "email": Way(what="the table [email] (docs/how-to/channels.md)"),
    "pagerduty": Way(("PAGERDUTY_ROUTING_KEY",), what="the table [pagerduty] (docs/how-to/channels.md)"),
    "staging_copy": Way(
        ("PAM_STAGING_COPY_DSN",),
        what='"staging_copy" in abilities of environments/{env}.toml (docs/how-to/redeploy.md)',
    ),
    "flag_admin": Way(("PAM_ADMIN_TOKEN",), what=_FLAG_SERVICE),
    "flag_evaluation": Way(what=_FLAG_SERVICE),
    "feature_check": Way(
        ("PAM_ADMIN_TOKEN",), what=f"a call that the product has to offer ({_ATTACH}#users-for-whom-pam-fails)"
    ),
    "emergency_endpoint": Way(("PAM_EMERGENCY_TOKEN",), what="an emergency endpoint that the product has to offer"),
    "cache_admin": Way(("PAM_ADMIN_TOKEN",), what="a call that the product has to offer"),
}


def way_to(ability: str) -> Way:
    """How an ability comes about."""
    return WAYS.get(ability) or Way(what=_DECLARED.format(ability=ability))
