"""`python -m pam_rollback.sandbox.product`."""

from pam_rollback.sandbox.product.process import run

if __name__ == "__main__":
    raise SystemExit(run())
