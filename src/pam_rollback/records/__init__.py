"""What servers recorded themselves, error rate, response times and memory, and how the service performs after a rollback.

It may touch the foundation, what hosts keep (``rollback/``), and ``observation/``, by whose
rules a series is judged.
"""
