"""Which key a commit says it was signed with, read from the signature itself. Nothing is verified here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct

_ISSUER, _ISSUER_FINGERPRINT = 16, 33  # OpenPGP signature subpackets, RFC 4880 5.2.3.5 and RFC 9580 5.2.3.35


def describe(signature: str) -> str:
    """ "gpg KEYID", "ssh SHA256:...", "x509", the kind alone where no key can be read, "" for no signature."""
    head = signature.lstrip().split("\n", 1)[0]
    if "PGP SIGNATURE" in head or "PGP MESSAGE" in head:
        return f"gpg {_key_of(signature, _gpg_key)}".strip()
    if "SSH SIGNATURE" in head:
        return f"ssh {_key_of(signature, _ssh_key)}".strip()
    if "SIGNED MESSAGE" in head:
        return "x509"
    return "unknown" if signature.strip() else ""


def _key_of(signature: str, read: object) -> str:
    assert callable(read)
    try:
        return str(read(_dearmor(signature)))
    except (ValueError, IndexError, struct.error, binascii.Error):
        return ""


def _dearmor(text: str) -> bytes:
    """The bytes of an armoured block: after its headers, before its checksum."""
    body = text.split("-----", 2)[2].split("-----", 1)[0]
    lines = [line.strip() for line in body.strip("\n").splitlines()]
    if "" in lines:
        lines = lines[lines.index("") + 1 :]
    return base64.b64decode("".join(line for line in lines if not line.startswith("=")), validate=True)


def _ssh_key(data: bytes) -> str:
    """``SSHSIG``, a version, then the public key as a string: its fingerprint as ``ssh-keygen -l`` prints it."""
    if data[:6] != b"SSHSIG":
        raise ValueError("not an SSH signature")
    (size,) = struct.unpack_from(">I", data, 10)
    digest = hashlib.sha256(data[14 : 14 + size]).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _gpg_key(data: bytes) -> str:
    """The issuer of a version 4 signature packet: its fingerprint where there is one, else its key id."""
    packet = _packet(data)
    if packet[0] != 4:
        raise ValueError("not a version 4 signature")
    (hashed,) = struct.unpack_from(">H", packet, 4)
    (unhashed,) = struct.unpack_from(">H", packet, 6 + hashed)
    found = _subpackets(packet[6 : 6 + hashed]) | _subpackets(packet[8 + hashed : 8 + hashed + unhashed])
    if _ISSUER_FINGERPRINT in found:
        return found[_ISSUER_FINGERPRINT][1:].hex().upper()
    return found[_ISSUER].hex().upper() if _ISSUER in found else ""


def _packet(data: bytes) -> bytes:
    """The body of the first packet, in the old or the new form."""
    tag = data[0]
    if tag & 0x40:
        size, start = _length(data, 1)
        return data[start : start + size]
    width = {0: 1, 1: 2, 2: 4}[tag & 3] if tag & 3 != 3 else 0
    return data[1 + width : 1 + width + int.from_bytes(data[1 : 1 + width], "big")] if width else data[1:]


def _subpackets(area: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(area):
        size, start = _length(area, at)
        found.setdefault(area[start] & 0x7F, area[start + 1 : start + size])
        at = start + size
    return found


def _length(data: bytes, at: int) -> tuple[int, int]:
    """(length, where what it measures begins) of a new-form length."""
    first = data[at]
    if first < 192:
        return first, at + 1
    if first < 255:
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2
    return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
