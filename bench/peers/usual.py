"""The usual server: `python -m bench.peers.usual PORT FOLDER PUBLISHER`."""

import json
import logging
import sys
from pathlib import Path

from flask import Flask, request

from bench.peers.publish import PUBLISHERS, Publish


def make_app(publish: Publish) -> Flask:
    """A route that publishes every reading of a message by itself."""
    app = Flask(__name__)

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    @app.post("/data")
    def data() -> str:
        message = request.get_json()
        for reading in message["payload"]:
            values = reading["values"]
            record = {
                "device_id": message["deviceId"],
                "session_id": message["sessionId"],
                "sensor": reading["name"],
                "time": reading["time"],
                "x": values["x"],
                "y": values["y"],
                "z": values["z"],
            }
            publish(json.dumps(record))
        return "ok"

    return app


def main() -> None:
    """Serve until SIGTERM."""
    port, folder, publisher = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line a request would only cost it time
    with PUBLISHERS[publisher](folder) as publish:
        make_app(publish).run("127.0.0.1", port, threaded=True)


if __name__ == "__main__":
    main()
