"""What the gateway speaks, as an OpenAPI document made from one table."""

from bridge.gateway.openapi.document import document
from bridge.gateway.openapi.operations import OPERATIONS, ApiOperation

__all__ = ["OPERATIONS", "ApiOperation", "document"]
