"""What a person who starts the range sees: where to click, how to sign in, what to try."""

from pathlib import Path

from pam_rollback.sandbox.state_file import RangeFacts


def greeting(state_file: Path, facts: RangeFacts) -> str:
    """The range in words, with commands that work as they stand. Holds this range's invented secrets."""
    control = f"curl -s -H 'Authorization: Bearer {facts.token}'"
    admin = f"curl -s -H 'Authorization: Bearer {facts.variables['PAM_ADMIN_TOKEN']}'"
    return f"""
The practice range is ready. Nothing of it is real, and it ends with Ctrl-C.

  Site         {facts.frontend_url}
  API          {facts.api_url}
  Sign in as   {facts.variables["TEST_USER_EMAIL"]}
  Password     {facts.variables["TEST_USER_PASSWORD"]}
  Database     {facts.variables["PAM_DATABASE_DSN"]}
  State file   {state_file}

Run the suite against it:
  pytest -m health --env {state_file}

Look at the flags, then take PAM's features away from everybody:
  {admin} {facts.api_url}/admin/feature-flags
  {admin} -X POST {facts.api_url}/admin/feature-flags/disable-all-pam

Break something, see what is broken, and mend it:
  {control} -X PUT {facts.control_url}/faults/errors -d '{{"share": 0.5}}'
  {control} {facts.control_url}/faults
  {control} -X DELETE {facts.control_url}/faults

Move the traffic to the release before:
  {control} -X POST {facts.control_url}/live -d '{{"release": "stable"}}'
"""
