"""What decides whether a file of the configuration is good."""

import subprocess
import sys
from pathlib import Path

PLUGIN = """
raise SystemExit("a plug-in of another package was loaded")
"""
READS = """
from pam_rollback.core.configuration import Table
class Own(Table):
    name: str
print(Own.model_validate({"name": "read"}).name)
"""


def test_no_other_package_has_a_say(tmp_path: Path) -> None:
    """A plug-in of pydantic's, as any package may bring one, could let a figure through, or change it."""
    package = tmp_path / "meddler-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: meddler\nVersion: 1.0\n", encoding="utf-8")
    (package / "entry_points.txt").write_text("[pydantic]\nmeddler = meddler\n", encoding="utf-8")
    (tmp_path / "meddler.py").write_text(PLUGIN, encoding="utf-8")
    read = [sys.executable, "-c", f"import sys; sys.path.insert(0, sys.argv[1])\n{READS}", str(tmp_path)]

    done = subprocess.run(read, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == "read\n", done.stderr
