"""How sessions of the suite are typed here: where a wheel is installed it is not ``pytest``. For what a sandbox says of itself."""

from pathlib import Path
from typing import Final

_IN_A_WHEEL: Final = (Path(__file__).resolve().parents[1] / "shipped").is_dir()
SESSION: Final = "pam-rollback" if _IN_A_WHEEL else "pytest"
ITSELF: Final = "pam-rollback run sandbox" if _IN_A_WHEEL else "python -m pam_rollback.sandbox"
