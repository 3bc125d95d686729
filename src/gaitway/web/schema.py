"""OpenAPI of the push routes, which the framework does not see, and of how to authenticate."""

from typing import Any, Final

import msgspec
from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin

_TIME: Final = {
    "description": "Since the epoch; ns, us, ms or s, told apart by size. Text and fractions are read exactly.",
    "anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "string"}],
}
_ID: Final = {"type": "string", "pattern": "^[A-Za-z0-9._:@-]{1,128}$"}
_MESSAGE_ID: Final = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
_READING: Final = {
    "type": "object",
    "required": ["name", "time", "values"],
    "properties": {
        "name": {"type": "string", "examples": ["accelerometer", "gravity", "barometer"]},
        "time": _TIME,
        "values": {"type": "object", "additionalProperties": True, "examples": [{"z": 0.09, "y": -0.05, "x": 0.03}]},
        "accuracy": {"type": "integer", "minimum": 0, "maximum": 3},
    },
    "additionalProperties": True,
}
_MESSAGE: Final = {
    "title": "Message of Sensor Logger",
    "type": "object",
    "required": ["sessionId", "deviceId", "payload"],
    "properties": {
        "messageId": _MESSAGE_ID,
        "sessionId": _ID,
        "deviceId": _ID,
        "payload": {"type": "array", "items": {"$ref": "#/components/schemas/PushedReading"}},
    },
    "additionalProperties": True,
}
_SIMPLE: Final = {
    "title": "Simplified message",
    "type": "object",
    "required": ["sessionId", "deviceId", "sensorReadings"],
    "properties": {
        "messageId": _MESSAGE_ID,
        "sessionId": _ID,
        "deviceId": _ID,
        "sensorReadings": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "timestamp", "values"],
                "properties": {
                    "name": {"type": "string"},
                    "timestamp": _TIME,
                    "values": {"type": "array", "items": {"type": "number"}},
                },
            },
        },
    },
    "additionalProperties": True,
}
_STORED: Final = {
    "type": "object",
    "required": ["outcome", "position", "readings", "refused"],
    "properties": {
        "outcome": {"enum": ["stored", "duplicate", "conflicting"]},
        "position": {"type": "integer", "minimum": 0},
        "readings": {"type": "integer", "minimum": 0},
        "refused": {"type": "integer", "minimum": 0},
    },
}
_FAULT: Final = {
    "type": "object",
    "required": ["error", "where", "hint"],
    "properties": {name: {"type": "string"} for name in ("error", "where", "hint")},
}
_LIVE: Final = {
    "operationId": "live",
    "summary": "Live verdicts",
    "description": "Server-sent events. Unnamed ones are live verdicts; with `for=page` there are named ones too. "
    "Something comes at least every 5 s.",
    "parameters": [{"name": "for", "in": "query", "required": False, "schema": {"type": "string", "enum": ["page"]}}],
    "responses": {"200": {"description": "Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
}
SCHEMAS: Final = {
    "PushedReading": _READING,
    "PushedMessage": _MESSAGE,
    "SimplifiedMessage": _SIMPLE,
    "StoredMessage": _STORED,
    "Error": _FAULT,
}
SECURITY: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of `gaitway token add`; raw works too."},
    "tokenInQuery": {"type": "apiKey", "in": "query", "name": "token", "description": "On push routes only."},
    "page": {"type": "apiKey", "in": "cookie", "name": "gaitway_page", "description": "From a one-time link."},
}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def fault(text: str) -> dict[str, Any]:
    """An error response."""
    return {"description": text, "content": {"application/json": {"schema": _ref("Error")}}}


def _push(operation: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    message = {"oneOf": [_ref("PushedMessage"), _ref("SimplifiedMessage")]}
    plain = {"schema": {"type": "string"}}
    return {
        "post": {
            "operationId": operation,
            "summary": "Push sensor readings",
            "tags": ["push"],
            "description": "Answered with 200 once everything acceptable is stored and fsynced.",
            "parameters": parameters,
            "security": [{"token": []}, {"tokenInQuery": []}, {}],
            "requestBody": {"required": True, "content": {"application/json": {"schema": message}}},
            "responses": {
                "200": {
                    "description": "Stored, or a test push was answered",
                    "content": {"application/json": {"schema": _ref("StoredMessage")}, "text/plain": plain},
                },
                "400": fault("Not JSON, no usable ids or no array; kept among the dead letters"),
                "403": fault("Not called by this server's name, or from another site"),
                "413": fault("Too large"),
                "429": fault("Over the token's quota"),
                "499": {
                    "description": "For the app's user: the token is wrong (nothing was stored), or the clock is ahead",
                    "content": {"text/plain": plain},
                },
                "503": fault("Nothing can be stored now"),
            },
        }
    }


def with_push(schema: dict[str, Any]) -> dict[str, Any]:
    """The framework's description with the push routes added, and with the errors as they are."""
    in_path = {"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}
    paths = {
        path: {method: _described(path, method, operation) for method, operation in item.items()}
        for path, item in schema["paths"].items()
    }
    paths |= {
        "/api/live": {"get": _described("/api/live", "get", _LIVE)},
        "/": _push("pushToRoot", []),
        "/data": _push("push", []),
        "/data/{token}": _push("pushWithToken", [in_path]),
        "/sensor-data": _push("pushSensorData", []),
    }
    components = dict(schema.get("components", {}))
    components["schemas"] = {**components.get("schemas", {}), **SCHEMAS}
    components["securitySchemes"] = SECURITY
    return {**schema, "paths": paths, "components": components}


def _described(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    """One operation with its refusals. Health is open to all; what acts wants the page's cookie."""
    if path in ("/healthz", "/readyz"):
        responses = {**operation["responses"], "403": fault("Not called by this server's name")}
        if path == "/readyz":
            responses["503"] = {"description": "Not ready; `faults` says why"}
        return {**operation, "responses": responses}
    acts = method == "post" or path == "/api/page/setup"
    responses = {
        **operation["responses"],
        "400": fault("A parameter or a body that cannot be used"),
        "401": fault("No token, or an unknown one"),
        "403": fault("The wrong kind of token, another site, or not called by this server's name"),
    }
    if acts:
        responses["404"] = fault("There is no such thing")
    security: list[dict[str, Any]] = [{"page": []}, {}] if acts else [{"token": []}, {"page": []}, {}]
    return {**operation, "responses": responses, "security": security}


class Description(JsonRenderPlugin):
    """Serves the whole description at /schema/openapi.json."""

    def render(self, _: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The description as JSON."""
        return msgspec.json.encode(with_push(openapi_schema))
