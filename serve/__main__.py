"""What ``sightline``, and ``python -m serve``, run."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from typing import NoReturn

from serve.cli import main


def run() -> NoReturn:
    """Run the command, do what is left for the end, and leave without taking the interpreter down.

    Threads of Arrow may still be giving back what they have read of a bucket, for which they need the interpreter. One
    that is going down ends them within C++ that may not be left so, and the process aborts, with all its work done.
    Another Ctrl-C is not heard by then: it would cut off what is left, with a traceback.
    """
    status: object = 0
    try:
        main()
    except SystemExit as ended:
        status = ended.code
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    atexit._run_exitfuncs()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else bool(status))


if __name__ == "__main__":
    run()
