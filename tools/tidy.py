#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check the layout rules that a compiler does not (docs/architecture.md). Runs as the test `tidy`.

    tools/tidy.py [ROOT]     findings on stdout, one a line; exit code 1 if any of them is an error

Errors: includes that point down the data flow, Torch or Arrow headers where they do not belong,
sources that no CMakeLists.txt names, a missing licence line, paths of somebody's machine.
Only reported: long files, long functions, Markdown without exactly one title, empty names.
"""
import ast
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70
TORCH_FOLDERS = {"ops", "model", "train", "embed"}
NO_ARROW_FOLDERS = {"base", "kernels", "jagged"}

COMPILED = (".cc", ".cu")
CPP = COMPILED + (".h", ".cuh", ".inl")
LICENSED = CPP + (".py", ".cmake", ".sh", "CMakeLists.txt", "Makefile")

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
TORCH = re.compile(r"^(torch|ATen|c10|caffe2)/")
ARROW = re.compile(r"^(arrow|parquet)/")
MACHINE_PATH = re.compile(r"(?<![\w.~})/-])/(?:work|root|home|Users)(?![\w.-])")
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


class Finding(NamedTuple):
    path: str
    line: int
    message: str
    is_error: bool = True

    def __str__(self):
        return f"{self.path}:{self.line}: {'' if self.is_error else 'note: '}{self.message}"


# A tree is {path relative to the root: text}; each rule below yields its Findings.


def folder_order(tree):
    """The folders of src/onefold in data-flow order: the one list is in its CMakeLists.txt."""
    match = re.search(r"foreach\(folder ([^)]+)\)", tree.get("src/onefold/CMakeLists.txt", ""))
    return match.group(1).split() if match else []


def folder_of(path):
    """'table' for src/onefold/table/x.h and bench/table/x.cc; None elsewhere."""
    parts = path.split("/")
    if path.startswith("src/onefold/") and len(parts) > 3:
        return parts[2]
    return parts[1] if parts[0] == "bench" and len(parts) > 2 else None


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(2)


def check_includes(tree):
    order = folder_order(tree)
    if not order:
        yield Finding("src/onefold/CMakeLists.txt", 1, "no foreach(folder ...) names the folders")
    for path, text in tree.items():
        if not path.endswith(CPP):
            continue
        folder = folder_of(path)
        in_src = path.startswith("src/")
        if in_src and folder not in order:
            yield Finding(path, 1, f"folder '{folder}' is not in src/onefold/CMakeLists.txt")
            continue
        for line, target in includes(text):
            yield from check_include(path, line, target, folder, in_src, order)


def check_include(path, line, target, folder, in_src, order):
    parts = target.split("/")
    if parts[0] == "onefold" and parts[1] not in order:
        yield Finding(path, line, f"{target}: no such folder in src/onefold/CMakeLists.txt")
    elif in_src and parts[0] == "onefold" and order.index(parts[1]) > order.index(folder):
        yield Finding(path, line, f"{folder}/ includes {parts[1]}/, which is below it in the data flow")
    elif in_src and parts[0] in ("cli", "bench", "test", "examples"):
        yield Finding(path, line, f"the library includes {target}")
    if TORCH.match(target):
        if path.endswith((".cu", ".cuh")):
            yield Finding(path, line, f"{target}: no Torch header in device code")
        elif path.startswith("cli/") or folder in set(order) - TORCH_FOLDERS:
            yield Finding(path, line, f"{target}: Torch only in {', '.join(sorted(TORCH_FOLDERS))}")
    if ARROW.match(target) and in_src and folder in NO_ARROW_FOLDERS:
        yield Finding(path, line, f"{target}: no Arrow header in {folder}/")


def cmake_words(text):
    """All words of a CMakeLists.txt, with the variable of foreach(v a b) replaced by a and b."""
    text = re.sub(r"#.*", "", text)
    loops = {}
    for name, values in re.findall(r"foreach\((\w+)((?:\s+[\w.-]+)+)\)", text):
        loops.setdefault(name, []).extend(values.split())
    words = set()
    for word in re.findall(r"[^\s()\";]+", text):
        variable = re.search(r"\$\{(\w+)\}", word)
        if variable and variable.group(1) in loops:
            words |= {word.replace(variable.group(0), value) for value in loops[variable.group(1)]}
        words.add(word)
    return words


def check_listed(tree):
    words = {
        path.removesuffix("CMakeLists.txt"): cmake_words(text)
        for path, text in tree.items()
        if path.endswith("CMakeLists.txt")
    }
    for path in tree:
        if not path.startswith(("src/", "cli/", "bench/")) or not path.endswith(COMPILED):
            continue
        if not any(path.startswith(at) and path[len(at):] in named for at, named in words.items()):
            yield Finding(path, 1, "no CMakeLists.txt above it names this file")


def check_license(tree):
    for path, text in tree.items():
        if not path.endswith(LICENSED) and not text.startswith("#!"):
            continue
        if "SPDX-License-Identifier: Apache-2.0" not in "".join(text.splitlines(True)[:2]):
            yield Finding(path, 1, "the first line should be SPDX-License-Identifier: Apache-2.0")


def check_machine_paths(tree):
    for path, text in tree.items():
        for number, line in enumerate(text.splitlines(), 1):
            match = MACHINE_PATH.search(line)
            if match:
                yield Finding(path, number, f"{match.group(0)}: a path of one machine")


def report_files(tree):
    for path, text in tree.items():
        num_lines = text.count("\n")
        if path.endswith(CPP + (".py",)) and num_lines > MAX_FILE_LINES:
            yield Finding(path, 1, f"{num_lines} lines: two ideas?", False)
        if path.endswith(CPP + (".py",)) and pathlib.PurePath(path).stem in EMPTY_NAMES:
            yield Finding(path, 1, "the name says nothing", False)
        if path.endswith(".md"):
            titles = len(re.findall(r"^# ", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M))
            if titles != 1:
                yield Finding(path, 1, f"{titles} titles ('# ...'), expected one", False)


def report_functions(tree):
    for path, text in tree.items():
        if path.endswith(CPP):
            functions = cpp_functions(text)
        elif path.endswith(".py"):
            functions = python_functions(text)
        else:
            continue
        for name, begin, end in functions:
            if end - begin + 1 > MAX_FUNCTION_LINES:
                yield Finding(path, begin, f"{name}: {end - begin + 1} lines", False)


def python_functions(text):
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno


NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S
)
NO_FUNCTION = re.compile(r"^\s*(namespace|class|struct|union|enum|extern)\b|=\s*$")
ATTRIBUTE = re.compile(r"__\w+__\s*\([^)]*\)|\[\[.*?\]\]")
LABEL = re.compile(r"^\s*(?:public|private|protected):")


def cpp_functions(text):
    """(name, first line, last line) of outermost function bodies. A heuristic for clang-formatted
    code: a body is a brace after a space whose statement has a ')' and begins no type."""
    text = NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)
    text = re.sub(r"^ *#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.M)
    opened = []  # for each open brace: None, "list" or the function it begins
    statement_at = 0
    for match in re.finditer(r"[{};]", text):
        at = match.start()
        if match.group(0) == "{":
            head = text[statement_at:at]
            if text[at - 1].isalnum() or text[at - 1] in "_>(,{":
                opened.append("list")  # x_{1}, f({1}): no statement ends here
                continue
            is_function = ")" in head and not NO_FUNCTION.search(head) and not any(opened)
            opened.append(function_of(text, statement_at, head) if is_function else None)
        elif match.group(0) == "}" and opened:
            function = opened.pop()
            if function == "list":
                continue
            if function:
                yield *function, text.count("\n", 0, at) + 1
        statement_at = match.end()


def function_of(text, at, head):
    label = LABEL.match(head)
    begin = at + (label.end() if label else 0)
    begin += len(text[begin:]) - len(text[begin:].lstrip())
    name = re.search(r"([\w:~]+)\s*\(", ATTRIBUTE.sub("", head))
    return (name.group(1) if name else "function", text.count("\n", 0, begin) + 1)


RULES = [check_includes, check_listed, check_license, check_machine_paths, report_files, report_functions]


def check(tree):
    return sorted(finding for rule in RULES for finding in rule(tree))


def read_tree(root):
    """All text files that git tracks below `root`."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=True)
    tree = {}
    for path in listed.stdout.decode().split("\0"):
        file = pathlib.Path(root, path)
        if not path or not file.is_file():  # deleted, or a link to nowhere
            continue
        try:
            tree[path] = file.read_text("utf-8")
        except UnicodeDecodeError:
            pass  # binary
    return tree


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else str(pathlib.Path(__file__).resolve().parent.parent)
    try:
        tree = read_tree(root)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"tidy: skipped, {root} is no git checkout ({error})")
        return 0
    findings = check(tree)
    for finding in findings:
        print(finding)
    num_errors = sum(finding.is_error for finding in findings)
    print(f"tidy: {len(tree)} files, {num_errors} errors, {len(findings) - num_errors} notes")
    return 1 if num_errors else 0


if __name__ == "__main__":
    sys.exit(main())
