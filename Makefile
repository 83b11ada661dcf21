# The same words on a laptop and in CI. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
export OMP_NUM_THREADS ?= 1
QUICK := $(addprefix tests/test_,layers.py priors.py density.py rng.py store.py summary.py objectives.py integrate.py uncertainty.py)

help: ## list the verbs
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# PyTorch goes first and alone: its version is pinned by hand, and a CPU build already there satisfies the lock.
# A .venv that is already there (with another build of PyTorch, say) is kept and brought up to the lock.
$(READY): requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $(READY)

book: $(READY) ## build the book from the stored results; prints where index.html is
	$(BIN)/physlib book --profile laptop

pdf: book ## print the built site into one PDF, by headless Chromium
	$(BIN)/python -m physlib.book.pdf

zip: book ## pack the built site into one file
	$(BIN)/python -m zipfile -c _build/physical-misgeneralization.zip _build/site/laptop/_build/html/
	@echo _build/physical-misgeneralization.zip

smoke: $(READY) ## build the book with everything trained from nothing, tiny
	$(BIN)/physlib book --profile smoke

test: $(READY) ## run the tests, with a smoke build of the book
	@if [ -z "$$(command -v chromium)" ]; then \
	  echo "browser tests not run: install chromium"; $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not browser"; \
	else $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder; fi

quick: $(READY) ## style, layers and the tests that take seconds, in a minute and a half
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q -n 2 $(QUICK)

lint: $(READY) ## style, spelling, pairing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell README.md REPRODUCING.md CONTRIBUTING.md CHANGELOG.md book/*.md notebooks/*.md physlib tests
	$(BIN)/python -m pytest -q tests/test_pages.py -k pair

pair: $(READY) ## write notebooks/ipynb from the text pages
	$(BIN)/python -m physlib.book.pairing

reproduce: $(READY) ## retrain every laptop run from nothing and compare with the store, a process a core (about 1270 minutes of one)
	$(BIN)/physlib verify --profile laptop --sample 1000

table: $(READY) ## write results/table.csv and the numbers of REPRODUCING.md from the stored runs
	$(BIN)/physlib table --write

bench: $(READY) ## speed, as ratios within one run
	$(BIN)/python -m benchmarks

clean: ## remove what was built; results stay
	rm -rf _build $(VENV)

.PHONY: help book pdf zip smoke test quick lint pair reproduce table bench clean
