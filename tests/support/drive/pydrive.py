"""Unmodified PyDrive2 before the stand-in: the one hook is `auth.service`, built from the same document (facts 1.1)."""

from __future__ import annotations

import copy
from typing import Any, NoReturn

from tests.support.drive.discovery import document
from tests.support.drive.standin import StandIn


def service(drive: StandIn, http: Any) -> Any:
    """googleapiclient's Drive v2 service at the stand-in. `client_options.api_endpoint` would upload over https."""
    from googleapiclient import discovery

    doc = copy.deepcopy(document())
    doc["rootUrl"], doc["baseUrl"] = drive.url + "/", drive.url + "/drive/v2/"
    return discovery.build_from_document(doc, http=http)


def pydrive(drive: StandIn, *, key: Any = None, token: str = "", http_timeout: float = 10) -> Any:
    """A GoogleDrive whose `auth` holds a token, or has asked for one with a service account's key."""
    from pydrive2.auth import GoogleAuth
    from pydrive2.drive import GoogleDrive

    from bridge.transports.drive.credentials import LoginKind
    from bridge.transports.drive.signed_in import DriveCredentials

    if key is None:
        auth = _closing(drive, GoogleAuth(http_timeout=http_timeout))
        auth.credentials = DriveCredentials(_no_renewal, LoginKind.USER, token=token or drive.token())
    else:
        settings = {
            "client_config_backend": "service",
            "oauth_scope": ["https://www.googleapis.com/auth/drive"],
            "service_config": {"client_json_dict": key, "client_user_email": None},
        }
        auth = _closing(drive, GoogleAuth(settings=settings, http_timeout=http_timeout))
        auth.ServiceAuth()
    auth.service = service(drive, auth.Get_Http_Object())
    return GoogleDrive(auth)


def _no_renewal(_request: Any, _ended: str | None) -> NoReturn:
    from google.auth.exceptions import RefreshError

    raise RefreshError("invalid_grant", {"error": "invalid_grant"})


def _closing(drive: StandIn, auth: Any) -> Any:
    """PyDrive2 never closes its connections, one for each thread: the stand-in does when it ends."""
    build = auth._build_http

    def tracked() -> Any:
        drive.clients.append(http := build())
        return http

    auth._build_http = tracked
    return auth
