"""jobs.yaml: what is read, and that whatever is wrong is told with its place, its path and what is allowed."""

import json
import os
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.job import JobSpec
from cluster.sources import UsageError, UsageErrors
from serve.job import jobfile, yamltext
from serve.job.jobfile import load, parse, schema
from tests.serve.running import ROOT

ENVIRONMENT = {"SECRET": "whsec_c2VjcmV0", "PASSWORD": "p@ss", "EMPTY": "", "SHORT": "hush"}
GOOD = "streams: [{source: a}]\n"


def read(text, folder=Path("/jobs")):
    data = text if isinstance(text, bytes) else text.encode()
    return parse("jobs.yaml", data, folder, ENVIRONMENT)


def wrong(text):
    """What is said of a file, a line for each flaw."""
    with pytest.raises(UsageErrors) as raised:
        read(text)
    return list(raised.value.lines)


WITH = "streams:\n- source: a\n"
"""A job to which lines are added from line 3 on, column 1 or (of the stream) 3."""

TABLE = [
    # the text itself
    ("", "1:1: is empty"),
    ("# nothing yet\n\n", "1:1: is empty"),
    ("---\n", "1:1: is empty"),
    ("streams:\n\t- source: a\n", "2:1: a tab"),
    ("streams:\n  - source: a\n \tname: b\n", "3:2: a tab"),
    ("streams: [\n", "2:1: expected the node content"),
    ("streams:\n- source: 'a\n", "3:1: found unexpected end of stream"),
    ("streams:\n- source: a: b\n", "2:12: mapping values are not allowed here"),
    ("streams:\n - source: a\n- source: b\n", "3:1: expected <block end>"),
    (b"streams:\n- source: \xffa\n", "2:11: the byte 0xff is no UTF-8"),
    (b"streams:\n- source: a\x07\n", "2:12: the character U+0007"),
    (GOOD + "---\n" + GOOD, "2:1: a second document"),
    (GOOD + 'x: "a\\0"\n', "2:4: x: text with the character U+0000"),
    ('{"streams": [{"source": "\\ud83d"}]}', "1:25: streams[0].source: half a surrogate pair"),
    # keys
    ("streams: [{source: a}]\nshape: auto\nshape: fused\n", "3:1: shape: this key stands twice; first in line 2"),
    (WITH + "  name: b\n  source: c\n", "4:3: streams[0].source: this key stands twice; first in line 2"),
    ('{"streams": [{"source": "a", "source": "b"}]}', "1:30: streams[0].source: this key stands twice"),
    (WITH + "shap: auto\n", "3:1: shap: there is no key 'shap' here; did you mean 'shape'? allowed: version, shape"),
    (WITH + "  sorce: b\n", "3:3: streams[0].sorce: there is no key 'sorce' here; did you mean 'source'?"),
    (WITH + "defaults:\n  name: x\n", "4:3: defaults.name: there is no key 'name' here; allowed: detectors, settings"),
    (WITH + "webhook: {url: 'https://h', secret: 12345678x, retry: 1}\n", "3:48: webhook.retry: there is no key"),
    (WITH + "? [a, b]\n: c\n", "3:3: a key must be plain text"),
    (WITH + "<<: {shape: auto}\n", "3:1: merge keys (<<) are not read"),
    ("shape: auto\n", "1:1: streams: is missing: what is watched"),
    ("streams:\n- name: a\n- source: b\n", "2:3: streams[0].source: is missing: a path or URL"),
    (WITH + "webhook:\n  url: https://h\n", "4:3: webhook.secret: is missing"),
    # kinds of values
    ("- source: a\n", "1:1: must be a mapping (key: value), not a list"),
    ("just text\n", "1:1: must be a mapping (key: value), not 'just text'"),
    ("streams: a.mp4\n", "1:10: streams: must be a list (a line with - for each), not 'a.mp4'"),
    ("streams:\n  source: a\n", "2:3: streams: must be a list (a line with - for each), not a mapping"),
    ("streams:\n- a.mp4\n", "2:3: streams[0]: must be a mapping (key: value), not 'a.mp4'"),
    ("streams: []\n", "1:10: streams: must not be empty"),
    ("streams:\n- source:\n", "2:10: streams[0].source: must be text, not nothing"),
    ("streams:\n- source: ''\n", "2:11: streams[0].source: must not be empty"),
    ("streams:\n- source: 5\n", '2:11: streams[0].source: must be text, not 5; write it in quotes: "5"'),
    (WITH + "defaults:\n", "3:10: defaults: must be a mapping (key: value), not nothing"),
    (WITH + "  tags: {channel: 5}\n", "3:19: streams[0].tags.channel: must be text, not 5; write it in quotes"),
    (WITH + "  tags: {live: true}\n", '3:16: streams[0].tags.live: must be text, not True; write it in quotes: "true"'),
    (WITH + "  tags: {? '' : x}\n", "3:12: streams[0].tags['']: this name is not allowed"),
    (WITH + f"  tags: {{a: {'x' * 257}}}\n", "3:13: streams[0].tags.a: must have 256 characters at most"),
    (WITH + "version: 2\n", "3:10: version: must be 1, not 2"),
    (WITH + "shape: colocate\n", "3:8: shape: must be 'auto', 'fused', 'colocated', 'spread' or 'staged', not 'col"),
    (WITH + "version: 99999999999999999999\n", "3:10: version: a number that is too large"),
    # names
    (WITH + "  name: Channel 1\n", "3:9: streams[0].name: must be lower-case letters, digits, - and _"),
    (WITH + "  name: x\n- source: b\n  name: x\n", "5:9: streams[1].name: streams[0] is called 'x' too"),
    ("streams:\n- source: /a\n- source: /a\n", "3:11: streams[1].source: streams[0] is called 'a-"),
    ("streams:\n- source: https://[x\n", "2:11: streams[0].source: https://[x: is not a valid URL"),
    # detectors
    (WITH + "  detectors: freeze\n", "3:14: streams[0].detectors: must be a list"),
    (WITH + "  detectors: []\n", "3:14: streams[0].detectors: name at least one, or leave it out for all"),
    (WITH + "  detectors: [black, frezze]\n", "3:22: streams[0].detectors[1]: there is no detector 'frezze'; did"),
    (WITH + "  settings: {blck: {}}\n", "3:14: streams[0].settings.blck: there is no detector 'blck'; did you mean"),
    (WITH + "  settings: {black: 2}\n", "3:21: streams[0].settings.black: must be a mapping"),
    (
        WITH + "  settings:\n    freeze:\n      minimum_second: 3\n",
        "5:7: streams[0].settings.freeze.minimum_second: freeze has no setting 'minimum_second'; did you mean "
        "'minimum_seconds'? allowed: noise, minimum_seconds",
    ),
    (
        "streams: [{source: a}]\ndefaults:\n  settings:\n    freeze: {minimum_seconds: 0.01}\n",
        "4:31: defaults.settings.freeze.minimum_seconds: must be greater than or equal to 0.1, not 0.01 "
        "(seconds that a freeze must last)",
    ),
    (WITH + "  settings: {freeze: {drift: '2'}}\n", "3:30: streams[0].settings.freeze.drift: must be a valid number"),
    (WITH + "  settings: {loudness: {target: r12}}\n", "3:33: streams[0].settings.loudness.target: must be 'none' or"),
    # webhook and environment
    (WITH + "webhook: {url: 'ftp://h', secret: 12345678x}\n", "3:16: webhook.url: must be a URL that begins with http"),
    (WITH + "webhook: {url: 'http://h', secret: hush}\n", "3:36: webhook.secret: must have 8 characters or more"),
    (WITH + "webhook: {url: 'http://h', secret: 12345678}\n", "3:36: webhook.secret: must be text"),
    (WITH + 'webhook: {url: "http://h", secret: "${SHORT}"}\n', "3:36: webhook.secret: must have 8 characters"),
    (WITH + 'webhook: {url: "http://h", secret: "${UNSET}"}\n', "3:36: webhook.secret: the environment has no UNSET"),
    (WITH + 'webhook: {url: "http://h", secret: "${EMPTY}"}\n', "3:36: webhook.secret: the environment has no EMPTY"),
    (
        WITH + "webhook:\n  url: https://h\n  secret: 12345678x\n  severities: [critical, fatal]\n",
        "6:26: webhook.severities[1]: must be 'info', 'warning' or 'critical', not 'fatal'",
    ),
    ("streams:\n- source: https://u:${NO_PASSWORD}@h/\n", "2:11: streams[0].source: the environment has no NO_PASSW"),
    ("streams:\n- source: https://u:${PASS WORD}@h/\n", "2:11: streams[0].source: a ${ without a name and }"),
    # aliases, tags, size
    (WITH + "x: *nobody\n", "3:4: found undefined alias"),
    ("streams: &all [*all]\n", "nested deeper than 32, or an alias within itself"),
    ("streams: " + "[" * 40 + "]" * 40, "nested deeper than 32"),
    (WITH + "x: !!python/object/apply:os.system [true]\n", "3:4: a tag (!): only plain values are read"),
    ("streams: !mine [{source: a}]\n", "1:10: a tag (!)"),
    (b"#" * (1 << 20) + b"\n" + GOOD.encode(), "1:1: is larger than 1048576 bytes"),
]


