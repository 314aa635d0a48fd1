"""Certificates for the addresses of the origin: one CA in a file, and every way to get them wrong.

One good certificate names all addresses, so that nothing but manners keeps a client from using one host's
connection for another.
"""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.hostile.trick import Certificate


class Certificates:
    """A CA that lives as long as the origin; its certificate is in `ca_file`."""

    def __init__(self, folder: Path, addresses: Sequence[str]) -> None:
        self._folder = folder
        self._addresses = addresses
        self._ca = trustme.CA()
        self._contexts: dict[tuple[Certificate, str], ssl.SSLContext] = {}
        self.ca_file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.ca_file)

    def context(self, certificate: Certificate, *, protocol: str) -> ssl.SSLContext:
        """A server's side of TLS that speaks one protocol: http/1.1 or h2."""
        key = (certificate, protocol)
        if key not in self._contexts:
            self._contexts[key] = context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.set_alpn_protocols([protocol])
            self._configure(context, certificate)
        return self._contexts[key]

    def _configure(self, context: ssl.SSLContext, certificate: Certificate) -> None:
        if certificate is Certificate.SELF_SIGNED:
            _self_signed(context, self._folder / "self-signed.pem", self._addresses)
            return
        names = ["other.example"] if certificate is Certificate.WRONG_NAME else self._addresses
        end = None
        if certificate is Certificate.EXPIRED:
            end = datetime.now(UTC) - timedelta(days=1)
        begin = None if end is None else end - timedelta(days=30)
        self._ca.issue_cert(*names, not_before=begin, not_after=end).configure_cert(context)


def _self_signed(context: ssl.SSLContext, file: Path, addresses: Sequence[str]) -> None:
    """A certificate that vouches for itself; trustme makes none."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "itself")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(one)) for one in addresses]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    context.load_cert_chain(file)
