"""What outlives a machine (``--state``): records, journals, baselines and ramps of all machines, kept under a ref of a repository.

Nothing else in the suite imports it, and without this folder the rest works, each machine with what it recorded itself. It
may touch the records of runs, their redaction, and git by ``rollback/``. Its hooks alone know the session: what other machines recorded is
brought into ``reports/out`` before anybody looks there, and what this one recorded is added at the end. No run waits long for it, and none
fails by it.
"""
