"""Acknowledged writes, and what became of each after the rollback.

It may touch the foundation, the product's API, by which it writes, ``integrity/``, whose database it reads, and ``observation/``, whose
processes it shares.
"""
