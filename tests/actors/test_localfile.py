"""Files that are read for others: judged by where they lie once they are open, whatever their names lead to since."""

import io
import os

import av
import pytest

from actors import localfile
from actors.limits import Limits
from actors.networks import Networks
from actors.source import Packet, SourceError, fingerprint, open_source
from actors.trust import Trust
from tests.actors.trusted import denial, read
from tests.actors.witnessed import Witnessed
from tests.senders import clip, coded, remuxed

WHO = "this file is outside the allowed folders; the operator sets SIGHTLINE_ALLOWED_ROOTS"


@pytest.fixture
def folders(tmp_path):
    """The folder that is allowed, and one that is not, with a file of one name in each."""
    for name, data in (("media", coded("mpeg4", container="mp4")), ("private", coded("mpeg4", 50, container="mp4"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.mp4").write_bytes(data)
        (tmp_path / name / "a.ts").write_bytes(remuxed(tmp_path / name / "a.mp4", "mpegts"))
    return tmp_path / "media", tmp_path / "private"


@pytest.fixture
def trust(folders):
    return Trust((str(folders[0]),), Networks())


def swap(path, target):
    path.unlink()
    path.symlink_to(target)


@pytest.mark.parametrize("name", ["bikes.mp4", "bigbuckbunny.mp4"])
@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts"])
def test_what_is_read_is_the_same_as_at_the_keyboard(folders, trust, name, container):
    path = folders[0] / f"clip.{container}"
    path.write_bytes(remuxed(clip(name), container))
    (packets, one), (others, other) = read(path, trust), read(path, None)
    assert packets == others
    assert (one.status, one.format, one.notes) == (other.status, other.format, other.notes)
    assert fingerprint(str(path), Limits(), trust) == fingerprint(str(path), Limits())


@pytest.mark.parametrize(
    ("codec", "container"), [("mpeg4", "avi"), ("mpeg2video", "mpeg2video"), ("mpeg4", "m4v"), ("libx264", "h264")]
)
def test_what_has_no_container_is_read_the_same_too(folders, trust, codec, container):
    path = folders[0] / f"clip.{container}"
    path.write_bytes(coded(codec, container=container))
    assert read(path, trust)[0] == read(path, None)[0]


def id3(size):
    """A tag that holds a picture of so many bytes."""
    frame = b"APIC" + size.to_bytes(4, "big") + bytes(2 + size)
    length = len(frame)
    return b"ID3\x03\0\0" + bytes(length >> shift & 127 for shift in (21, 14, 7, 0)) + frame


@pytest.mark.parametrize(("codec", "container"), [("aac", "adts"), ("ac3", "ac3"), ("flac", "flac")])
def test_where_the_content_leaves_doubt_the_name_decides(folders, trust, codec, container):
    """FFmpeg finds nothing in its first bytes but a tag."""
    path = folders[0] / f"clip.{codec}"
    path.write_bytes(id3(1_500_000) + sounding(codec, container))
    (packets, one), (others, other) = read(path, trust), read(path, None)
    assert packets == others
    assert len(packets) > 5
    assert one.format == other.format


def sounding(codec, container):
    target = io.BytesIO()
    with av.open(target, "w", format=container) as sink:
        stream = sink.add_stream(codec, rate=44100, layout="mono")
        size = stream.codec_context.frame_size or 1024
        for number in range(40):
            frame = av.AudioFrame(stream.codec_context.format.name, "mono", size)
            frame.rate, frame.pts = 44100, number * size
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            sink.mux(stream.encode(frame))
        sink.mux(stream.encode(None))
    return target.getvalue()


def test_a_file_that_was_cut_short_is_said_to_be(folders, trust):
    path = folders[0] / "cut.mp4"
    path.write_bytes((folders[0] / "a.mp4").read_bytes()[:-100])
    _, source = read(path, trust)
    assert source.status == "partial"
    assert "cut short: its 'moov' box" in source.reason


@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
def test_a_link_that_was_swapped_after_it_was_submitted_is_denied(folders, trust, name):
    media, private = folders
    assert read(media / name, trust)[1].status == "completed"
    swap(media / name, private / name)
    assert denial(media / name, trust) == f"{media / name}: {WHO}"
    with pytest.raises(SourceError, match="SIGHTLINE_ALLOWED_ROOTS"):
        fingerprint(str(media / name), Limits(), trust)


@pytest.mark.parametrize(
    "name",
    ["{0}/../private/a.mp4", "file://{0}/../private/a.mp4", "{1}/a.mp4", "{1}/none.mp4", "/proc/self/environ"],
)
def test_other_ways_out_are_denied(folders, trust, name):
    assert denial(name.format(*folders), trust).endswith(WHO)


def test_a_link_within_the_allowed_folders_is_followed(folders, trust):
    media, _ = folders
    (media / "link.mp4").symlink_to(media / "a.mp4")
    (media.parent / "way").symlink_to(media)
    assert len(read(media / "link.mp4", trust)[0]) == 25
    assert len(read(media.parent / "way" / "a.mp4", trust)[0]) == 25
    assert len(read(media / "a.mp4", Trust((str(media.parent / "way"),), Networks()))[0]) == 25


@pytest.mark.parametrize("proc", [True, False], ids=["proc", "without"])
def test_a_link_that_is_swapped_while_it_is_opened_is_denied(folders, trust, monkeypatch, proc):
    """The name is good when it is looked at, and leads elsewhere when it is opened."""
    media, private = folders
    checked = localfile.check_file

    def check(path):
        checked(path)
        swap(path, private / "a.mp4")

    monkeypatch.setattr(localfile, "check_file", check)
    if not proc:
        hide_proc(monkeypatch)
    assert denial(media / "a.mp4", trust).endswith(WHO)


def hide_proc(monkeypatch):
    def missing(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(localfile.Path, "readlink", missing)


def test_where_the_system_does_not_tell_the_name_is_asked_again(folders, trust, monkeypatch):
    hide_proc(monkeypatch)
    assert len(read(folders[0] / "a.mp4", trust)[0]) == 25


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(folders, trust, monkeypatch):
    path = folders[0] / "a.mp4"
    checked = localfile.check_file

    def check(path):
        checked(path)
        path.unlink()
        os.mkfifo(path)

    monkeypatch.setattr(localfile, "check_file", check)
    with pytest.raises(SourceError, match="is no regular file"), open_source(path, trust=trust):
        pass


@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
def test_what_is_open_is_read_on_whatever_its_name_leads_to_then(folders, trust, name):
    media, private = folders
    expected = read(media / name, None)[0]
    with open_source(media / name, trust=trust) as source:
        swap(media / name, private / name)
        assert [bytes(item.packet) for item in source if isinstance(item, Packet)] == expected
        assert source.status == "completed"


@pytest.mark.parametrize("named", ["{1}/a.ts", "file://{1}/a.ts", "../private/a.ts", "link.ts", "http://127.0.0.1/a.ts"])
def test_a_playlist_leads_to_nothing_outside(folders, trust, named, tmp_path):
    media, private = folders
    (media / "link.ts").symlink_to(private / "a.ts")
    text = f"#EXTM3U\n#EXTINF:1,\na.ts\n#EXTINF:1,\n{named.format(*folders)}\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n"
    (media / "list.m3u8").write_text(text)
    packets, source = read(media / "list.m3u8", trust)
    assert (len(packets), source.status) == (25, "denied")
    results = tmp_path / "results"
    document = Witnessed(media / "list.m3u8", results, ("black",), trust=trust).run().document
    assert (document["status"], document["error"]) == ("failed", source.reason)
    wider = Trust((str(tmp_path),), Networks.of(("loopback",)))
    if "http" not in named:
        assert Witnessed(media / "list.m3u8", results, ("black",), trust=wider).run().document["status"] == "completed"
