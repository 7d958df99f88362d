"""Telling a person, or a program, that a batch is done."""

from bridge.delivery.notices.base import Notice, Notifier, batch_done
from bridge.delivery.notices.batch import BatchNotices, send_to_all
from bridge.delivery.notices.command import NoticeCommand
from bridge.delivery.notices.desktop import DesktopNotice, desktop_here
from bridge.delivery.notices.web import NoticeWebhook

__all__ = [
    "BatchNotices", "DesktopNotice", "Notice", "NoticeCommand", "NoticeWebhook", "Notifier", "batch_done", "desktop_here",
    "send_to_all",
]  # fmt: skip
