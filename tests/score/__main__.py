"""Scores of all detectors, and of ffmpeg's filters beside them, on the same labelled clips.

    python -m tests.score [--readme | DETECTOR ...]

``--readme`` writes the table into README.md, between its marks. With detectors named, only they are asked, on the clips
of their defects and on the clean ones.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from actors.detectors import DETECTORS
from tests.bench.machine import machine
from tests.score.corpus import SOURCES, corpus
from tests.score.findings import FILTERS, ours, theirs
from tests.score.tally import Found, Score, middle, overlap

CLIPS = Path(__file__).resolve().parents[2] / ".bench" / "score"
README = Path(__file__).resolve().parents[2] / "README.md"
MARKS = "<!-- scores -->\n", "<!-- /scores -->\n"
GOAL = 0.95
CLEAN = len(SOURCES)
"""So many clips come first that are clean."""


def scored(clips, detectors=None):
    """The scores by detector, ours and ffmpeg's, and what was said of the clean clips."""
    with tempfile.TemporaryDirectory() as folder:
        found, said = ours([str(clip.path) for clip in clips], Path(folder) / "results", detectors)
    mine, other = {}, {}
    natural = {clip.source: (found.get(str(clip.path), {}), theirs(clip.path, clip.seconds)) for clip in clips[:CLEAN]}
    for clip in clips[CLEAN:]:
        here, there = natural[clip.source]
        add(mine, clip, found[str(clip.path)], here, tell=True)
        add(other, clip, theirs(clip.path, clip.seconds), there, asked=FILTERS)
    return mine, other, {clip.source: said[str(clip.path)] for clip in clips[:CLEAN]}


def add(scores, clip, found, natural, *, asked=None, tell=False):
    """Add what was found in a clip to the scores of the detectors that were asked; ``tell`` prints what is wrong."""
    for kind in {label.kind for label in clip.labels.defects} & set(asked or DETECTORS):
        spans = [Found(one.start_seconds, one.end_seconds) for one in clip.labels.defects if one.kind == kind]
        missed, false = scores.setdefault(kind, Score()).add(spans, new(found.get(kind, []), natural.get(kind, [])))
        for what, wrong in (("missed", missed), ("false", false)):
            for one in wrong if tell else ():
                print(f"{what}: {kind} at {one.start:.2f} to {one.end:.2f} s of {clip.path.name}")


def new(found, natural):
    """What was found that is not found in the clean clip too, such as the film's own cuts."""
    return [one for one in found if all(overlap(one, other) <= 0 for other in natural)]


def table(mine, other):
    """Markdown."""
    lines = [
        "| detector | clips | precision | recall | F1 | start, ms | end, ms | told after, s | ffmpeg: F1, start, end |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, score in sorted(mine.items()):
        theirs_ = other.get(kind)
        beside = f"{theirs_.f1:.2f}, {ms(theirs_.start_errors)}, {ms(theirs_.end_errors)}" if theirs_ else "none"
        cells = [
            f"`{kind}`", score.hits + score.missed, share(score.precision), share(score.recall), share(score.f1),
            ms(score.start_errors), ms(score.end_errors), seconds(score.delays), beside,
        ]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def share(value):
    return "none" if value is None else f"{value:.2f}"


def ms(errors):
    return "none" if (found := middle(errors)) is None else f"{1000 * found:.0f}"


def seconds(delays):
    return "none" if (found := middle(delays)) is None else f"{found:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("detectors", nargs="*", metavar="DETECTOR")
    given = parser.parse_args()
    if given.readme and given.detectors:
        parser.error("--readme needs all detectors")
    if shutil.which("ffmpeg") is None:
        raise SystemExit("score: the ffmpeg command, which is compared with, is not installed")
    print(machine())
    clips = list(corpus(CLIPS, given.detectors))
    mine, other, clean = scored(clips, given.detectors or None)
    made = table(mine, other)
    print(made)
    for source, incidents in clean.items():
        told = [f"{one['detector']} at {one['start_seconds']:.2f}" for one in incidents if one["severity"] != "info"]
        print(f"clean {source}: {', '.join(told) or 'nothing said'}")
    if given.readme:
        before, _, rest = README.read_text().partition(MARKS[0])
        README.write_text(before + MARKS[0] + made + MARKS[1] + rest.partition(MARKS[1])[2])
    short = [kind for kind, score in mine.items() if score.f1 < GOAL]
    sys.exit(f"below {GOAL}: {', '.join(short)}" if short else 0)


if __name__ == "__main__":
    main()
