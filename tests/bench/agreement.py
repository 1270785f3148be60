"""Agreement with ffmpeg: its black, freeze and silence filters against ``analyze``, interval by interval.

    python -m tests.bench.agreement FOLDER... [--json]

Every disagreement needs a reason in ``agreement.toml``; one without makes the exit status 1.
"""

import argparse
import fnmatch
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.intervals import Interval, match

FILTERS = {
    "video": "blackdetect=d=2.0:pic_th=0.98:pix_th=0.10,freezedetect=n=-60dB:d=2",
    "audio": "silencedetect=n=-60dB:d=2",
}
SOUND_SECONDS = 0.02
SAID = {
    "black": re.compile(r"black_start:(?P<start>\S+) black_end:(?P<end>\S+)"),
    "freeze": re.compile(r"freeze_start: (?P<start>\S+)|freeze_end: (?P<end>\S+)"),
    "silence": re.compile(r"silence_start: (?P<start>\S+)|silence_end: (?P<end>\S+)"),
}
KINDS = {"black": "video", "freeze": "video", "silence": "audio"}
REASONS = Path(__file__).with_name("agreement.toml")


@dataclass(frozen=True)
class Finding:
    """One pair of intervals, or one that only one side has, and how it is judged."""

    clip: str
    track: str
    detector: str
    ours: Interval | None
    theirs: Interval | None
    agrees: bool
    kind: str = ""
    why: str = ""


def ours(sources):
    """The documents of ``analyze``, by source."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "serve", "analyze", *sources, "--results", folder, "--jsonl"]
        said = subprocess.run(command, stdout=subprocess.PIPE, check=False, text=True, timeout=3600).stdout
    documents = [json.loads(line) for line in said.splitlines()]
    return {document["source"]: document for document in documents}


def theirs(source, track, end):
    """What ffmpeg's filters find on one track: {detector: [Interval]}; what is open at the end is closed there."""
    kind = "video" if track.startswith("v") else "audio"
    command = [
        "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-threads", "1", "-noautorotate",
        "-allowed_extensions", "ALL",
        "-i", source, "-map", f"0:{track}", f"-{kind[0]}f", FILTERS[kind], "-f", "null", "-",
    ]  # fmt: skip
    if not source.endswith(".m3u8"):
        at = command.index("-allowed_extensions")
        del command[at : at + 2]
    text = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=600, check=False).stderr
    return {name: spans(text, SAID[name], end) for name, of in KINDS.items() if of == kind}


def spans(text, pattern, end):
    """Intervals from a filter's log."""
    found, begun = [], None
    for said in pattern.finditer(text):
        begun = float(said["start"]) if said["start"] else begun
        if said["end"] and begun is not None:
            found.append(Interval(begun, float(said["end"])))
            begun = None
    if begun is not None:
        found.append(Interval(begun, end))
    return found


def findings(document, reasons):
    """Every interval of one clip."""
    clip = Path(document["source"]).name
    for track in document["tracks"]:
        name = track["track"]
        covered = [c["end_seconds"] for c in document["coverage"] if c["track"] == name]
        tolerance = SOUND_SECONDS if name.startswith("a") else frame_seconds(track)
        for detector, known in theirs(document["source"], name, max(covered, default=0.0)).items():
            mine = [
                Interval(i["start_seconds"], i["end_seconds"])
                for i in document["incidents"]
                if i["detector"] == detector and i["track"] == name
            ]
            for one, other in match(mine, known):
                agrees = bool(one and other and one.near(other, tolerance))
                finding = Finding(clip, name, detector, one, other, agrees)
                yield finding if agrees else explained(finding, reasons)


def frame_seconds(track):
    """How long one picture of a track is shown, on average, and a little for rounding."""
    return track["duration_seconds"] / max(track["frames"], 1) + 0.0015


def explained(finding, reasons):
    """The finding with the first reason that names its clip and detector."""
    for reason in reasons:
        if fnmatch.fnmatch(finding.clip, reason["clip"]) and finding.detector == reason["detector"]:
            return Finding(**{**vars(finding), "kind": reason["kind"], "why": reason["why"]})
    return finding


def table(found):
    """A Markdown table of findings."""
    lines = ["| clip | track | detector | ours, s | ffmpeg's, s | agrees |", "|---|---|---|---|---|---|"]
    for f in found:
        agrees = "yes" if f.agrees else f.kind or "?"
        cells = [f.clip, f.track, f.detector, f.ours or "none", f.theirs or "none", agrees]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    reasons = dict.fromkeys(f"- {f.clip}, {f.detector}: {f.why}" for f in found if f.why)
    return "\n".join([*lines, "", *reasons])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", metavar="FOLDER")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        raise SystemExit("agreement: the ffmpeg command, which is compared with, is not installed")
    reasons = tomllib.loads(REASONS.read_text())["reason"]
    documents = ours(given.sources)
    found = [finding for document in documents.values() for finding in findings(document, reasons)]
    if given.json:
        print(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        print(table(found))
    print(f"{sum(f.agrees for f in found)} of {len(found)} intervals agree", file=sys.stderr)
    if open_ := [f for f in found if not f.agrees and not f.why]:
        raise SystemExit(f"agreement: {len(open_)} disagreements without a reason in {REASONS.name}")


if __name__ == "__main__":
    main()
