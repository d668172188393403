# Everything a developer or a build machine runs. Needs Go, bash and, for the
# packages that `make deps` installs, Debian or Ubuntu.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps build test check bench demo fuzz clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the Debian packages that are missing
	@tools/deps.sh

build: deps ## build the programs into bin/
	@mkdir -p bin
	go build -o bin/ ./cmd/...

test: ## run all tests, with the race detector and the real PC/SC service
	@tools/deps.sh browser
	@tools/with-pcscd.sh tools/test.sh

check: deps ## format, vet, lint, tidiness, builds for other platforms, short fuzzing
	@tools/check.sh

bench: deps ## run the benchmarks (BENCH=name COUNT=10 OLD=old.txt)
	@tools/with-pcscd.sh tools/bench.sh

json = $(if $(filter 1,$(JSON)),--json)
not-built = {"ok":false,"identical":false,"apdus":0,"bytes":0,"entries":0,"steps":[],"error":"the programs could not be built"}
demo: ## show the main job on a soft card (BUNDLE=patient.json KEEP=1 OFFLINE=1 JSON=1)
	@$(MAKE) --no-print-directory build || { $(if $(json),echo '$(not-built)';) exit 1; }
	@tools/with-pcscd.sh $(json) bin/dhamani demo $(json) $(if $(BUNDLE),--bundle '$(BUNDLE)') \
		$(if $(filter 1,$(KEEP)),--keep) $(if $(filter 1,$(OFFLINE)),--offline)

fuzz: deps ## fuzz every target for FUZZTIME (1m)
	@tools/fuzz.sh $(or $(FUZZTIME),1m)

clean: ## remove what was built
	rm -rf bin cover.out