@pytest.mark.parametrize(("text", "said"), TABLE, ids=range(len(TABLE)))
def test_what_is_wrong(text, said):
    (line,) = wrong(text)
    assert line.startswith("jobs.yaml:")
    assert said in line.removeprefix("jobs.yaml:")
    assert line.isprintable()


def test_the_table_is_long_enough():
    assert len(TABLE) >= 25


def test_all_flaws_are_told_in_the_order_of_the_file():
    text = "streams:\n- source: a\n  nam: x\n- {}\nshape: fuse\nwebhook: {url: x, secret: short}\nversion: 3\n"
    assert [line.split(": ")[:2] for line in wrong(text)] == [
        ["jobs.yaml:3:3", "streams[0].nam"], ["jobs.yaml:4:3", "streams[1].source"], ["jobs.yaml:5:8", "shape"],
        ["jobs.yaml:6:16", "webhook.url"], ["jobs.yaml:6:27", "webhook.secret"], ["jobs.yaml:7:10", "version"],
    ]  # fmt: skip


def test_of_many_flaws_the_first_are_told():
    lines = wrong("streams:\n" + "- {}\n" * 100)
    assert len(lines) == jobfile.MOST_TOLD + 1
    assert lines[-1] == "jobs.yaml: and 80 more"


@pytest.mark.parametrize("part", ["source: 'https://u:${PASSWORD}@[h/'", "source: '${SECRET}', name: '${SECRET}'"])
def test_what_comes_from_the_environment_is_not_shown(part):
    lines = wrong(f"streams: [{{{part}}}]\nwebhook: {{url: 'http://h', secret: '${{SHORT}}'}}\n")
    assert not [value for value in ("p@ss", "hush", "whsec") for line in lines if value in line]


