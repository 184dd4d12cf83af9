"""The PAM API of the sandbox: one process per release, real requests against a real PostgreSQL.

`python -m pam_sandbox.product` reads one JSON line from stdin (see `config.ProductConfig`), listens on 127.0.0.1, prints
`listening PORT` when it answers, and ends when stdin reaches its end or on SIGTERM, after the requests in flight.
"""
