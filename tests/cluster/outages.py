"""Stands between a client and a server, and lets the server seem to be down, slow or full."""

import re
import socket
import threading
from contextlib import suppress


class Between:
    """Forwards connections on a port of its own, unless it was told to refuse them."""

    def __init__(self, port):
        self._to = port
        self._answer, self._left = "", 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._listener.close()

    def url(self, url):
        """The same bucket by way of this."""
        return re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{self.port}", url)

    def refuse(self, answer, times=1 << 30):
        """Answer so many connections with that status line; None: hang up."""
        self._answer, self._left = answer, times

    def mend(self):
        """From now on forward."""
        self._answer = ""

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._left == 0:
                    self.mend()
                self._left -= 1
                threading.Thread(target=self._serve, args=(client, self._answer), daemon=True).start()

    def _serve(self, client, answer):
        with suppress(OSError), client:
            if answer == "":
                with socket.create_connection(("127.0.0.1", self._to)) as server:
                    back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                    back.start()
                    _pump(client, server)
                    back.join()
            elif answer is not None:
                client.recv(65536)
                client.sendall(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())


def _pump(source, target):
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
