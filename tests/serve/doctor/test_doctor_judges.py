"""Every judge of `sightline doctor`, with every state that it can give."""

import errno

import pytest

from serve.doctor import authentication, codecs, gpu, memory, ports, rays, results, server, upload, versions
from serve.doctor.authentication import Keys, RayAuthentication, TokenFile
from serve.doctor.codecs import Build
from serve.doctor.gpu import Gpu
from serve.doctor.rays import Listener
from serve.doctor.results import Room, Tried
from serve.doctor.server import Server
from serve.doctor.upload import Upload
from serve.doctor.versions import CORE, Asked, Wanted

GIB = 1 << 30
ALL, OWN = frozenset({"0.0.0.0"}), frozenset({"127.0.0.1", "::1"})


def asked(installed, extra=CORE, python=">=3.11"):
    return Asked(python, {CORE: (), extra: (Wanted("numpy", "<3,>=2.1", installed),)})


def token(mode="token", file=0o600, told=False, own=None, installed=True):
    return RayAuthentication(installed, mode, told, (TokenFile("/home/me/auth", file), TokenFile("/own/token", own)))


def room(free, spilled=False, total=100 * GIB):
    return results.judge_room(Room("results", "/disk", free, total, spilled))


def build(decoders=(), formats=()):
    return codecs.judge(Build("18", "8", frozenset(decoders), frozenset(formats)))


def api(part=0, **told):
    known = {"ready": 200, "listed": 200, "version": "1.0", "ahead_seconds": 0.1}
    return server.judge(Server("http://h", True, **{**known, **told}), "1.0")[part]


