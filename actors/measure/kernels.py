"""Compiles kernels with numba, once, and keeps them where the user may write."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

log = logging.getLogger(__name__)


def compiled(function: Callable[..., None], name: str, *types: object) -> Callable[..., None]:
    """Compile a function for one signature, or load what an earlier process compiled.

    ``NUMBA_CACHE_DIR`` names the folder to keep it in; without it, it lies beside the source, or in the user's cache
    folder where the source may not be written. Divisions by zero do not raise, so that loops with divisions become
    packed instructions, too.

    Args:
        function: Takes arguments of ``types``, returns nothing, and releases the GIL.
        name: One per signature: numba keeps an index per name, and two processes that compile two signatures of one
            name at once overwrite each other's files.
        types: Numba types of the arguments.
    """
    import numba

    assert isinstance(function, FunctionType)
    own = FunctionType(function.__code__, function.__globals__, name, None, function.__closure__)
    own.__qualname__ = name
    dispatcher = numba.njit(nogil=True, error_model="numpy")(own)
    _keep(dispatcher, Path(function.__code__.co_filename).parent, numba.config)
    dispatcher.compile(numba.void(*types))
    dispatcher.disable_compile()
    return dispatcher  # type: ignore[no-any-return]


def _keep(dispatcher: Any, source: Path, config: Any) -> None:
    named = config.CACHE_DIR
    try:
        if not named and not os.access(source, os.W_OK):
            import platformdirs

            config.CACHE_DIR = str(platformdirs.user_cache_path("sightline") / "kernels")
        dispatcher.enable_caching()
    except RuntimeError:
        log.warning("no folder to keep compiled kernels in (NUMBA_CACHE_DIR names one): compiling at every start")
    finally:
        config.CACHE_DIR = named
