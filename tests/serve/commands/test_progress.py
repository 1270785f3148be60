"""The bar shows how far streams are, and nothing that must not be shown."""

import io

import pytest

from actors.pipeline import Progress
from serve.commands import progress


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of one wide line, as text."""
    target = io.StringIO()
    whole = progress.Console

    def console(**settings):
        return whole(file=target, force_terminal=True, width=300, **{**settings, "stderr": False})

    monkeypatch.setattr(progress, "Console", console)
    monkeypatch.setenv("TERM", "xterm")
    return target


def shown(terminal, *sources):
    with progress.bar(len(sources)) as on_progress:
        for source in sources:
            on_progress(source, Progress(61.5))
    return terminal.getvalue()


def test_it_says_what_is_under_way(terminal):
    assert "clip.mp4 01:01.500" in shown(terminal, "/archive/clip.mp4")


def test_names_are_no_markup(terminal):
    assert "[red]a[bold].mp4 01:01.500" in shown(terminal, "x/[red]a[bold].mp4")


def test_names_are_no_commands_and_not_endless(terminal):
    out = shown(terminal, "x/\x9b2J" + "y" * 300)
    assert "\x9b" not in out
    assert "y" * 50 not in out


def test_secrets_are_left_out(terminal):
    assert "s3cr3t" not in shown(terminal, "http://me:s3cr3t@h/live.ts?token=s3cr3t", "rtsp://me:s3cr3t@h")


def test_it_counts_what_is_finished(terminal):
    with progress.bar(2) as on_progress:
        on_progress("a.mp4", Progress(1.0))
        on_progress("a.mp4", None)
    assert "1/2" in terminal.getvalue()
