# Two commands: `make demo` and `make test`. Each sets up what it needs in .venv, nothing else is needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ROOM   := 8

.PHONY: demo pictures site test lint audit types unit test-lowest clean

demo: $(STAMP)
	$(BIN)/seac segment demo/clip.mp4 -o out/demo --fps 4 --export overlay,masks,json,timeline,sheet
	@echo "Look at out/demo/overlay.mp4, out/demo/sheet.png and out/demo/timeline.png"
	@echo "Open it in the browser: $(BIN)/seac app out/demo"

# The pictures of README are those that `make demo` made.
pictures: demo
	mkdir -p docs
	cp out/demo/sheet.png docs/demo.png
	cp out/demo/timeline.png docs/timeline.png

# The site in out/site; what it shows of the code is written by `python -m benchmarks.site` before.
site: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Open out/site/index.html, or with its search: $(BIN)/python -m http.server -d out/site"

test: lint types unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=.:src $(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r src

# Known vulnerabilities of the locked packages (needs a network), and the list of packages as CycloneDX.
audit: $(STAMP)
	mkdir -p out
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o out/sbom.json $(BIN)/python
	$(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip

types: $(STAMP)
	$(BIN)/mypy

unit: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2

# The lowest versions that pyproject.toml allows, in an environment of their own (5 GB more on Linux).
test-lowest:
	$(PYTHON) scripts/lowest_versions.py --venv .venv-lowest

# The editable install is made again only when what it depends on has changed.
$(STAMP): pyproject.toml requirements.lock
	@df -Pk . | awk 'NR == 2 && $$4 < $(ROOM) * 1048576 { \
		print "error: torch and what it needs take $(ROOM) GiB and this disk has " int($$4 / 1048576) \
		" left: make room, or clone to another disk" > "/dev/stderr"; exit 1 }'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev,train,distil,ray,paper,baselines,serve,docs]'
	touch $@

clean:
	rm -rf $(VENV) .venv-lowest out
