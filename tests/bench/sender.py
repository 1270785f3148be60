"""Sends a transport stream of constant rate to many ports of the loopback, each a while after the one before.

    python -m tests.bench.sender CLIP.ts SECONDS PORT...

One process sends to all, so that what sending costs is small beside what is measured. Ends with its input.
"""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

DATAGRAM = 7 * 188
TICK_SECONDS = 0.01
STAGGER_SECONDS = 0.09


def channel(clip, target, seconds, megabits):
    """The clip over and over as a transport stream, padded to a constant rate, so that bytes tell the time."""
    rate = round(megabits * 1e6)
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", clip, "-t", str(seconds), "-c", "copy",
         "-muxrate", str(rate), "-f", "mpegts", target],
        check=True,
    )  # fmt: skip
    return target


def send(data, seconds, ports, ended):
    """Send, at the pace of the media, until it is over or ``ended`` is set."""
    per_second = len(data) / seconds
    sent = dict.fromkeys(ports, 0)
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        while min(sent.values()) < len(data) and not ended.wait(TICK_SECONDS):
            for number, port in enumerate(ports):
                due = (time.monotonic() - began - number * STAGGER_SECONDS) * per_second
                while sent[port] + DATAGRAM <= min(due, len(data)):
                    out.sendto(data[sent[port] : sent[port] + DATAGRAM], ("127.0.0.1", port))
                    sent[port] += DATAGRAM


def main():
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    send(Path(sys.argv[1]).read_bytes(), float(sys.argv[2]), [int(port) for port in sys.argv[3:]], ended)


if __name__ == "__main__":
    main()
