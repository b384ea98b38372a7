# SPDX-License-Identifier: Apache-2.0
"""Each rule of tidy.py on trees of a few strings."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tidy

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
BASE = {
    "src/onefold/CMakeLists.txt": "# SPDX-License-Identifier: Apache-2.0\n"
    "foreach(folder base kernels jagged table ops)\nendforeach()\n",
    "src/onefold/jagged/CMakeLists.txt": "# SPDX-License-Identifier: Apache-2.0\n"
    "onefold_library(jagged SOURCES fold.cc DEPS onefold::base)\n",
    "src/onefold/jagged/fold.cc": LICENCE + '#include "onefold/base/hash.h"\n#include <vector>\n',
}


def findings(path, text, **more):
    tree = {**BASE, path: text, **more}
    return [str(finding) for finding in tidy.check(tree)]


def expect_one(path, text, part):
    found = findings(path, text)
    assert len(found) == 1 and part in found[0], found


def test_clean_tree_has_no_findings():
    assert tidy.check(BASE) == []


@pytest.mark.parametrize(
    "path, include, part",
    [
        ("src/onefold/base/a.h", '"onefold/jagged/fold.h"', "base/ includes jagged/"),
        ("src/onefold/kernels/expand/a.h", '"onefold/jagged/fold.h"', "kernels/ includes jagged/"),
        ("src/onefold/jagged/a.h", '"onefold/tabel/x.h"', "no such folder"),
        ("src/onefold/jagged/a.h", '"cli/verbs.h"', "the library includes cli/verbs.h"),
        ("src/onefold/table/a.h", "<torch/library.h>", "Torch only in"),
        ("src/onefold/jagged/a.h", "<ATen/core/Tensor.h>", "Torch only in"),
        ("cli/a.h", "<c10/util/Half.h>", "Torch only in"),
        ("bench/table/a.h", "<torch/torch.h>", "Torch only in"),
        ("src/onefold/ops/a.cuh", "<ATen/core/Tensor.h>", "device code"),
        ("src/onefold/kernels/a.h", "<arrow/api.h>", "no Arrow header in kernels/"),
        ("src/onefold/nowhere/a.h", "<vector>", "folder 'nowhere' is not in"),
    ],
)
def test_forbidden_includes(path, include, part):
    expect_one(path, LICENCE + f"#include {include}\n", part)
    assert ":2: " in findings(path, LICENCE + f"#include {include}\n")[0] or "nowhere" in path


@pytest.mark.parametrize(
    "path, include",
    [
        ("src/onefold/jagged/a.h", '"onefold/jagged/fold.h"'),
        ("src/onefold/table/a.h", '"onefold/base/status.h"'),
        ("src/onefold/table/a.h", "<parquet/arrow/reader.h>"),
        ("src/onefold/ops/a.h", "<torch/library.h>"),
        ("bench/ops/a.h", "<torch/torch.h>"),
        ("bench/peers/a.h", "<torch/torch.h>"),
        ("cli/a.h", '"onefold/table/table_writer.h"'),
        ("cli/a.h", '"cli/verbs.h"'),
    ],
)
def test_allowed_includes(path, include):
    assert findings(path, LICENCE + f"#include {include}\n") == []


def test_unlisted_source():
    expect_one("src/onefold/jagged/other.cc", LICENCE, "no CMakeLists.txt above it names this file")
    # Named, but by another folder.
    expect_one("src/onefold/base/fold.cc", LICENCE, "no CMakeLists.txt")


def test_source_listed_below_or_in_a_loop():
    cmake = "# SPDX-License-Identifier: Apache-2.0\n"
    tree = {
        **BASE,
        "src/onefold/kernels/CMakeLists.txt": cmake + "set(s\n  expand/expand.cc\n)\n",
        "src/onefold/kernels/expand/expand.cc": LICENCE,
        "cli/CMakeLists.txt": cmake + "foreach(verb build train)\n  list(APPEND s ${verb}.cc)\n",
        "cli/train.cc": LICENCE,
        "bench/jagged/CMakeLists.txt": cmake + '# fold_bench.cc\n',  # only in a comment
        "bench/jagged/fold_bench.cc": LICENCE,
        "cli/inspect.cc": LICENCE,
    }
    paths = [finding.path for finding in tidy.check(tree)]
    assert paths == ["bench/jagged/fold_bench.cc", "cli/inspect.cc"]


def test_licence_line():
    assert findings("src/onefold/base/a.h", "#pragma once\n") == [
        "src/onefold/base/a.h:1: the first line should be SPDX-License-Identifier: Apache-2.0"
    ]
    assert findings("tools/a", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n") == []
    expect_one("tools/a", "#!/bin/sh\necho\n", "SPDX")
    expect_one("test/CMakeLists.txt", "add_test()\n", "SPDX")
    assert findings("docs/a.md", "# Title\n") == []


def test_machine_paths():
    for folder in ("work", "root", "home/jane", "Users/jane"):
        expect_one("docs/a.md", f"# A\n\ncd /{folder}/src\n", "a path of one machine")
    for fine in ("https://example.org/home/x", "${ROOT}/root/x", "a/work/b", "/workers", "~/home"):
        assert findings("docs/a.md", f"# A\n{fine}\n") == []


def test_reports_are_no_errors():
    tree = {
        **BASE,
        "docs/two.md": "# A\n# B\n```\n# in code\n```\n",
        "docs/none.md": "## A\n",
        "src/onefold/base/utils.h": LICENCE,
        "src/onefold/base/long.h": LICENCE + "\n" * 500,
    }
    found = tidy.check(tree)
    assert [finding.path for finding in found] == [
        "docs/none.md",
        "docs/two.md",
        "src/onefold/base/long.h",
        "src/onefold/base/utils.h",
    ]
    assert not any(finding.is_error for finding in found)


CPP_TEXT = """
namespace a {
class B {
 public:
  explicit B(int x) : x_{x} {
    if (x) {
      y();
    }
  }
};
static const int table[] = {1, 2};
#define MACRO(x) \\
  do {           \\
    x();         \\
  } while (false)
__global__ void __launch_bounds__(128, 2) c(const char* s,
      int d) {
  auto lambda = [&](int e) {
    return "}" == s;  // }
  };
  return '{';
}
}  // namespace a
"""


def test_cpp_functions():
    assert list(tidy.cpp_functions(CPP_TEXT)) == [("B", 5, 9), ("c", 16, 22)]


def test_long_functions():
    body = "  x();\n" * 69
    expect_one("src/onefold/base/a.h", LICENCE + "void f() {\n" + body + "}\n", "f: 71 lines")
    short = "void f() {\n" + "  x();\n" * 68 + "}\n"
    assert findings("src/onefold/base/a.h", LICENCE + short) == []
    python = "# SPDX-License-Identifier: Apache-2.0\ndef f():\n" + "    x()\n" * 70
    expect_one("tools/a.py", python, "f: 71 lines")
