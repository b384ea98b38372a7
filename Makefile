# SPDX-License-Identifier: Apache-2.0
# The front door. `make demo` and `make test` each work as the first command after a clone.

BUILD := build/release
JOBS ?= $(shell nproc)

.PHONY: help demo test build bench setup configure format tidy clean

help:
	@echo "make demo    set up, build, and run the whole pipeline on generated data (DATA=DIR for EB-NeRD)"
	@echo "make test    set up, build, and run all tests"
	@echo "make build   set up and build $(BUILD)/onefold"
	@echo "make bench   build and run the benchmarks that need no GPU"
	@echo "make format  clang-format every source file"
	@echo "make tidy    check layout rules, and clang-tidy the sources"
	@echo "make clean   remove build/ (.venv stays; remove it by hand to set up afresh)"

demo: build
	@echo "== demo: generate logs, build tables, read, train =="
	$(BUILD)/onefold demo $(if $(DATA),--data $(DATA)) --html build/demo.html --json build/demo.json

test: configure
	@echo "== build everything =="
	cmake --build $(BUILD) --parallel $(JOBS)
	@echo "== test =="
	ctest --test-dir $(BUILD) --output-on-failure --parallel 2

build: configure
	@echo "== build $(BUILD)/onefold =="
	cmake --build $(BUILD) --parallel $(JOBS) --target onefold

bench: configure
	@echo "== build the benchmarks =="
	cmake --preset release -DONEFOLD_BENCH=ON >/dev/null
	cmake --build $(BUILD) --parallel $(JOBS) --target onefold onefold_benches
	.venv/bin/python tools/bench.py $(BUILD)

setup:
	@tools/setup

# CMake re-runs itself when a CMakeLists.txt changes; here it only needs a first time.
configure: setup
	@if [ ! -f $(BUILD)/build.ninja ]; then echo "== configure =="; cmake --preset release; fi

format:
	git ls-files '*.h' '*.cc' '*.cu' '*.cuh' | xargs clang-format-14 -i

tidy: configure
	.venv/bin/python tools/tidy.py
	git ls-files 'src/*.cc' 'cli/*.cc' | xargs -n 8 -P $(JOBS) clang-tidy-14 -p $(BUILD) --quiet

clean:
	rm -rf build
