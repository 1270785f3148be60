"""`submit --explain`: the plans of a job, and nothing submitted."""

import json

from tests.serve.running import command, good


def explained(tmp_path, *arguments):
    return command("submit", "--explain", "--url", "http://127.0.0.1:9", *arguments, cwd=tmp_path)


def test_a_jobs_plans_are_printed_without_a_server(tmp_path):
    status, out, said = explained(tmp_path, good(), "--shape", "spread")
    assert (status, said) == (0, "")
    assert out.startswith("1 stream: 1 x 160x90 yuv420p 25/s\n")
    assert "\nspread (this job's): " in out
    assert "\nfused: " in out
    assert "STRICT_SPREAD" in out
    assert "USD per stream-hour: container processors" in out


def test_a_file_is_explained_for_programs(tmp_path):
    path = tmp_path / "jobs.yaml"
    path.write_text(f"shape: colocated\nstreams:\n- source: {good()}\n- source: udp://127.0.0.1:9999\n")
    status, out, said = explained(tmp_path, "--file", path, "--json")
    assert (status, said) == (0, "")
    document = json.loads(out)
    assert document["estimate"] is True
    assert [source["assumed"] for source in document["sources"]] == [None, "it is not asked, as it is on air"]
    shapes = {one["shape"]: one for one in document["shapes"]}
    assert [name for name, one in shapes.items() if one["chosen"]] == ["colocated"]
    assert shapes["fused"]["bytes_per_second"] == {}
    assert shapes["spread"]["bytes_per_second"]["bytes_network"] > 3_110_400 * 25
    assert shapes["spread"]["money_per_stream_hour"] > shapes["fused"]["money_per_stream_hour"] > 0


def test_what_is_wrong_with_a_job_is_said_as_ever(tmp_path):
    status, out, said = explained(tmp_path, good(), "--shape", "stages")
    assert (status, out) == (2, "")
    assert "--shape" in said
    assert "'spread' or 'staged'" in said
