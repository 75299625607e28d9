"""A certificate authority that only its own file makes trusted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey
AUTHORITY = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Company CA")])


@cache
def authority() -> tuple[Key, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    ca = x509.BasicConstraints(ca=True, path_length=None)
    return key, _builder(AUTHORITY, key).add_extension(ca, critical=True).sign(key, hashes.SHA256())


@cache
def ca_file() -> Path:
    """Return a PEM file with the certificate of the authority."""
    path = Path(mkdtemp()) / "ca.pem"
    path.write_bytes("# Größte CA der Firma\n".encode() + _pem(authority()[1]))
    return path


@cache
def certificate(*hosts: str) -> Path:
    """Return a PEM file with a certificate for these hosts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer, issuer = authority()
    builder = _builder(x509.Name([]), key).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=True
    )
    path = Path(mkdtemp()) / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + _pem(builder.sign(signer, hashes.SHA256())) + _pem(issuer))
    return path


def _builder(subject: x509.Name, key: Key) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(AUTHORITY)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
