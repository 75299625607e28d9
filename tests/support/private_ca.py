"""A certificate authority that is trusted only through its own file."""

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

SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@cache
def authority() -> tuple[Key, x509.Certificate]:
    """Return a key and its certificate, with what RFC 5280 requires and Python 3.13+ checks."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(AUTHORITY, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(SIGNS_CERTIFICATES, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, builder.sign(key, hashes.SHA256())


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
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    signed_with = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        _builder(x509.Name([]), key)
        .add_extension(names, critical=True)
        .add_extension(signed_with, critical=False)
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
