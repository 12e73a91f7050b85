# Meson and Ninja do the work; this gives the short names. Every target installs what it lacks first.
BUILD ?= build
ASAN = build-asan
.PHONY: all run docs test check test-browser test-agents test-sdks golden-update bench fuzz release-check clean format

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) penstock

$(BUILD)/build.ninja:
	@tools/deps.sh build
	@meson setup $(BUILD) >/dev/null

# Starts the gateway; with no account yet it serves from the built-in provider simulator.
run:
	@tools/deps.sh build
	@$(MAKE) -s all
	@exec $(BUILD)/penstock serve

# The pages that the program writes about itself.
docs: all
	@$(BUILD)/penstock help --man >docs/penstock.1
	@$(BUILD)/penstock help --markdown >docs/cli.md

test:
	@tools/deps.sh test
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD) --quiet
	@test -f $(ASAN)/build.ninja || meson setup $(ASAN) -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@ninja -C $(ASAN) --quiet
	@test tests/sdk/node_modules/.package-lock.json -nt tests/sdk/package-lock.json || npm --prefix tests/sdk ci --silent --no-audit --no-fund
	@test tests/browser/node_modules/.package-lock.json -nt tests/browser/package-lock.json || npm --prefix tests/browser ci --silent --no-audit --no-fund
	@tools/run_tests.py $(BUILD) $(ASAN) \
	    -- tools/check_layers.py \
	    -- tools/check_docs.py \
	    -- tools/check_cases.py \
	    -- tools/check_texts.py \
	    -- tools/check_symbols.py $(BUILD) \
	    -- python3 tests/e2e/run.py $(BUILD)/penstock --part 1/3 \
	    -- python3 tests/e2e/run.py $(BUILD)/penstock --part 2/3 \
	    -- python3 tests/e2e/run.py $(BUILD)/penstock --part 3/3 \
	    -- python3 tests/e2e/run.py $(BUILD)/penstock test_torture \
	    -- node tests/sdk/run.mjs $(BUILD)/penstock \
	    -- node tests/sdk/pool.mjs $(BUILD)/penstock \
	    -- node tests/sdk/switch.mjs $(BUILD)/penstock \
	    -- node tests/browser/run.mjs $(BUILD)/penstock --smoke

# Format, layers, documents, both compilers, everything under the sanitizers, clang-tidy.
check:
	@tools/deps.sh check
	@tools/check.sh

# The dashboard in Debian's Chromium: every page and action, in light and dark, on three widths. Screenshots go to build/screenshots.
test-browser:
	@tools/deps.sh test
	@$(MAKE) -s all
	@test tests/browser/node_modules/.package-lock.json -nt tests/browser/package-lock.json || npm --prefix tests/browser ci --silent --no-audit --no-fund
	@node tests/browser/run.mjs $(BUILD)/penstock

# The coding agents themselves, each on its own protocol and over every other wire. They weigh more than a gigabyte, so `make test` leaves them out.
test-agents:
	@tools/deps.sh test
	@$(MAKE) -s all
	@test tests/agents/node_modules/.package-lock.json -nt tests/agents/package-lock.json || npm --prefix tests/agents ci --silent --no-audit --no-fund
	@ninja -C $(BUILD) --quiet tests/unit/wire/check_streams
	@node tests/agents/run.mjs $(BUILD)/penstock

# Writes the reviewed mappings of tests/unit/wire/golden anew: read what changed.
golden-update:
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD) --quiet tests/unit/wire/test_wire_golden
	@PENSTOCK_GOLDEN_UPDATE=1 $(BUILD)/tests/unit/wire/test_wire_golden
	@git diff --stat -- tests/unit/wire/golden

# More SDKs and frameworks, over every wire: Vercel's AI SDK, LangChain, and the official Python SDKs. Half a gigabyte.
test-sdks:
	@tools/deps.sh sdks
	@$(MAKE) -s all
	@ninja -C $(BUILD) --quiet tests/unit/wire/check_streams
	@test tests/frameworks/node_modules/.package-lock.json -nt tests/frameworks/package-lock.json || npm --prefix tests/frameworks ci --silent --no-audit --no-fund
	@node tests/frameworks/run.mjs $(BUILD)/penstock
	@test $(BUILD)/python/.installed -nt tests/python/requirements.txt || { python3 -m venv $(BUILD)/python && $(BUILD)/python/bin/pip install -q -r tests/python/requirements.txt && touch $(BUILD)/python/.installed; }
	@$(BUILD)/python/bin/python tests/python/run.py $(BUILD)/penstock

bench:
	@tools/deps.sh bench
	@$(MAKE) -s all
	@python3 bench/run.py $(BUILD)/penstock

# Each fuzz target for TIME seconds (60).
TIME ?= 60
fuzz:
	@tools/deps.sh check
	@tools/fuzz.sh $(TIME)

release-check:
	@tools/deps.sh check
	@tools/release_check.sh $(TIME)

format:
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

clean:
	@rm -rf build build-*
