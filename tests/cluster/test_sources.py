"""Which sources a command line names."""

import os

import pytest

from cluster.sources import UsageError, expand, manifest_lines


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.MKV", "notes.txt", ".hidden.mp4", "sub/c.ts", "sub/.cache/d.mp4", "sub/deep/e.wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_a_folder_is_walked_in_order_without_what_is_hidden(tree):
    assert expand(["."]) == ["a.mp4", "b.MKV", "sub/c.ts", "sub/deep/e.wav"]


def test_a_hidden_folder_that_is_named_is_walked(tree):
    assert expand(["sub/.cache"]) == ["sub/.cache/d.mp4"]


def test_include_takes_other_names(tree):
    assert expand(["."], include="*.txt") == ["notes.txt"]
    assert expand(["."], include="?.*") == ["a.mp4", "b.MKV", "sub/c.ts", "sub/deep/e.wav"]


def test_include_does_not_concern_what_is_named(tree):
    assert expand(["a.mp4", "sub"], include="e*") == ["a.mp4", "sub/deep/e.wav"]


def test_globs(tree):
    assert expand(["*.mp4"]) == ["a.mp4"]
    assert expand(["**/*.ts", "sub/**/*.wav"]) == ["sub/c.ts", "sub/deep/e.wav"]
    assert expand([str(tree / "*.mp4")]) == [str(tree / "a.mp4")]


def test_a_file_may_be_named_as_a_glob_is_written(tree):
    (tree / "clip[1].mp4").touch()
    assert expand(["clip[1].mp4"]) == ["clip[1].mp4"]


def test_each_source_once_by_its_first_spelling(tree):
    assert expand(["./a.mp4", "a.mp4", str(tree / "a.mp4"), "*.mp4"]) == ["./a.mp4"]
    assert expand(["http://h/a?x=1", "http://h/a?x=2", "http://h/a?x=1"]) == ["http://h/a?x=1", "http://h/a?x=2"]


@pytest.mark.parametrize("name", [
    "missing.mp4", "none*.mp4", "missing/folder/a.mp4", "x" * 400, "a\0b.mp4", "udp://127.0.0.1:5004", "sub/empty",
])  # fmt: skip
def test_what_gives_nothing_stays_as_it_is_written(tree, name):
    (tree / "sub" / "empty").mkdir()
    assert expand([name, "a.mp4"]) == [name, "a.mp4"]


def test_special_files_in_folders_are_left_out_and_dangling_links_are_not(tree):
    os.mkfifo(tree / "sub" / "pipe.mp4")
    (tree / "sub" / "link.mp4").symlink_to("nowhere")
    assert expand(["sub"]) == ["sub/c.ts", "sub/deep/e.wav", "sub/link.mp4"]


def test_a_link_to_its_own_folder_ends(tree):
    (tree / "sub" / "round").symlink_to(tree)
    assert expand(["sub"]) == ["sub/c.ts", "sub/deep/e.wav"]


def test_nothing_named(tree):
    with pytest.raises(UsageError, match="no source is named"):
        expand([], ())


@pytest.mark.parametrize(("text", "named"), [
    (b"", []),
    (b"# tapes\n a.mp4 \n\nb.mp4\r\n", ["a.mp4", "b.mp4"]),
    (b"\xef\xbb\xbfa.mp4\nb.mp4", ["a.mp4", "b.mp4"]),
    (b"line\x0bbreaks\x0care\xc2\x85names.mp4\n", ["line\x0bbreaks\x0care\x85names.mp4"]),
    (b" a\nb.mp4\0# c.mp4\0", [" a\nb.mp4", "# c.mp4"]),
    (b"caf\xe9.mp4\n", ["caf\udce9.mp4"]),
])  # fmt: skip
def test_manifests(text, named):
    assert manifest_lines(text) == named
