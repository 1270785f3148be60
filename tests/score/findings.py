"""What Sightline and ffmpeg's filters say of a clip."""

import json
import re
import subprocess
from dataclasses import dataclass

import sightline
from actors.clock import TimeBase
from actors.tables import Table
from tests.score.tally import Found


def ours(paths, results, detectors=None):
    """What `analyze` finds, with its defaults; ``detectors``: only these are asked.

    Returns:
        For each clip's path, {detector: [Found]}; and all incidents as in its document.
    """
    documents = sightline.analyze(paths, results=results, detectors=detectors)["streams"]
    told = {}
    for row in Table(str(results), "events").read().to_pylist():
        if row["kind"] == "opened":
            base = TimeBase(row["base_num"], row["base_den"])
            told.setdefault(row["id"], base.seconds(row["at"] - row["start"]))
    found = {}
    for document in documents:
        if document["status"] != "completed":
            raise SystemExit(f"{document['source']}: {document['error']}")
        mine = found.setdefault(document["source"], {})
        for one in document["incidents"]:
            after, start = told.get(one["id"], 0.0), one["start_seconds"]
            one_found = Found(start, one["end_seconds"], start + after, one["explained_by"] is not None)
            mine.setdefault(one["detector"], []).append(one_found)
    return found, {document["source"]: document["incidents"] for document in documents}


@dataclass(frozen=True)
class Filter:
    """One of ffmpeg's that writes when something begins and ends; ``point``: that it happens."""

    text: str
    kind: str
    start: str
    end: str = ""

    def spans(self, log, seconds):
        """What it says of a clip of that length; what is open at the end is closed there."""
        if not self.end:
            return [Found(float(at), float(at), float(at)) for at in re.findall(self.start, log)]
        found, begun = [], None
        for start, end in re.findall(f"{self.start}|{self.end}", log):
            begun = float(start) if start else begun
            if end and begun is not None:
                found.append(Found(begun, float(end)))
                begun = None
        return [*found, Found(begun, seconds)] if begun is not None else found


NUMBER = r"\s*:?\s*(-?[\d.]+)"
FILTERS = {
    "black": Filter("blackdetect=d=2", "video", f"black_start{NUMBER}", f"black_end{NUMBER}"),
    "freeze": Filter("freezedetect=d=2", "video", f"freeze_start{NUMBER}", f"freeze_end{NUMBER}"),
    "scene": Filter("scdet=t=10", "video", r"lavfi.scd.time:\s*([\d.]+)"),
    "silence": Filter("silencedetect=n=-60dB:d=2", "audio", f"silence_start{NUMBER}", f"silence_end{NUMBER}"),
    "channel_loss": Filter(
        "silencedetect=n=-60dB:d=2:mono=1", "audio", rf"channel: \d+ \| silence_start{NUMBER}",
        rf"channel: \d+ \| silence_end{NUMBER}",
    ),
}  # fmt: skip
"""ffmpeg's filter for each detector that has one, with the same thresholds. ``channel_loss`` hears all channels of a
silent programme too."""


def theirs(path, seconds):
    """What ffmpeg's filters find in a clip: {detector: [Found]}, of those that have a track to run on."""
    found = {}
    kinds = tracks(path)
    for detector, one in FILTERS.items():
        if one.kind not in kinds:
            continue
        flag = "-vf" if one.kind == "video" else "-af"
        command = ["ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-i", str(path), "-map", f"0:{one.kind[0]}:0"]
        done = subprocess.run(
            [*command, flag, one.text, "-f", "null", "-"], capture_output=True, text=True, errors="replace", check=True
        )
        found[detector] = one.spans(done.stderr, seconds)
    return found


def tracks(path):
    """Kinds of a clip's tracks."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", "stream=codec_type", str(path)]
    streams = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    return {stream["codec_type"] for stream in streams}
