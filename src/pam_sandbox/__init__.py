"""The sandbox: the PAM product with real parts, on loopback only. It shares no code with what probes it, so that it cannot cheat."""
