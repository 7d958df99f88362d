"""A keyring in memory in place of the system's, by the package's own interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

Keys = dict[tuple[str, str], str]  #: {(service, entry): key}
KeyringOf = Callable[..., Keys]


def _backend(keys: Keys, *, locked: bool) -> object:
    import keyring.backend
    from keyring.errors import KeyringLocked

    class Backend(keyring.backend.KeyringBackend):
        priority = 1  # type: ignore[assignment]  # as the package's own backends do

        def get_password(self, service: str, username: str) -> str | None:
            if locked:
                raise KeyringLocked("it is locked")
            return keys.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            if locked:
                raise KeyringLocked("it is locked")
            keys[service, username] = password

    return Backend()


@pytest.fixture
def keyring_of() -> Iterator[KeyringOf]:
    """`keyring_of({...})` makes it the system's until the test ends, and gives what it holds."""
    keyring = pytest.importorskip("keyring")
    before = keyring.get_keyring()

    def use(keys: Mapping[tuple[str, str], str], *, locked: bool = False) -> Keys:
        held = dict(keys)
        keyring.set_keyring(_backend(held, locked=locked))
        return held

    yield use
    keyring.set_keyring(before)
