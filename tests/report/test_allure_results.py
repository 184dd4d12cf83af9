"""Do the facts of the session reach the report?  Read back by the generator's own parser."""

import json
import subprocess
from pathlib import Path

from pam_rollback.outside.places import REPORTS
from pam_rollback.report.allure_hooks import write_environment
from pam_rollback.report.html_report import _require_node

FACTS = {"Release seen": "1.42.0 → 1.41.3", "a=b:c": " first # \\ and\nsecond 🙂", "Pace": "60"}


def test_environment_facts_are_read_back_by_the_generator(tmp_path: Path) -> None:
    """Spaces, separators, line ends and any letter come through the properties file as they went in."""
    path = write_environment(tmp_path / "results", FACTS)
    parser = REPORTS / "node_modules" / "@allurereport" / "reader" / "dist" / "properties.js"
    script = (
        f"import {{parseProperties}} from {json.dumps(parser.as_uri())}; import fs from 'node:fs';"
        f"console.log(JSON.stringify(parseProperties(fs.readFileSync({json.dumps(str(path))}, 'utf8'))))"
    )
    command = [str(_require_node()), "--input-type=module", "-e", script]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)

    assert path.read_bytes().isascii()
    assert json.loads(answer.stdout) == FACTS
