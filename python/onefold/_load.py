# SPDX-License-Identifier: Apache-2.0
"""Loads the ops into the running PyTorch, if it is the one they were built for."""
import pathlib

import torch

from onefold import _build

_LIBRARY = pathlib.Path(__file__).parent / "libonefold_ops.so"
_REBUILD = (
    "Rebuild onefold for it, in a checkout of onefold: "
    "pip install --no-build-isolation --force-reinstall --no-deps ."
)


def check_torch(built_for: str, running: str) -> None:
    """PyTorch promises no binary compatibility between releases, nor between its CPU and CUDA
    builds, so the whole version has to agree. ImportError with both versions otherwise."""
    if built_for != running:
        raise ImportError(f"onefold was built for torch {built_for}, this is torch {running}. {_REBUILD}")


def load_ops() -> None:
    """Registers torch.ops.onefold.*. ImportError if that cannot work."""
    check_torch(_build.TORCH_VERSION, torch.__version__)
    try:
        torch.ops.load_library(str(_LIBRARY))
    except OSError as error:
        raise ImportError(
            f"onefold cannot load {_LIBRARY} into torch {torch.__version__}: {error}. {_REBUILD}"
        ) from error
