"""Roots, intermediates and certificates for 127.0.0.1, any of which a server may leave out."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID


@dataclass(frozen=True)
class Signed:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def authority(name: str, issuer: Signed | None = None) -> Signed:
    """A certificate that may sign others; without an issuer, a root."""
    return _signed(name, issuer, x509.BasicConstraints(ca=True, path_length=None), [])


def leaf(issuer: Signed, *, url: str | None = None) -> Signed:
    """A host's certificate; `url` is where it says that its issuer is."""
    extensions: list[x509.ExtensionType] = [
        x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    ]
    if url is not None:
        found_at = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url)
        )
        extensions.append(x509.AuthorityInformationAccess([found_at]))
    return _signed("leaf", issuer, x509.BasicConstraints(ca=False, path_length=None), extensions)


def server_context(folder: Path, own: Signed, *others: Signed) -> ssl.SSLContext:
    """A server's side of TLS that sends its own certificate and these others."""
    key = own.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "server.pem"
    file.write_bytes(key + own.pem + b"".join(other.pem for other in others))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def _signed(
    name: str, issuer: Signed | None, constraints: x509.BasicConstraints, extensions: list[x509.ExtensionType]
) -> Signed:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(constraints, critical=True)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Signed(builder.sign(key if issuer is None else issuer.key, hashes.SHA256()), key)
