"""Where a session works: the environment's file, its tables and what they allow.

Pure, apart from reading the file. It may touch ``base/``, the flags of ``plan/``, and ``product/``: it names a contract.
"""
