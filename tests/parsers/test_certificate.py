from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from certaudit.errors import ParseError
from certaudit.facts import CertificateFile
from certaudit.parsers.certificate import PemFile, certificate_digests, holds_private_key, parse_pem
from fixtures.minting import Request, mint

FROM = datetime(2026, 9, 1, 12, tzinfo=timezone.utc)
MINTED = mint(
    Request(("a.example.org", "*.a.example.org"), FROM, FROM + timedelta(days=90), "k1", 0xABC123)
)
OTHER = mint(Request(("b.example.org",), FROM, FROM + timedelta(days=90), "k2", 7))
EC_PARAMS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
DER = x509.load_pem_x509_certificate(MINTED.cert.encode()).public_bytes(Encoding.DER)


def spki(minted_key: str) -> str:
    public = load_pem_private_key(minted_key.encode(), None).public_key()
    return hashlib.sha256(
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


LEAF = CertificateFile(
    path="/x.pem",
    serial="abc123",
    not_before=FROM,
    not_after=FROM + timedelta(days=90),
    names=("a.example.org", "*.a.example.org"),
    fingerprint=hashlib.sha256(DER).hexdigest(),
    public_key=spki(MINTED.privkey),
    issuer=x509.load_pem_x509_certificate(MINTED.cert.encode()).issuer.rfc4514_string(),
)


def read(text: str | bytes) -> PemFile:
    return parse_pem(text.encode() if isinstance(text, str) else text, "/x.pem")


def key_text(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, form: PrivateFormat, word: bytes = b""
) -> str:
    lock = BestAvailableEncryption(word) if word else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, lock).decode()


def test_a_leaf() -> None:
    assert read(MINTED.cert) == PemFile((LEAF,), ())


def test_a_chain_has_the_leaf_first_whatever_the_order_in_the_file() -> None:
    for text in (
        MINTED.fullchain,
        MINTED.chain + MINTED.cert,
        MINTED.privkey + MINTED.chain + MINTED.cert,
    ):
        held = read(text)
        assert held.leaf == LEAF
        assert len(held.certificates) == 2


def test_a_combined_file_and_whether_its_key_fits() -> None:
    assert read(MINTED.combined).key_matches is True
    assert read(MINTED.fullchain + OTHER.privkey).key_matches is False
    assert read(MINTED.fullchain).key_matches is None
    assert read(MINTED.privkey).key_matches is None


def test_a_key_is_only_ever_a_hash_of_its_public_half() -> None:
    held = read(EC_PARAMS + MINTED.privkey)
    assert held == PemFile((), (spki(MINTED.privkey),))


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_key_formats(form: PrivateFormat) -> None:
    curve = ec.derive_private_key(4711, ec.SECP384R1())
    prime = rsa.generate_private_key(65537, 2048)
    for key in (curve, prime):
        plain = key_text(key, form)
        assert read(plain).keys == (spki(plain),)
        assert read(key_text(key, form, b"word")) == PemFile((), (), 1)
        assert read(key.private_bytes(Encoding.DER, form, NoEncryption())).keys == (spki(plain),)


def test_der() -> None:
    assert read(DER) == PemFile((LEAF,), ())


def test_text_around_the_blocks_is_of_no_account() -> None:
    text = "Bag Attributes\n    friendlyName: x\n" + MINTED.cert.replace("\n", "\r\n") + "\n# end\n"
    assert read(text).leaf == LEAF
    assert certificate_digests(text.encode()) == (LEAF.fingerprint,)
    assert not holds_private_key(text.encode())
    assert holds_private_key(MINTED.combined.encode())


def test_without_alternative_names_the_common_name_is_the_name() -> None:
    key = ec.derive_private_key(99, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "old.example.org")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 5, FROM, FROM + timedelta(days=1))
    held = read(made.sign(key, SHA256()).public_bytes(Encoding.PEM))
    assert held.leaf is not None
    assert held.leaf.names == ("old.example.org",)
    assert held.leaf.serial == "5"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", None),
        (b"hello", None),
        (b"\x30\x82\x00\x05junk", None),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 1),
        (b"\n\n-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n", 3),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n", None),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", None),
        (b"-----BEGIN " * 5000, None),
    ],
)
def test_what_is_no_certificate(data: bytes, line: int | None) -> None:
    with pytest.raises(ParseError) as caught:
        read(data)
    assert caught.value.line == line


def test_a_damaged_key_is_not_quoted() -> None:
    lines = MINTED.privkey.splitlines()
    secret = lines[1]
    with pytest.raises(ParseError) as caught:
        read("\n".join([lines[0], secret[:40], *lines[2:]]))
    assert secret[:20] not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@settings(max_examples=60)
@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from([MINTED.combined.encode(), DER]))
def test_any_bytes_are_a_record_or_a_parse_error(noise: bytes, at: int, whole: bytes) -> None:
    for data in (noise, whole[:at] + noise + whole[at:], whole[:at] + noise + whole[at + len(noise) :]):
        try:
            held = parse_pem(data, "/x")
        except ParseError as error:
            assert error.reason
        else:
            assert held.certificates or held.keys or held.encrypted