def test_a_bomb_of_aliases_is_soon_refused():
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    (line,) = wrong("a0: &a0 [" + "x, " * 9 + "]\n" + levels + GOOD)
    assert "aliases (*) make this too large" in line
    (line,) = wrong("a: &a " + "x" * 500_000 + "\nb: [" + "*a, " * 9 + "]\n" + GOOD)
    assert "aliases (*) make this too large" in line


def test_aliases_that_are_sensible_are_followed():
    text = "streams:\n- {source: a, settings: &own {freeze: {minimum_seconds: 1}}}\n- {source: b, settings: *own}\n"
    first, second = read(text)["streams"]
    assert first["settings"] == second["settings"] == {"freeze": {"minimum_seconds": 1}}


def test_sources_begin_in_the_folder_of_the_file():
    found = read("streams: [{source: a/b.mp4}, {source: /c.mp4}, {source: 'udp://h:1'}, {source: 'file:///d.mp4'}]")
    sources = [stream["source"] for stream in found["streams"]]
    assert sources == ["/jobs/a/b.mp4", "/c.mp4", "udp://h:1", "file:///d.mp4"]


def test_the_environment():
    found = read(
        "streams: [{source: 'https://u:${PASSWORD}@h/$${x}$1'}, {source: 'b', tags: {a: '${SECRET}'}}]\n"
        "webhook: {url: 'https://h/${SECRET}', secret: '${SECRET}'}\n"
    )
    assert found["streams"][0]["source"] == "https://u:p@ss@h/${x}$1"
    assert found["streams"][1]["tags"] == {"a": "${SECRET}"}  # only secrets and sources
    assert found["webhook"] == {"url": "https://h/${SECRET}", "secret": ENVIRONMENT["SECRET"]}


