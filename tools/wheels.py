#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check the torch and pyarrow wheels that Onefold links, and say where they are.

    tools/wheels.py            print what was found, one line a wheel
    tools/wheels.py --cmake    print "torch_dir;torch_version;arrow_dir;arrow_version"
    --torch-only               leave pyarrow out; the Python package does without

Exit code 1 with one line on stderr when a wheel is missing, too old, or when the two
were built with different C++ ABIs (then they cannot be linked into one program).
"""
import pathlib
import sys

MIN_TORCH = (2, 11)
MIN_ARROW = (25,)


def fail(message):
    sys.stderr.write(f"onefold: {message}\n")
    sys.exit(1)


def version_tuple(text):
    return tuple(int(part) for part in text.split("+")[0].split(".")[:2] if part.isdigit())


def has_cxx11_abi(library):
    """True when a library exports std::__cxx11 symbols, that is, uses the new string ABI."""
    return b"__cxx11" in library.read_bytes()


def find_torch():
    try:
        import torch
    except ImportError as error:
        fail(f"no torch in {sys.executable} ({error}); run tools/setup, or pip install torch==2.13.0")
    if version_tuple(torch.__version__) < MIN_TORCH:
        fail(f"torch {torch.__version__} is too old; Onefold needs 2.11 or newer")
    torch_dir = pathlib.Path(torch.__file__).parent
    if not (torch_dir / "include" / "ATen" / "ATen.h").exists():
        fail(f"the torch wheel in {torch_dir} has no C++ headers; reinstall it with pip")
    return torch_dir, torch.__version__


def find_arrow():
    try:
        import pyarrow
    except ImportError as error:
        fail(f"no pyarrow in {sys.executable} ({error}); run tools/setup, or pip install 'pyarrow==26.*'")
    if version_tuple(pyarrow.__version__) < MIN_ARROW:
        fail(f"pyarrow {pyarrow.__version__} is too old; Onefold needs 25 or newer")
    arrow_dir = pathlib.Path(pyarrow.__file__).parent
    if not (arrow_dir / "include" / "arrow" / "api.h").exists():
        fail(f"the pyarrow wheel in {arrow_dir} has no C++ headers; reinstall it with pip")
    return arrow_dir, pyarrow.__version__


def check_abi(torch_version, arrow_dir, arrow_version):
    import torch

    libraries = sorted(arrow_dir.glob("libarrow.so.*"))
    if not libraries:
        fail(f"no libarrow.so.* in {arrow_dir}; reinstall pyarrow with pip")
    torch_abi = bool(torch._C._GLIBCXX_USE_CXX11_ABI)
    arrow_abi = has_cxx11_abi(libraries[0])
    if torch_abi != arrow_abi:
        fail(
            "torch and pyarrow were built with different C++ ABIs (_GLIBCXX_USE_CXX11_ABI is "
            f"{int(torch_abi)} in torch {torch_version}, {int(arrow_abi)} in pyarrow "
            f"{arrow_version}) and cannot be linked together; install the pinned versions "
            "with tools/setup"
        )


def main():
    wheels = {"torch": find_torch()}
    if "--torch-only" not in sys.argv[1:]:
        wheels["pyarrow"] = find_arrow()
        check_abi(wheels["torch"][1], *wheels["pyarrow"])
    if "--cmake" in sys.argv[1:]:
        print(";".join(f"{directory};{version}" for directory, version in wheels.values()))
    else:
        for name, (directory, version) in wheels.items():
            print(f"{name:<7} {version}  {directory}")


if __name__ == "__main__":
    main()
