"""What tests need beyond the project: skipped where it is missing, failed in CI where it was promised."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.clips import folder
from tests.hosts.namespaces import lacking

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each of some hundred processes compiles all modules anew
sys.dont_write_bytecode = False

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")  # of a busy machine it is not asked how fast it is

ON_RAY = "pytest.mark.ray"
PROMISED_IN_CI = ("chromium", "ffmpeg", "root", "hosts")


def _missing(marker):
    if marker == "ffmpeg":
        return None if shutil.which("ffmpeg") and shutil.which("ffprobe") else "the ffmpeg command is not installed"
    if marker == "chromium":
        if find_spec("playwright") is None:
            return "playwright is not installed"
        return None if shutil.which("chromium") else "the chromium command is not installed"
    if marker == "hosts":
        return lacking() or None
    if marker == "root":
        return None if os.geteuid() == 0 else "not root"
    named = os.environ.get("SIGHTLINE_MEDIA")
    if not named:
        return "SIGHTLINE_MEDIA is not set"
    return None if Path(named).is_dir() else f"SIGHTLINE_MEDIA={named} is not a folder"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """For `-n 2`: files with tests on Ray are run in one process, as many Rays at once are more than two cores bear."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            name = nodeid.partition("::")[0]
            return "ray" if ON_RAY in Path(config.rootpath, name).read_text() else name

    return ByFile(config, log)


def pytest_collection_modifyitems(items):
    """Files with tests on Ray go first: they take as long as all others."""
    on_ray = {item.path for item in items if item.get_closest_marker("ray")}
    items.sort(key=lambda item: item.path not in on_ray)


def pytest_collection_finish(session):
    """Ray reads how to authenticate when it is imported: that is for the tests to do, once they have said it."""
    if "ray" in sys.modules:
        raise pytest.UsageError("a test module imports ray as it is collected: import it inside the tests")


def pytest_runtest_setup(item):
    for marker in ("chromium", "ffmpeg", "root", "hosts", "media"):
        if item.get_closest_marker(marker) and (reason := _missing(marker)):
            if os.environ.get("CI") == "true" and marker in PROMISED_IN_CI:
                pytest.fail(f"CI promises {marker}: {reason}", pytrace=False)
            pytest.skip(reason)


@pytest.fixture(scope="session")
def clips():
    """The session's folder for clips that are made once."""
    return folder()


@pytest.fixture(scope="session")
def media():
    """The shared media folder (use with the marker of that name)."""
    return Path(os.environ["SIGHTLINE_MEDIA"])
