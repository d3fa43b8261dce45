# The front door. `make` alone lists the targets; CMake and Ninja do the work in build/.
BUILD   ?= build
JOBS    ?= $(shell nproc)
STUDY   ?= runs/quick
FUZZ_RUNS ?= 1000000
PREFIX  ?= /usr/local

.DEFAULT_GOAL := help
.PHONY: help deps build test run bench sanitize fuzz coverage format install clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

deps: ## install the Debian packages that are missing (names them where it can't)
	@tools/install_deps.sh build

build: deps ## build the program, the library and the tests in build/
	@test -f $(BUILD)/build.ninja || cmake -G Ninja -S . -B $(BUILD) >/dev/null
	@ninja -C $(BUILD) -j $(JOBS)

test: build ## run the tests, from tests/data alone
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

run: build ## the study of experiments/quick.yaml, from demonstrations to the report, in runs/quick
	@python3 -m pip --version >/dev/null 2>&1 || tools/install_deps.sh run
	@tools/fetch_models.sh
	@$(BUILD)/triad run experiments/quick.yaml -o $(STUDY)

bench: build ## measure products, kernels and rooms (quiet machine, please)
	@$(BUILD)/triad bench babyai
	@$(BUILD)/triad bench train
	@for program in $$(find $(BUILD)/bench -maxdepth 1 -type f -executable | sort); do echo "== $$program"; $$program || exit 1; done

sanitize: deps ## build and test under address + undefined, then under thread
	@tools/sanitize.sh $(JOBS)

fuzz: deps ## run every fuzz target FUZZ_RUNS times (10^6)
	@tools/install_deps.sh fuzz
	@cmake -G Ninja -S . -B build-fuzz -DCMAKE_C_COMPILER=clang-14 -DTRIAD_FUZZ=ON >/dev/null
	@ninja -C build-fuzz -j $(JOBS) fuzz_targets
	@fuzz/run.sh build-fuzz/fuzz $(FUZZ_RUNS)

coverage: deps ## line coverage of the tests, as text
	@tools/install_deps.sh coverage
	@cmake -G Ninja -S . -B build-coverage -DTRIAD_COVERAGE=ON -DCMAKE_BUILD_TYPE=Debug >/dev/null
	@ninja -C build-coverage -j $(JOBS)
	@ctest --test-dir build-coverage -j $(JOBS) >/dev/null
	@gcovr -r . --object-directory build-coverage --exclude tests/ --exclude fuzz/ --exclude bench/

format: ## lay out the sources as .clang-format says
	@tools/install_deps.sh format
	@git ls-files '*.c' '*.h' '*.inc' | xargs clang-format-14 -i

install: build ## install program, library, headers and triad.pc below PREFIX (/usr/local)
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean: ## remove what was built (studies and models stay)
	@rm -rf build build-address build-thread build-fuzz build-coverage
