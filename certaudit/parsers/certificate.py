"""PEM and DER files: the certificates they hold, and which key goes with which.

Law: pure; bytes in, ``PemFile`` or ``ParseError`` out. Of a private key nothing but the SHA-256 of its
SubjectPublicKeyInfo ever leaves this module, not even in the text of an error. The boundaries are those
of RFC 7468; a label that is neither certificate nor private key is passed over.
"""

from __future__ import annotations

import binascii
import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from certaudit.errors import ParseError
from certaudit.facts import CertificateFile

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CERTIFICATE_LABELS = frozenset({b"CERTIFICATE", b"X509 CERTIFICATE"})
KEY_LABELS = frozenset(
    {b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY", b"DSA PRIVATE KEY", b"ENCRYPTED PRIVATE KEY"}
)
BEGIN, END, DASHES = b"-----BEGIN ", b"-----END ", b"-----"
MAX_BLOCKS = 2000


class _PublicKey(Protocol):
    def public_bytes(self, encoding: Encoding, format: PublicFormat) -> bytes: ...


class _PrivateKey(Protocol):
    def public_key(self) -> _PublicKey: ...


class PemFile(Struct, frozen=True):
    """What one file holds: certificates, leaf first, and a hash for each private key.

    ``encrypted`` counts private keys that are locked by a passphrase: nothing is known of them.
    """

    certificates: tuple[CertificateFile, ...]
    keys: tuple[str, ...]
    encrypted: int = 0

    @property
    def leaf(self) -> CertificateFile | None:
        """The certificate a server would show as its own, or ``None``."""
        return self.certificates[0] if self.certificates else None

    @property
    def key_matches(self) -> bool | None:
        """Does a key here fit the leaf; ``None`` where leaf or readable key is missing."""
        return self.leaf.public_key in self.keys if self.leaf and self.keys else None


def parse_pem(data: bytes, path: str, modified: datetime | None = None) -> PemFile:
    """Read the certificates and private keys of a PEM file, or of a file that is one DER object.

    ``path`` and ``modified`` are copied into the records. The leaf is the first certificate that is no
    CA (RFC 5280, 4.2.1.9); without one the order of the file stays. Raise ``ParseError`` where the file
    holds neither a certificate nor a private key, or one that is damaged; ``line`` is its BEGIN line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd serials and dates of old CAs are theirs, not ours
            return _parse(data, path, modified)
    except ParseError:
        raise
    except Exception as error:  # the text of an OpenSSL error may quote what it read
        raise ParseError(f"damaged certificate or key ({type(error).__name__})") from None


def certificate_digests(data: bytes) -> tuple[str, ...]:
    """The SHA-256 fingerprints of all certificates in a PEM text, without reading them further."""
    return tuple(
        hashlib.sha256(_decode(body)).hexdigest()
        for label, body, _, _ in _blocks(data)
        if label in CERTIFICATE_LABELS
    )


def holds_private_key(data: bytes) -> bool:
    """Does a PEM text have a private key block?"""
    return any(label in KEY_LABELS for label, _, _, _ in _blocks(data))


def _parse(data: bytes, path: str, modified: datetime | None) -> PemFile:
    if BEGIN not in data:
        return _parse_der(data, path, modified)
    found: list[tuple[bool, CertificateFile]] = []
    keys: list[str] = []
    encrypted = 0
    for label, body, whole, start in _blocks(data):
        line = data.count(b"\n", 0, start) + 1
        if label in CERTIFICATE_LABELS:
            with _damage("certificate", line):
                found.append(_certificate(_decode(body), path, modified))
        elif label == b"ENCRYPTED PRIVATE KEY" or (label in KEY_LABELS and b"ENCRYPTED" in body):
            encrypted += 1
        elif label in KEY_LABELS:
            with _damage("private key", line):
                keys.append(_key_digest(whole))
    if not found and not keys and not encrypted:
        raise ParseError("holds no certificate and no private key")
    return PemFile(_leaf_first(found), tuple(keys), encrypted)


@contextmanager
def _damage(kind: str, line: int) -> Iterator[None]:
    """Turn whatever a reader raises into a ``ParseError`` that quotes nothing of what was read."""
    try:
        yield
    except Exception as error:
        raise ParseError(f"damaged {kind} ({type(error).__name__})", line) from None


def _parse_der(data: bytes, path: str, modified: datetime | None) -> PemFile:
    if data[:1] != b"\x30":
        raise ParseError("neither PEM nor DER")
    try:
        return PemFile((_certificate(data, path, modified)[1],), ())
    except Exception:  # not a certificate: the other thing a DER file is, a key
        return PemFile((), (_der_key_digest(data),))


def _blocks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes, int]]:
    """``(label, body, whole block, offset)`` of each PEM block that is closed by its own label."""
    at = data.find(BEGIN)
    for _ in range(MAX_BLOCKS):
        if at < 0:
            return
        eol = data.find(b"\n", at)
        line_end = len(data) if eol < 0 else eol
        first = data[at:line_end].rstrip()
        if first.endswith(DASHES) and len(first) > len(BEGIN) + len(DASHES):
            label = first[len(BEGIN) : -len(DASHES)]
            closing = END + label + DASHES
            end = data.find(closing, line_end)
            if end >= 0 and data.find(BEGIN, line_end, end) < 0:
                yield label, data[line_end:end], data[at : end + len(closing)] + b"\n", at
                line_end = end
        at = data.find(BEGIN, line_end)


def _decode(body: bytes) -> bytes:
    return binascii.a2b_base64(body)


def _leaf_first(found: list[tuple[bool, CertificateFile]]) -> tuple[CertificateFile, ...]:
    first = next((n for n, (is_ca, _) in enumerate(found) if not is_ca), 0)
    return tuple(c for _, c in [*found[first : first + 1], *found[:first], *found[first + 1 :]])


def _certificate(der: bytes, path: str, modified: datetime | None) -> tuple[bool, CertificateFile]:
    from cryptography import x509  # noqa: PLC0415

    cert = x509.load_der_x509_certificate(der)
    return _is_ca(cert), CertificateFile(
        path=path,
        serial=format(cert.serial_number, "x"),
        not_before=_utc(cert, "not_valid_before"),
        not_after=_utc(cert, "not_valid_after"),
        names=_names(cert),
        fingerprint=hashlib.sha256(der).hexdigest(),
        public_key=_spki_digest(cert.public_key()),
        issuer=cert.issuer.rfc4514_string(),
        modified=modified,
    )


def _utc(cert: x509.Certificate, attribute: str) -> datetime:
    """``*_utc`` came with cryptography 42; before, the naive value is UTC by contract."""
    found: datetime = getattr(cert, f"{attribute}_utc", None) or getattr(cert, attribute)
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def _is_ca(cert: x509.Certificate) -> bool:
    from cryptography import x509  # noqa: PLC0415

    try:
        return bool(cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _names(cert: x509.Certificate) -> tuple[str, ...]:
    """Common name first where it is among the alternative names or the only name, as in certbot."""
    from cryptography import x509  # noqa: PLC0415

    common = [str(a.value) for a in cert.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)][:1]
    try:
        san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return tuple(common)
    listed = [*san.get_values_for_type(x509.DNSName), *map(str, san.get_values_for_type(x509.IPAddress))]
    return tuple(dict.fromkeys([*(c for c in common if c in listed), *listed])) or tuple(common)


def _spki_digest(public: _PublicKey) -> str:
    from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415

    der = public.public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _key_digest(pem: bytes) -> str:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    return _spki_digest(_load(load_pem_private_key, pem).public_key())


def _der_key_digest(der: bytes) -> str:
    from cryptography.hazmat.primitives.serialization import load_der_private_key  # noqa: PLC0415

    return _spki_digest(_load(load_der_private_key, der).public_key())


def _load(loader: Callable[..., _PrivateKey], data: bytes) -> _PrivateKey:
    """The check of an RSA key's primes is slow and says nothing of its public half (cryptography 39)."""
    try:
        return loader(data, password=None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        return loader(data, password=None)
