"""Keys of service accounts. One RSA key serves a whole test run: making one takes a tenth of a second or more."""

from __future__ import annotations

from functools import cache

from tests.support.drive.values import Json


@cache
def rsa_pair() -> tuple[str, str]:
    """Private (PKCS 8) and public key as PEM."""
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    public = key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def service_account_key(email: str, token_uri: str) -> tuple[Json, str]:
    """The key file as Google's console hands it out, and the public key."""
    private, public = rsa_pair()
    key: Json = {
        "type": "service_account",
        "project_id": "stand-in",
        "private_key_id": "stand-in-key",
        "private_key": private,
        "client_email": email,
        "client_id": "100000000000000000001",
        "auth_uri": token_uri.replace("/token", "/o/oauth2/auth"),
        "token_uri": token_uri,
    }
    return key, public
