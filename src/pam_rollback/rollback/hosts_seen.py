"""Whether the site or service that an environment names is what users reach at its addresses."""

from collections.abc import Iterable, Mapping

from pam_rollback.base.errors import Refused
from pam_rollback.rollback.lock_targets import same_place


def refuse_another(told: Iterable[str], meant: Mapping[str, str], named: str) -> None:
    """Raise Refused for a site or service that answers at none of the addresses that an environment has, by their keys.

    Consent is for what users reach there; a wrong id with a token that may do more would change another product.
    """
    places, found = {_place(address) for address in meant.values() if address}, []
    for address in told:
        if _place(address) in places:
            return
        found.append(address)
    where = ", ".join(f"{address} ({key})" for key, address in meant.items() if address)
    raise Refused(
        f"{named} is what users reach at {', '.join(dict.fromkeys(found)) or 'no address'}; expected {where}. Nothing was changed there: "
        "name the right one, or correct the address"
    )


def _place(address: str) -> str:
    """Host and port: a host names its own domain without a scheme."""
    whole = address if "//" in address else f"//{address}"
    return same_place(f"https:{whole}" if whole.startswith("//") else whole).partition("/")[0].removeprefix("www.")
