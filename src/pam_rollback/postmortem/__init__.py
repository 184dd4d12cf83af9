"""The post-mortem: all material of an incident in one folder, and the draft with the facts filled in (``make incident``).

A leaf slice: nothing else in the suite imports it, and without this folder the rest works. It may touch the records of runs, the
environment, the timelines of ``observation/``, the metrics of ``records/``, and providers and repository of ``rollback/``. It has no
fixtures; its hooks alone know the session.
"""
