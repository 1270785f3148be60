"""`sightline compare` as users run it: equal tables and a bill for each shape, and wrong usage told before any work."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.equality import compare
from cluster.prices import PACKAGED
from cluster.sources import UsageError
from serve.cli import app
from serve.comparing import ask, series
from serve.comparing.ask import SHAPES
from serve.comparing.shaperun import Ran
from tests.senders import HttpServer, paced, remuxed
from tests.serve.comparing.test_comparison_page import CONTRACT
from tests.serve.running import ENVIRONMENT, begun, broken, command, cut_short, good

INCIDENTS = {"black", "freeze", "silence"}


@pytest.fixture(autouse=True)
def no_bucket(monkeypatch):
    monkeypatch.delenv("SIGHTLINE_BUCKET", raising=False)


def endless(request):
    """Answers without a length, and so without an end."""
    request.send_response(200)
    request.send_header("Connection", "close")
    request.end_headers()
    request.wfile.write(remuxed(good(), "mpegts"))


def named(ran, shape):
    """A run of `fused` as if it had been one of another shape."""
    return Ran(shape, ran.results, {**ran.document, "usage": {**ran.document["usage"], "shape": shape}}, ran.error)


def run(*arguments):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)], prog_name="sightline")


def test_one_shape_is_compared_with_itself_and_nothing_is_left_behind(tmp_path):
    shutil.copy(broken(), tmp_path / "clip.mp4")
    status, out, said = command("compare", "clip.mp4", "--shapes", "fused", "--json", cwd=tmp_path)
    assert status == 0, said
    (fused,) = json.loads(out)["shapes"]
    assert fused.keys() >= CONTRACT
    assert (fused["shape"], fused["equal"], fused["ratio_to_fused"]) == ("fused", True, 1)
    assert {one["detector"] for one in fused["compared"]["events"]} >= INCIDENTS
    assert fused["compared"]["rows"]["video"] == 150
    assert fused["events"] == sum(one["count"] for one in fused["compared"]["events"]) >= 6
    assert [fused[name] for name in CONTRACT if name.startswith(("bytes_", "requests_", "transitions"))] == [0] * 6
    assert fused["cpu_seconds"] == pytest.approx(sum(fused["cpu_by_stage"].values()), abs=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
    assert "fused (1 of 1)" in said


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_shape_is_equal_and_only_staged_pays_for_a_state_machine(tmp_path):
    shutil.copy(broken(), tmp_path / "clip.mp4")
    given = ("--json", "--report", "report.html", "--results", "kept")
    status, out, said = command("compare", "clip.mp4", *given, cwd=tmp_path)
    assert status == 0, said
    document = json.loads(out)
    found = {entry["shape"]: entry for entry in document["shapes"]}
    assert tuple(found) == SHAPES
    assert all(entry["equal"] and entry["compared"]["rows"]["video"] == 150 for entry in found.values())
    _, colocated, _, staged = found.values()
    assert [entry["bytes_network"] > 0 for entry in found.values()] == [False, False, True, False]
    assert colocated["bytes_object_store"] >= 150 * 160 * 90 * 3 // 2
    assert [entry["transitions"] > 0 for entry in found.values()] == [False, False, False, True]
    assert staged["ratio_to_fused"] > staged["as_jpeg"]["ratio_to_fused"] > 5
    assert staged["as_jpeg"]["bytes_bucket"] < staged["bytes_bucket"]
    for shape in SHAPES[1:]:
        compared = compare(str(tmp_path / "kept" / shape), str(tmp_path / "kept" / "fused"))
        assert compared.equal, compared.mismatches
        assert compared.rows["video"] == 150
        assert compared.opened().keys() >= INCIDENTS
    page = (tmp_path / "report.html").read_text()
    for entry in document["shapes"]:
        assert f'<data value="{entry["money_per_stream_hour"]!r}">' in page


def test_the_user_s_own_prices_make_the_bill(tmp_path):
    sheet = PACKAGED.read_text().replace("{price: 0.04048,", "{price: 40.48,")
    (tmp_path / "dear.yaml").write_text(sheet)
    status, out, said = command(
        "compare", good(), "--shapes", "fused", "--json", "--price-sheet", "dear.yaml", cwd=tmp_path
    )
    assert status == 0, said
    document = json.loads(out)
    (processors,) = (one for one in document["shapes"][0]["bill"] if one["of"] == "container processors")
    assert processors["price"] == 40.48
    assert processors["money"] == pytest.approx(processors["amount"] * 40.48)


def test_a_source_that_is_cut_short_is_compared_as_far_as_it_goes(tmp_path):
    clip = cut_short(tmp_path / "short.mp4")
    status, out, said = command("compare", clip, "--shapes", "fused", "--json", cwd=tmp_path)
    assert status == 0, said
    (fused,) = json.loads(out)["shapes"]
    assert (fused["status"], fused["equal"]) == ("partial", True)
    assert "short.mp4: cut short" in fused["error"]
    assert 80 < fused["compared"]["rows"]["video"] < 140


@pytest.mark.parametrize(("arguments", "status", "said"), [
    (("CLIP", "--shapes", "fusd"), 2, ("--shapes fusd", "did you mean fused", "colocated, spread, staged")),
    (("CLIP", "--shapes", ","), 2, ("--shapes", "name at least one of fused")),
    (("CLIP", "--bucket", "http://me:hush@host/x"), 2, ("is no bucket", "s3://BUCKET")),
    (("CLIP", "--price-sheet", "nowhere.yaml"), 2, ("nowhere.yaml: cannot be read",)),
    (("CLIP", "--price-sheet", "CLIP"), 2, ("clip", "is no UTF-8 text")),
    (("CLIP", "--report", "no/such/folder/a.html"), 2, ("--report no/such/folder/a.html", "folder that is there")),
    (("CLIP", "--report", "CLIP"), 2, ("would overwrite",)),
    (("CLIP", "--results", "s3://bucket/x"), 2, ("--results s3://bucket/x: is no folder",)),
    (("udp://127.0.0.1:5000",), 2, ("udp://127.0.0.1:5000: is live", "record a piece of it")),
    ((".",), 2, (".: is a folder", "name one file or URL")),
    (("nowhere.mp4",), 1, ("nowhere.mp4: no such file",)),
    ((), 2, ("Missing argument",)),
    (("CLIP", "CLIP"), 2, ("unexpected extra argument",)),
])  # fmt: skip
def test_is_refused_before_anything_is_run(tmp_path, monkeypatch, arguments, status, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(series, "run", lambda *given: pytest.fail("a shape was run"))
    clip = good()
    done = run(*(clip if given == "CLIP" else given for given in arguments))
    assert done.exit_code == status, done.output
    assert not done.stdout
    told = " ".join(done.stderr.replace("│", " ").split())
    assert all(text in told for text in said), told
    assert "hush" not in told
    assert not list(tmp_path.iterdir())


def test_a_flaw_in_the_price_sheet_is_told_with_its_line(tmp_path):
    sheet = PACKAGED.read_text().replace("currency: USD", "currency: dollars")
    (tmp_path / "wrong.yaml").write_text(sheet)
    done = run(good(), "--price-sheet", tmp_path / "wrong.yaml")
    line = 1 + sheet[: sheet.index("currency: dollars")].count("\n")
    assert done.exit_code == 2
    assert f"wrong.yaml:{line}: currency" in done.stderr


def test_a_live_source_that_only_shows_itself_once_it_is_opened_is_refused(tmp_path):
    with HttpServer() as server:
        server.routes["/live.ts"] = endless
        status, out, said = command("compare", server.url("/live.ts"), "--shapes", "fused", cwd=tmp_path)
    assert (status, out) == (2, "")
    assert "/live.ts: is live" in said


def test_a_shape_that_fails_is_told_and_the_others_still_run(tmp_path, monkeypatch):
    real = series.run

    def failing(shape, source, results, environment):
        if shape == "fused":
            return Ran(shape, results, None, "no room on this machine")
        return named(real("fused", source, results, environment), shape)

    monkeypatch.setattr(series, "run", failing)
    done = run(good(), "--shapes", "fused,colocated", "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    fused, colocated = document["shapes"]
    assert (fused["status"], fused["equal"]) == ("failed", False)
    assert (document["baseline"], colocated["equal"], colocated["ratio_to_fused"]) == ("colocated", True, None)
    assert "fused: failed: no room on this machine" in done.stderr


def test_what_is_not_equal_is_status_1_and_printed(tmp_path, monkeypatch):
    real, clips = series.run, {"fused": broken(), "colocated": good()}

    def other(shape, source, results, environment):
        source = shutil.copy(clips[shape], tmp_path / "clip.mp4")
        return named(real("fused", str(source), results, environment), shape)

    monkeypatch.setattr(series, "run", other)
    shutil.copy(good(), tmp_path / "clip.mp4")
    done = run(tmp_path / "clip.mp4", "--shapes", "fused,colocated")
    assert done.exit_code == 1
    assert "colocated is not equal: video: 50 rows against 150" in done.stdout
    assert "colocated is equal" not in done.stdout
    assert "colocated is not equal: events black opened: None against 1" in done.stdout


def test_what_cannot_be_run_here_is_left_out_and_its_remedy_told(monkeypatch):
    monkeypatch.setattr(ask, "find_spec", lambda name: None)
    wanted, skipped = ask.shapes(None, None)
    assert wanted == ("fused",)
    assert list(skipped) == ["colocated", "spread", "staged"]
    assert all("pip install 'sightline[cluster]'" in why for why in skipped.values())
    with pytest.raises(UsageError, match="--shapes colocated: needs Ray"):
        ask.shapes("colocated,fused", None)


def test_staged_without_a_bucket_needs_a_server_of_its_own(monkeypatch):
    monkeypatch.setattr(ask, "find_spec", lambda name: name == "ray")
    assert "staged" in ask.shapes(None, "s3://bucket/frames")[0]
    wanted, skipped = ask.shapes(None, None)
    assert wanted == ("fused", "colocated", "spread")
    assert "--bucket s3://BUCKET" in skipped["staged"]


@pytest.mark.parametrize("later_seconds", [0, 2])
def test_ctrl_c_ends_it_with_one_line_and_leaves_nothing(tmp_path, monkeypatch, later_seconds):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setitem(ENVIRONMENT, "TMPDIR", str(tmp_path / "tmp"))
    with HttpServer() as server:
        server.routes["/clip.ts"] = paced(remuxed(good(), "mpegts"), 6)
        url = server.url("/clip.ts")
        process = begun(
            "compare", url, "--shapes", "fused", cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert "fused (1 of 1)" in process.stderr.readline()
        time.sleep(later_seconds)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=120)
        assert (process.returncode, out) == (130, "")
        assert said == "sightline: stopped; nothing was compared\n"
        assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if names(path, url)]
        assert [path.name for path in tmp_path.rglob("*")] == ["tmp"]


def names(path, url):
    try:
        return url.encode() in path.read_bytes()
    except OSError:  # it has just ended
        return False
