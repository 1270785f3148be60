"""``sightline demo``: four live channels with defects, watched, and what is found as it is found."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from serve.terminal.exits import CommandFailedError, told_apart

CHANNELS = {
    "film": ("bigbuckbunny.mp4", ("black:start=1,length=2.5",)),
    "sport": ("bikes.mp4", ("freeze:start=3,length=3",)),
    "music": ("bigbuckbunny.mp4", ("silence:start=1,length=3,track=a:0", "channel_loss:start=4.2,length=1,track=a:0")),
    "storm": ("carphone_pristine.mp4", ("lost_packets:start=2,length=2,share=0.05",)),
}  # fmt: skip
"""Clip and defects of each channel, by the name of its stream."""

Seconds = Annotated[float, typer.Option(min=1, help="How long to watch.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the API and the page.")]
Results = Annotated[str, typer.Option(metavar="URI", help="Folder of the result tables.")]


def demo(seconds: Seconds = 60, port: Port = 8080, results: Results = "./sightline-demo") -> None:
    """Watch four live channels with defects on a cluster of this machine, and show incidents as they arrive.

    The cluster is started and ended with it.
    """
    with told_apart("the demo has ended"):
        from serve.commands.up import down, up
        from serve.demo import clip_folder

        folder = Path(results) / "channels"
        folder.mkdir(parents=True, exist_ok=True)
        clips = {name: _made(clip_folder() / clip, folder / f"{name}.ts", of) for name, (clip, of) in CHANNELS.items()}
        up(results=results, port=port)
        try:
            with _on_air(clips) as sources:
                _watch(sources, seconds, port)
        finally:
            down()


def _made(clip: Path, target: Path, defects: tuple[str, ...]) -> Path:
    """A copy of the clip with defects, made once."""
    from actors.inject import inject, parse

    if not target.exists():
        print(f"putting {', '.join(text.partition(':')[0] for text in defects)} into {target}", flush=True)
        inject(clip, target, [parse(text) for text in defects], seed=1)
    return target


@contextmanager
def _on_air(clips: dict[str, Path]) -> Iterator[dict[str, str]]:
    """Send every clip over and over; gives the sources by name."""
    from actors.inject.channel import Channel

    with ExitStack() as channels:
        yield {name: channels.enter_context(Channel(clip, _free_port())).url for name, clip in clips.items()}


def _watch(sources: dict[str, str], seconds: float, port: int) -> None:
    """Submit the channels, and run ``sightline watch`` until the time is over."""
    from serve.client.client import connect

    with connect(None) as client:
        job, _ = client.submit({"streams": [{"source": url, "name": name} for name, url in sources.items()]})
        print(f"job {job.id}: {', '.join(sources)}; see http://127.0.0.1:{port}/", flush=True)
        watching = subprocess.Popen([sys.executable, "-m", "serve", "watch", *sources])
        try:
            watching.wait(seconds)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            watching.send_signal(signal.SIGINT)
            watching.wait()
        client.stop(job.id)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        if not port:
            raise CommandFailedError("no UDP port is free")
        return port
