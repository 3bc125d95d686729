"""Reading exports of the app: recordings as the phone would have pushed them.

for recording in recordings([Path("2026-03-05_20-14-32.zip")]):
    for message_id, body in recording.messages():
        ...
"""

from gaitway.ingest.exports.discovery import recordings
from gaitway.ingest.exports.recording import Batch, Recording
from gaitway.ingest.exports.tables import Skipped

__all__ = ["Batch", "Recording", "Skipped", "recordings"]
