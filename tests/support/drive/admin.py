"""`/stand-in/…`: a stand-in in a process of its own, driven from outside. No part of Google's API; needs no token.

GET    /stand-in/report                     counters, violations, faults that were met
POST   /stand-in/faults {pattern, how, status, reason, times, skip, retry_after_s}   one more fault
GET    /stand-in/faults                     what nobody has met yet
DELETE /stand-in/faults                     none any more, also none by chance
POST   /stand-in/faults/released            what stalls is let go
POST   /stand-in/clock  {seconds}           the clock goes forward
POST   /stand-in/lag    {requests, seconds} so late is what lists and changes show from now on
POST   /stand-in/token  {account, scopes, client, service}    an access token
POST   /stand-in/service-account {email}    a key file
GET    /stand-in/client                     client_secrets.json of a desktop app
POST   /stand-in/files  {title, content, file_id, parent, folder}   a file from outside
GET    /stand-in/files?title=…              is not there: use the API
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.drive.faults import How
from tests.support.drive.values import CLIENT, PERSON, Json

if TYPE_CHECKING:
    from tests.support.drive.standin import StandIn


def answer(drive: StandIn, method: str, path: str, raw: bytes) -> tuple[Json, int]:
    """Body and HTTP status."""
    try:
        body = json.loads(raw or b"{}")
        return _do(drive, f"{method} {path.removeprefix('/stand-in')}", body), 200
    except LookupError:
        return {"error": f"no {method} {path}"}, 404
    except (TypeError, ValueError) as e:
        return {"error": str(e)}, 400


def _do(drive: StandIn, what: str, body: Json) -> Json:  # noqa: C901  # a case a request
    match what:
        case "GET /report":
            return drive.report()
        case "POST /faults" if "rate" in body:
            drive.faults.rate = float(body["rate"])
            return {"rate": drive.faults.rate}
        case "POST /faults":
            how = How(body.pop("how", "answer"))
            fault = drive.fault(body.pop("pattern"), how=how, **body)
            return {"pattern": fault.pattern, "how": fault.how.value}
        case "GET /faults":
            return {"unmet": drive.faults.unmet()}
        case "DELETE /faults":
            drive.faults.clear()
            return {}
        case "POST /faults/released":
            drive.faults.released.set()
            return {}
        case "POST /clock":
            drive.clock.advance(float(body["seconds"]))
            return {"time": drive.clock.peek().isoformat()}
        case "POST /lag":
            for lag in (drive.files.listing, drive.files.feed):
                lag.requests, lag.seconds = int(body.get("requests", 0)), float(body.get("seconds", 0.0))
            return {}
        case "POST /token":
            account, client = body.get("account", PERSON), body.get("client", CLIENT)
            scopes, service = body.get("scopes", ()), bool(body.get("service"))
            return {"access_token": drive.token(account, *scopes, client=client, service=service)}
        case "POST /service-account":
            return drive.service_account(**body)
        case "GET /client":
            return drive.client_config()
        case "POST /files":
            if body.pop("folder", False):
                return {"id": drive.files.folder(**body)}
            return {"id": drive.files.put(**(body | {"content": body.get("content", "").encode()}))}
    raise LookupError(what)
