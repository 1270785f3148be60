"""What a cluster's hosts reach beside it: an S3 server, and a web server with clips. ``outside.py ADDRESS FOLDER``

Asked on standard input, it sends the last quarter of each clip slowly, or at once; it ends with its standard input.
"""

import os
import sys
import threading
import time
import urllib.request
from pathlib import Path

from moto.server import ThreadedMotoServer

from tests.senders import HttpServer, slowed

S3_PORT, WEB_PORT = 9000, 8000
BUCKET = "sightline"
SLOW_SECONDS = 900
LIVE_SECONDS = 600
"""Of clips that are watched as if they were live, which are to be so long."""


def on_air(data):
    """An answer without length, as a live source has it: a minute of media each minute, sent each second."""

    def answer(request):
        request.close_connection = True
        request.send_response(200)
        request.send_header("Content-Type", "video/mp2t")
        request.end_headers()
        began, sent = time.monotonic(), 0
        while sent < len(data):
            due = int((time.monotonic() - began + 2) * len(data) / LIVE_SECONDS) // 188 * 188
            request.wfile.write(data[sent:due])
            sent = max(sent, due)
            time.sleep(1)

    return answer


def main(address, folder):
    """Serve on an address, and do what is asked for: ``slow`` or ``fast``."""
    bucket = ThreadedMotoServer(ip_address=address, port=S3_PORT, verbose=False)
    bucket.start()
    made = urllib.request.Request(f"http://{address}:{S3_PORT}/{BUCKET}", method="PUT")
    urllib.request.urlopen(made, timeout=60).close()
    slow = threading.Event()
    with HttpServer(address, WEB_PORT) as web:
        for clip in Path(folder).iterdir():
            data = clip.read_bytes()
            web.routes[f"/{clip.name}"] = slowed(data, slow, range(len(data) * 3 // 4, len(data)), SLOW_SECONDS)
            web.routes[f"/live/{clip.name}"] = on_air(data)
        print("ready", flush=True)
        for line in sys.stdin:
            (slow.set if line == "slow\n" else slow.clear)()
            print(line, end="", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
