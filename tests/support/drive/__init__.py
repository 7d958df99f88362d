"""The stand-in Google Drive for tests; see standin.py, files.py (from outside), faults.py, oauth.py and pydrive.py."""

from tests.support.drive.faults import Fault, How
from tests.support.drive.files import Files
from tests.support.drive.oauth import Consent
from tests.support.drive.standin import SERVICE_ACCOUNT, StandIn, Violations, serve
from tests.support.drive.stored import Stored
from tests.support.drive.values import CLIENT, EVERYBODY, FOLDER, PERSON, SCOPE, Clock, Refusal, Request

__all__ = [
    "CLIENT", "EVERYBODY", "FOLDER", "PERSON", "SCOPE", "SERVICE_ACCOUNT", "Clock", "Consent", "Fault", "Files", "How",
    "Refusal", "Request", "StandIn", "Stored", "Violations", "serve",
]  # fmt: skip
