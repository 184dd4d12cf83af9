"""The sandbox: the PAM product with real parts, on loopback only."""
