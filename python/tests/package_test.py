# SPDX-License-Identifier: Apache-2.0
"""Loading, and what a user sees of the package."""
import inspect
import pathlib
import shutil
import subprocess
import sys

import cases
import pytest
import torch

import onefold
from onefold._load import check_torch


def test_another_torch_is_refused_with_both_versions_and_a_way_out():
    check_torch("2.13.0+cpu", "2.13.0+cpu")
    with pytest.raises(ImportError) as refused:
        check_torch("2.13.0+cpu", "2.14.1+cpu")
    for words in ("built for torch 2.13.0+cpu", "this is torch 2.14.1+cpu",
                  "pip install --no-build-isolation --force-reinstall"):  # fmt: skip
        assert words in str(refused.value)


def import_copy(package, *, cwd):
    """Imports onefold from `package` in a process of its own; its stderr."""
    command = [sys.executable, "-c", "import onefold; print(onefold.__version__)"]
    environment = {"PYTHONPATH": str(package.parent), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def test_import_checks_before_it_loads(tmp_path):
    package = shutil.copytree(pathlib.Path(onefold.__file__).parent, tmp_path / "onefold")
    build = package / "_build.py"
    build.write_text(build.read_text().replace(torch.__version__, "1.0.0"))
    assert "ImportError: onefold was built for torch 1.0.0, this is" in import_copy(package, cwd=tmp_path)
    build.write_text(build.read_text().replace("1.0.0", torch.__version__))
    (package / "libonefold_ops.so").write_bytes(b"not a library")
    error = import_copy(package, cwd=tmp_path)
    assert "ImportError: onefold cannot load" in error and "--force-reinstall" in error


def test_everything_public_says_what_it_is():
    for name in onefold.__all__:
        thing = getattr(onefold, name)
        if callable(thing):
            assert inspect.getdoc(thing), name
    assert (pathlib.Path(onefold.__file__).parent / "py.typed").exists()


class Feature:
    def __init__(self, rows, weights=None):
        self.rows, self.weights = rows, weights

    def values(self):
        return torch.tensor([value for row in self.rows for value in row], dtype=torch.int32)

    def lengths(self):
        return torch.tensor([len(row) for row in self.rows], dtype=torch.int32)

    def weights_or_none(self):
        return self.weights


class Kjt(dict):
    """What TorchRec's KeyedJaggedTensor looks like from outside."""


def test_fold_kjt():
    kjt = Kjt(a=Feature([[1], [1], [2, 3]]), c=Feature([[9], [9], []]), b=Feature([[5], [6], [7]]))
    folded = onefold.fold_kjt(kjt, ["a", "c"])
    assert folded.index.inverse_indices.tolist() == [0, 0, 1]
    assert folded.key(0)[0].tolist() == [1, 2, 3] and folded.key(0)[1].tolist() == [0, 1, 3]
    assert folded.key(1)[0].tolist() == [9] and folded.key(1)[1].tolist() == [0, 1, 1]
    assert folded.values.dtype == torch.int64
    assert onefold.fold_kjt(kjt).index.num_unique == 3  # all keys: b differs everywhere


def test_fold_kjt_refuses_what_it_cannot_fold():
    with pytest.raises(KeyError, match="no key 'x'"):
        onefold.fold_kjt(Kjt(a=Feature([[1]])), ["x"])
    with pytest.raises(ValueError, match="with weights"):
        onefold.fold_kjt(Kjt(a=Feature([[1]], weights=torch.ones(1))))
    with pytest.raises(ValueError, match="different numbers of rows"):
        onefold.fold_kjt(Kjt(a=Feature([[1]]), b=Feature([[1], [2]])))
    with pytest.raises(ValueError, match="no keys"):
        onefold.fold_kjt(Kjt())


def test_wrong_arguments_are_errors_that_say_so():
    index = onefold.fold_index(cases.ints(0, 0, 1), 2)
    with pytest.raises(RuntimeError, match="expected 2 rows"):
        onefold.expand(torch.randn(3, 4), index)
    with pytest.raises(RuntimeError, match=r"weight \[M, Du \+ Dc\]"):
        onefold.folded_linear(torch.randn(2, 3), torch.randn(3, 2), torch.randn(4, 4), None, index)
    with pytest.raises(ValueError, match=r"embedding_lookup: offsets of shape \[1\] run from 0 to 0, .*, 2"):
        onefold.embedding_bag(torch.randn(3, 2), [torch.tensor([0, 1])], [cases.ints(0)])  # PyTorch's way
    values = torch.randn(5, 1, 2)
    with pytest.raises(ValueError, match="folded_attention: offsets .* run from 2 to 3, .*, 5"):
        onefold.folded_attention(torch.randn(3, 1, 2), values, values, cases.ints(2, 3), index)  # lengths
    with pytest.raises(ValueError, match="same number of rows"):
        onefold.embedding_bag(torch.randn(3, 2), [torch.tensor([0])] * 2, [cases.ints(0, 1), cases.ints(0, 0, 1)])
    with pytest.raises(TypeError, match="embedding_bag: ids is one tensor, expected a list"):
        onefold.embedding_bag(torch.randn(3, 2), torch.tensor([0]), [cases.ints(0, 1)])
    with pytest.raises(TypeError, match="embedding: ids is one tensor"):
        onefold.embedding(torch.randn(3, 2), torch.tensor([0]))
    with pytest.raises(ValueError, match="1 ids and 2 offsets"):
        onefold.embedding_bag(torch.randn(3, 2), [torch.tensor([0])], [cases.ints(0, 1)] * 2)
