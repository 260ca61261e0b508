"""Recording what a bot hears and calls, and playing it back through the same handlers (docs/recording.md).

qqbot-sync record bot.py -o session.jsonl
qqbot-sync replay session.jsonl bot.py --speed inf
"""

from qqbot_sync.recording.audience import audience
from qqbot_sync.recording.playback import Playback, ReplayReport
from qqbot_sync.recording.reading import Recording, UnreadableRecording, read
from qqbot_sync.recording.recorder import Recorder
from qqbot_sync.recording.stand_in import NotRecorded, Unmatched

__all__ = [
    "NotRecorded",
    "Playback",
    "Recorder",
    "Recording",
    "ReplayReport",
    "Unmatched",
    "UnreadableRecording",
    "audience",
    "read",
]
