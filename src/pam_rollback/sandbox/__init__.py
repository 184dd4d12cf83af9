"""The practice range: the PAM product with real parts, on loopback only."""
