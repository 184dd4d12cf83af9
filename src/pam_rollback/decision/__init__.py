"""The plan's decision criteria, and the one recommendation that follows.

It may touch the foundation, and what criteria are about: ``integrity/``, ``observation/``, ``records/``. It changes nothing.
"""
