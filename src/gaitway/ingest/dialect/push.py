"""The app's push, over HTTP and MQTT alike.

    {"messageId": 27, "sessionId": "...", "deviceId": "...", "userId"?: "...",
     "payload": [{"name": "accelerometer", "values": {"z": .., "y": .., "x": ..}, "accuracy"?: 3, "time": ns}, ...]}

A reading without `values` has its values beside `name` and `time`, as the app's documentation draws it.
"""

from gaitway.ingest.dialect.lenient import Dialect
from gaitway.ingest.dialect.quick import mixed, pure

PUSH = Dialect("push", "payload", quick=(pure, mixed))