def test_plain_scalars_are_those_of_yaml_1_2():
    text = "streams: [{source: 1:30, name: 'no', tags: {a: no, b: off, c: 2026-11-24, d: 0x1f, e: .inf}}]"
    (stream,) = read(text)["streams"]
    assert stream["source"] == "/jobs/1:30"
    assert stream["tags"] == {"a": "no", "b": "off", "c": "2026-11-24", "d": "0x1f", "e": ".inf"}


def test_json_with_tabs_and_its_escapes():
    job = {"streams": [{"source": '/a/\U0001f600\t"é', "tags": {"x": "1e5"}, "settings": {"freeze": {"drift": 2.5}}}]}
    for text in (json.dumps(job), json.dumps(job, indent="\t"), json.dumps(job, ensure_ascii=False, indent=2)):
        assert read(text) == job
    assert read(json.dumps(job).replace("/a/", "\\/a\\/").replace("2.5", "25e-1")) == job
    assert read("\ufeff" + json.dumps(job)) == job


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15)
    | st.text(st.characters(exclude_characters="\0", codec="utf-8")) | st.text("\x7f\x85\u2028\ufeff\uffff\t\n"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("a<*&!%@`é \t'\"", max_size=5), inner),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(value=JSON, escaped=st.booleans(), indent=st.sampled_from([None, 1, "\t"]))
def test_json_means_what_it_means_as_json(value, escaped, indent):
    text = json.dumps([value], ensure_ascii=escaped, indent=indent)
    assert yamltext.read(text.encode()).value == [value]


def test_a_file_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "nothing.yaml", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            load(path, {})


def test_a_thousand_streams_and_no_more():
    many = "streams:\n" + "".join(f"- {{source: s{number}, tags: {{n: '{number}'}}}}\n" for number in range(1001))
    assert wrong(many) == ["jobs.yaml:2:1: streams: must have 1000 items at most"]
    assert len(read(many.rpartition("- {")[0])["streams"]) == 1000


EXAMPLE = ROOT / "docs" / "jobs.yaml"
PUBLISHED = ROOT / "docs" / "job.schema.json"


def test_the_schema_that_is_published_is_the_one_that_is_printed():
    assert PUBLISHED.read_text() == json.dumps(schema(), indent=1) + "\n", "sightline submit --schema > the file"


def test_the_example_is_a_job():
    known = {"CHANNEL_2_PASSWORD": "x", "SIGHTLINE_WEBHOOK_SECRET": ENVIRONMENT["SECRET"]}
    spec = JobSpec.model_validate(load(EXAMPLE, known))
    assert len(spec.streams) == 3
    assert spec.streams[2].source == str(EXAMPLE.parent / "archive" / "match.mxf")
    with pytest.raises(UsageErrors, match="the environment has no CHANNEL_2_PASSWORD"):
        load(EXAMPLE, {})


def test_the_schema_takes_the_example_and_refuses_what_is_wrong():
    validator = jsonschema_rs.Draft202012Validator(json.loads(PUBLISHED.read_text()))
    example = yaml.safe_load(EXAMPLE.read_text())
    validator.validate(example)
    for path, value in (
        (("shape",), "fuse"), (("strems",), []), (("streams",), []), (("streams", 0, "nam"), "x"),
        (("streams", 0, "detectors"), ["frezze"]), (("defaults", "settings"), {"freze": {}}),
        (("defaults", "settings"), {"freeze": {"minimum_second": 1}}),
        (("defaults", "settings"), {"freeze": {"minimum_seconds": 0}}), (("webhook", "secret"), "short"),
    ):  # fmt: skip
        changed = json.loads(json.dumps(example))
        part = changed
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value
        assert not validator.is_valid(changed), path


def test_names_of_files_are_any_bytes(tmp_path):
    path = tmp_path / os.fsdecode(b"jobs\xff\n.yaml")
    path.write_text("")
    with pytest.raises(UsageErrors) as raised:
        load(path, {})
    assert raised.value.lines[0].isprintable()
