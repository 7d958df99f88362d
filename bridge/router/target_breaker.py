"""A target that fails too often is left alone for a while, then asked once. Pure: moments come in.

More than a share of at least so many calls within a window opens it. When its time is over, one call is let through; what that
one meets closes it, or opens it again for as long.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, kw_only=True)
class BreakerRule:
    """When it opens, and for how long."""

    share: float = 0.5  #: of failures, above which it opens
    calls: int = 10  #: fewer prove nothing
    window_s: float = 300.0
    open_s: float = 1800.0


@dataclass(frozen=True, kw_only=True)
class TargetBreaker:
    """The calls of one target, and whether it is left alone."""

    calls: tuple[tuple[float, bool], ...] = field(default=(), repr=False)  #: (when it ended, whether it was answered)
    open_until_s: float | None = None  #: None: closed
    is_probing: bool = False  #: the one call is under way
    opened: int = 0  #: how often so far

    def lets_through(self, now_s: float) -> bool:
        """Whether a call may go."""
        return self.open_until_s is None or (now_s >= self.open_until_s and not self.is_probing)

    def left_s(self, now_s: float) -> float:
        """How long it stays open."""
        return 0.0 if self.open_until_s is None else max(0.0, self.open_until_s - now_s)

    def asked(self) -> TargetBreaker:
        """A call goes; while it is open, that is the one."""
        return replace(self, is_probing=True) if self.open_until_s is not None else self

    def given_up(self) -> TargetBreaker:
        """The call ended without telling anything, as when its client left."""
        return replace(self, is_probing=False)

    def succeeded(self, now_s: float, rule: BreakerRule) -> TargetBreaker:
        """The target answered: closed."""
        if self.open_until_s is not None:
            return TargetBreaker(opened=self.opened)
        return replace(self, calls=self._with(now_s, rule, answered=True))

    def failed(self, now_s: float, rule: BreakerRule) -> TargetBreaker:
        """The target did not answer."""
        if self.open_until_s is not None:  # the one call, or one that had begun before
            until_s = now_s + rule.open_s if self.is_probing else self.open_until_s
            return replace(self, open_until_s=until_s, is_probing=False)
        calls = self._with(now_s, rule, answered=False)
        failures = sum(not answered for _, answered in calls)
        if len(calls) >= rule.calls and failures > rule.share * len(calls):
            return TargetBreaker(open_until_s=now_s + rule.open_s, opened=self.opened + 1)
        return replace(self, calls=calls)

    def _with(self, now_s: float, rule: BreakerRule, *, answered: bool) -> tuple[tuple[float, bool], ...]:
        return (*(call for call in self.calls if call[0] > now_s - rule.window_s), (now_s, answered))
