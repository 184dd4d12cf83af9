"""The one record of a run, and its views: terminal, scorecard page, JUnit, Allure, job summary, messages; and redaction.

It may touch the folders of runs and the programs that make pages, by ``http/``, and the words of ``plan/``, ``target/``, ``stats/``
and ``core/``. It knows no topic, and asks nobody anything.
"""
