"""A certificate for localhost that only its own file vouches for."""

import shutil
import ssl
import subprocess
from pathlib import Path


def own_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make it in this folder; gives what a server needs, and the file that vouches for it."""
    openssl = shutil.which("openssl")
    assert openssl is not None, "openssl is needed to make a certificate"
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context, certificate
