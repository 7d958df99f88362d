"""A notice by an HTTP POST: chats take its `text`, programs the rest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bridge.core.text import as_json
from bridge.delivery.notices.base import Notice
from bridge.delivery.outside import host_of, post_signed


@dataclass(frozen=True, kw_only=True)
class NoticeWebhook:
    """A POST of the notice as JSON; signed with HMAC-SHA256 if there is a secret."""

    url: str
    secret: str | None = None
    timeout_s: float = 30.0

    def __repr__(self) -> str:
        """Without the secret."""
        return f"NoticeWebhook({self.name})"

    @property
    def name(self) -> str:
        """See Notifier."""
        return host_of(self.url)

    def tell(self, notice: Notice) -> None:
        """See Notifier."""
        body = as_json(notice.to_json()).encode()
        key = hashlib.sha256(body).hexdigest()[:32]
        post_signed(self.url, body, key=key, secret=self.secret, timeout_s=self.timeout_s, about="the notice")
