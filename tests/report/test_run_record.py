"""Can a machine rely on the run record?  Written, validated and read back."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import Measured, RunRecord, UnreadableRecord, read, schema, to_json, write

NO_SECRETS = Redactor([])


def test_records_fit_the_schema_and_come_back(tmp_path: Path, good_record: RunRecord, bad_record: RunRecord) -> None:
    """What is written is valid and is read back as the same facts."""
    validator = Draft202012Validator(schema())
    validator.check_schema(validator.schema)
    for record in (good_record, bad_record):
        write(record, tmp_path / "run.json", NO_SECRETS)

        assert list(validator.iter_errors(json.loads((tmp_path / "run.json").read_text()))) == []
        assert read(tmp_path / "run.json") == record


def test_the_schema_refuses_what_it_does_not_know(good_record: RunRecord) -> None:
    """A misspelled key is an error, not a silent loss."""
    data = to_json(good_record)
    data["verdikt"] = data.pop("verdict")

    assert len(list(Draft202012Validator(schema()).iter_errors(data))) == 2


def test_a_whole_number_is_a_figure(good_record: RunRecord) -> None:
    """Where a fraction may stand, too: it stays what it is, and no warning ends the session."""
    result = replace(good_record.results[0], measured=(Measured("writes lost", "0", 3, "", 799, -3),))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [measured] = to_json(replace(good_record, results=(result,)))["results"][0]["measured"]
    assert (measured["measured"], measured["margin"]) == (3, -3)


def test_no_number_is_a_word(good_record: RunRecord) -> None:
    """NaN is not a measurement and not "nothing measured": it is said, in a file that is still JSON."""
    measured = Measured("p95", "at most 2 s", float("nan"), "s", 0, float("-inf"))

    assert (measured.measured, measured.margin) == ("nan", None)
    result = replace(good_record.results[0], measured=(measured,))
    json.dumps(to_json(replace(good_record, results=(result,))), allow_nan=False)


def test_no_secret_and_no_half_file_is_written(tmp_path: Path, good_record: RunRecord) -> None:
    """The record is redacted, and a failed write leaves the older record and no rest."""
    path = tmp_path / "run.json"
    record = replace(good_record, command_line=("pytest", "--observed", "token-0123456789"))
    write(record, path, Redactor({"T": "token-0123456789"}))
    assert json.loads(path.read_text())["command_line"][-1] == "[redacted:T]"

    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON compliant"):
        write(replace(record, pace=float("inf")), path, NO_SECRETS)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_wrong_record_is_refused_with_every_problem(tmp_path: Path, good_record: RunRecord) -> None:
    """The message names the file and each place that differs, and shows no values."""
    data = to_json(good_record) | {"schema_version": 0, "pace": "fast"}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(data))

    with pytest.raises(UnreadableRecord) as caught:
        read(path)

    assert str(caught.value).startswith(f"{path}: 2 problems, expected a run record of version 1")
    assert "schema_version: " in str(caught.value)
    assert "pace: " in str(caught.value)
