"""What the page is made of, and how it is served; without a browser."""

import re
from pathlib import Path

import httpx
import pytest

import serve
from tests.serve.paged import Served

FOLDER = Path(serve.__file__).parent / "page"
FILES = sorted(FOLDER.iterdir())
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
named = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


@pytest.fixture(scope="module")
def served():
    server = Served().start()
    yield server
    server.close()


@named
def test_files_stay_small_and_take_nothing_from_elsewhere(path):
    text = path.read_text()
    assert text.count("\n") <= 300
    assert not re.findall(r"//[a-z0-9-]+\.[a-z]", text.replace("http://www.w3.org/2000/svg", ""))
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage|cookie"
    assert not re.findall(forbidden, text)
    if path.suffix == ".html":
        assert not re.findall(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_functions_stay_small_and_what_is_exported_is_documented(path):
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        begins = re.match(r"( *)(?:export |async |get |set |function )*[#\w]+\(.*\) \{$", line)
        if begins and not re.match(r" *(?:if|for|while|switch|catch)\b", line):
            ends = (end for end, later in enumerate(lines[number:], 1) if re.match(begins[1] + r"\}[,;)]*$", later))
            length = next(ends)
            assert length <= 40, f"{path.name}:{number + 1} has {length} lines"
        if line.startswith("export "):
            assert lines[number - 1].endswith("*/"), f"{path.name}:{number + 1} says not what it is"


def test_every_script_that_is_asked_for_is_there():
    names = {path.name for path in FILES}
    for path in SCRIPTS:
        assert set(re.findall(r'from "\./([^"]+)"', path.read_text())) <= names
    assert set(re.findall(r'(?:src|href)="page/([^"]+)"', (FOLDER / "index.html").read_text())) <= names


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("", "text/html; charset=utf-8"),
        ("page/style.css", "text/css; charset=utf-8"),
        ("page/main.js", "text/javascript; charset=utf-8"),
        ("page/icon.svg", "image/svg+xml"),
    ],
)
def test_files_are_served_with_their_type_and_only_when_they_are_new(served, path, media_type):
    got = httpx.get(served.url + path)
    assert got.status_code == 200
    assert got.headers["Content-Type"] == media_type
    assert got.headers["Cache-Control"] == "no-cache"
    assert "default-src 'self'" in got.headers["Content-Security-Policy"]
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.content == (FOLDER / (path.rpartition("/")[2] or "index.html")).read_bytes()
    for tag in (got.headers["ETag"], f'"other", W/{got.headers["ETag"]}'):
        again = httpx.get(served.url + path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    assert httpx.get(served.url + path, headers={"If-None-Match": '"other"'}).status_code == 200
    head = httpx.head(served.url + path)
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", got.headers["ETag"])


@pytest.mark.parametrize(
    "path",
    [
        "page/", "page/none.js", "page/index.html", "page/../api.py", "page/%2e%2e/api.py", "page/..%2fapi.py",
        "page/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "page/....//api.py", "page//etc/passwd", "page/main.js/",
        "page/main.js%00",
    ],
)  # fmt: skip
def test_no_path_leads_elsewhere(served, path):
    got = httpx.get(httpx.URL(served.url).copy_with(raw_path=f"/{path}".encode()))
    assert got.status_code == 404
    assert got.headers["Content-Type"] == "application/problem+json"


def test_only_reading_is_allowed(served):
    assert httpx.post(served.url).status_code == 405
    assert httpx.delete(served.url + "page/main.js").status_code == 405
