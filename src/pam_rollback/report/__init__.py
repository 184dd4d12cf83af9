"""The one record of a run, and its views: terminal, scorecard page, JUnit, Allure, job summary, messages; and redaction."""