CASES = {
    "python fits": (versions.judge(asked("2.2"), "3.11.1")[0], "ok", "3.11.1"),
    "python is old": (versions.judge(asked("2.2"), "3.10.9")[0], "problem", ">=3.11"),
    "core fits": (versions.judge(asked("2.2"), "3.12.0")[1], "ok", "1 packages"),
    "core is missing": (versions.judge(asked(None), "3.12.0")[1], "problem", "numpy is missing"),
    "core is another": (versions.judge(asked("3.0"), "3.12.0")[1], "problem", "numpy 3.0, and <3,>=2.1 is needed"),
    "an extra fits": (versions.judge(asked("2.9+cpu", "cluster"), "3.12.0")[2], "ok", "numpy 2.9+cpu"),
    "an extra is missing": (versions.judge(asked(None, "cluster"), "3.12.0")[2], "skipped", "not installed: numpy"),
    "an extra is old": (versions.judge(asked("1.9", "cluster"), "3.12.0")[2], "problem", "numpy 1.9"),
    "not installed": (versions.judge(None, "3.12.0")[0], "skipped", "from a folder"),
    "all decoders": (build()[0], "ok", "h264"),
    "no h264": (build(["h264", "vp9"])[0], "problem", "does not decode h264, vp9"),
    "no prores": (build(["prores"])[0], "warning", "does not decode prores"),
    "all containers": (build()[1], "ok", "UDP"),
    "no mpegts": (build(formats=["mpegts"])[1], "problem", "does not open mpegts"),
    "no gxf": (build(formats=["gxf"])[1], "warning", "does not open gxf"),
    "no gpu": (gpu.judge(Gpu(None)), "skipped", "no NVIDIA driver"),
    "no torch": (gpu.judge(Gpu("570.1")), "skipped", "no torch"),
    "torch without CUDA": (gpu.judge(Gpu("570.1", "2.9+cpu")), "warning", "without CUDA"),
    "no gpu for torch": (gpu.judge(Gpu("570.1", "2.9", "12.8")), "warning", "can use no GPU"),
    "no decoding": (gpu.judge(Gpu("570.1", "2.9", "12.8", ("H200",), "FFmpeg not")), "warning", "FFmpeg not"),
    "a gpu": (gpu.judge(Gpu("570.1", "2.9", "12.8", ("H200",))), "ok", "H200; driver 570.1, torch 2.9, CUDA 12.8"),
    "results are kept": (results.judge(Tried("s3://b/p")), "ok", "s3://b/p"),
    "results are refused": (results.judge(Tried("/r", "errno 13", "mend it")), "problem", "/r: errno 13"),
    "results fail": (results.judge(Tried("s3://b", "timed out")), "problem", "timed out"),
    "much room": (room(50 * GIB), "ok", "50.0 GiB free of 100.0 GiB"),
    "little room": (room(GIB), "warning", "1.0 GiB"),
    "no room": (room(GIB // 8), "problem", "0.1 GiB"),
    "room for results alone": (room(4 * GIB), "ok", "4.0 GiB"),
    "no room for spilled objects": (room(4 * GIB, spilled=True), "warning", "4.0 GiB"),
    "shared memory": (memory.judge_shared(GIB, GIB), "ok", "1.0 GiB"),
    "a container's": (memory.judge_shared(64 << 20, GIB), "warning", "0.1 GiB free"),
    "no shared memory": (memory.judge_shared(None, GIB), "skipped", "no /dev/shm"),
    "many files": (memory.judge_files(20000), "ok", "20000"),
    "files without limit": (memory.judge_files(-1), "ok", "without limit"),
    "few files": (memory.judge_files(1024), "warning", "1024"),
    "a free port": (ports.judge(ports.Wanted("::1", 80, None)), "ok", "is free"),
    "a taken port": (ports.judge(ports.Wanted("h", 80, errno.EADDRINUSE)), "warning", "h:80 is taken"),
    "our port": (ports.judge(ports.Wanted("h", 80, errno.EADDRINUSE, ours=True)), "ok", "`sightline up`"),
    "root's port": (ports.judge(ports.Wanted("h", 80, errno.EACCES)), "problem", "not for this user"),
    "another's address": (ports.judge(ports.Wanted("h", 80, errno.EADDRNOTAVAIL)), "problem", "no address of this"),
    "another failure": (ports.judge(ports.Wanted("h", 80, errno.EMFILE)), "problem", "EMFILE"),
    "ports are not known": (rays.judge(None), "skipped", "does not tell"),
    "no ray": (rays.judge([Listener(8265, ALL, "other")]), "skipped", "no Ray"),
    "an open ray": (rays.judge([Listener(9, OWN, "token"), Listener(8265, ALL, "open")]), "problem", "0.0.0.0"),
    "ray, open to this machine": (rays.judge([Listener(8265, OWN, "open")]), "warning", "every user here"),
    "ray with a token": (rays.judge([Listener(8265, ALL, "token"), Listener(6379, ALL)]), "ok", "asks for a token"),
    "a gcs, or redis": (rays.judge([Listener(6379, ALL)]), "warning", "port 6379"),
    "a gcs on the loopback": (rays.judge([Listener(6379, OWN)]), "skipped", "no Ray"),
    "no ray installed": (authentication.judge_token(token(installed=False)), "skipped", "not installed"),
    "a token": (authentication.judge_token(token()), "ok", "nobody else"),
    "a token of the environment": (authentication.judge_token(token(file=None, told=True)), "ok", "token"),
    "no token": (authentication.judge_token(token(file=None)), "problem", "there is none in /home/me/auth"),
    "a token for all": (authentication.judge_token(token(file=0o644)), "warning", "/home/me/auth has mode 0644"),
    "an own token for all": (authentication.judge_token(token(None, None, own=0o640)), "warning", "/own/token has"),
    "authentication is off": (authentication.judge_token(token("disabled")), "warning", "disabled"),
    "an unknown mode": (authentication.judge_token(token("tokn")), "problem", "'tokn'"),
    "no mode": (authentication.judge_token(token(None, None)), "ok", "`sightline up` sets"),
    "no keys on the loopback": (authentication.judge_keys("localhost", Keys(0)), "ok", "none is needed"),
    "no keys for others": (authentication.judge_keys("0.0.0.0", Keys(0)), "problem", "others reach 0.0.0.0"),
    "keys": (authentication.judge_keys("0.0.0.0", Keys(2)), "ok", "2 known"),
    "keys that cannot be read": (authentication.judge_keys("::1", Keys(0, "no file of keys")), "problem", "no file"),
    "no server": (server.judge(None, "1.0")[0], "skipped", "no cluster is up"),
    "no clock": (server.judge(None, "1.0")[1], "skipped", "compared with no other"),
    "silence": (server.judge(Server("http://h", True, "refused\n"), "1.0")[0], "problem", "not answer: refused"),
    "silence of the clock": (server.judge(Server("http://h", True, "refused"), "1.0")[1], "skipped", "does not answer"),
    "a server": (api(), "ok", "takes work"),
    "a server that is not ready": (api(ready=503), "problem", "not ready"),
    "another server": (api(ready=404), "problem", "answers 404"),
    "a key": (api(1), "ok", "accepted"),
    "a wrong key": (api(1, listed=401), "problem", "refused"),
    "a key that is not asked for": (api(1, listed=429), "skipped", "429"),
    "a version": (api(2), "ok", "1.0, as here"),
    "another version": (api(2, version="2\x1b0"), "warning", "2\\x1b0, and 1.0 here"),
    "no version": (api(2, version=None), "skipped", "does not say"),
    "a clock": (api(3, ahead_seconds=-1.5), "ok", "within 2 s"),
    "a clock that is off": (api(3, ahead_seconds=-30.2), "warning", "30 s behind"),
    "a clock that is far off": (api(3, ahead_seconds=3600.0), "problem", "3600 s ahead"),
    "a server without clock": (api(3, ahead_seconds=None), "skipped", "tells no time"),
    "a small upload": (upload.judge(Upload("/f", size=2 << 20, most=512 << 20)), "ok", "2.0 MiB of the 512.0 MiB"),
    "a large upload": (upload.judge(Upload("/f", size=80 << 20, most=512 << 20)), "warning", "80.0 MiB"),
    "an upload that is too large": (upload.judge(Upload("/f", size=512 << 20, most=512 << 20)), "problem", "512.0"),
    "nothing to upload": (upload.judge(Upload("/f")), "skipped", "/f has no .rayignore"),
    "an upload that fails": (upload.judge(Upload("/f", failure="gone")), "skipped", "gone"),
    "an upload without ray": (upload.judge(Upload("/f", installed=False)), "skipped", "not installed"),
}  # fmt: skip


@pytest.mark.parametrize(("finding", "state", "found"), CASES.values(), ids=CASES)
def test_a_judge(finding, state, found):
    assert finding.state == state
    assert found in finding.found
    if state in ("warning", "problem"):
        assert finding.remedy
        assert finding.remedy.count("\n") == 0
    if state == "ok":
        assert finding.remedy is None


def test_a_remedy_names_the_versions_that_are_needed():
    assert versions.judge(asked("3.0"), "3.12.0")[1].remedy == "Run: pip install 'numpy<3,>=2.1'"


SOCKETS = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2049 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 00000000:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0100007F:9C40 0100007F:2049 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
"""
SOCKETS_6 = """  sl  local_address                         remote_address                        st
   0: 00000000000000000000000001000000:2049 00000000000000000000000000000000:0000 0A
   1: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A
"""


def test_linux_s_list_of_sockets():
    found = ports.read_sockets([SOCKETS, SOCKETS_6])
    assert found == {8265: {"127.0.0.1", "::1"}, 6379: {"0.0.0.0"}, 8080: {"127.0.0.1"}}
    assert all(map(ports.is_loopback, found[8265] | found[8080]))
    assert not any(map(ports.is_loopback, ("0.0.0.0", "::", "10.0.0.1", "example.org")))
    big = SOCKETS.replace("0100007F", "7F000001")
    assert ports.read_sockets([big], "big") == {8265: {"127.0.0.1"}, 6379: {"0.0.0.0"}}
