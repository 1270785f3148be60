"""What a cluster's hosts reach beside it: an S3 server, and a web server with clips. ``outside.py ADDRESS FOLDER``

Asked on standard input, it sends the second half of each clip slowly, or at once; it ends with its standard input.
"""

import os
import sys
import threading
import urllib.request
from pathlib import Path

from moto.server import ThreadedMotoServer

from tests.senders import HttpServer, slowed

S3_PORT, WEB_PORT = 9000, 8000
BUCKET = "sightline"
SLOW_SECONDS = 90


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
            web.routes[f"/{clip.name}"] = slowed(data, slow, range(len(data) // 2, len(data)), SLOW_SECONDS)
        print("ready", flush=True)
        for line in sys.stdin:
            (slow.set if line == "slow\n" else slow.clear)()
            print(line, end="", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
