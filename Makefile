# What a person runs is what CI runs. Every target does its own set-up, on a machine that has Rust
# and Python 3; Debian packages are installed where root or sudo allows it.

CARGO_DENY := target/tools/bin/cargo-deny

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fmt deny advisories bench plateau clean

help: ## Show the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target purpose; do \
		printf '  make %-11s %s\n' "$$target" "$$purpose"; done

setup: ## Install what demo and test need: Envoy, an older Envoy, prometheus, h2load
	@scripts/setup tests

demo: ## Try it: an issuer, applications, an upstream, and Portvakt behind a real Envoy
	@scripts/setup envoy
	@echo "Building; the first time takes a few minutes."
	cargo run --release --locked -- demo

test: setup ## Run all tests, those through a real Envoy included
	cargo test --locked

lint: ## Check formatting, and clippy with warnings as errors
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings

fmt: ## Format
	cargo fmt

deny: ## Check the dependencies' licences and sources, and that none is banned
	@scripts/setup deny
	$(CARGO_DENY) --locked check bans licenses sources

advisories: ## Check the dependencies for known vulnerabilities; needs the network
	@scripts/setup deny
	$(CARGO_DENY) --locked check advisories

bench: setup ## Compare the service with a floor, in one run
	cargo bench --locked --bench side_by_side

plateau: setup ## Send a million distinct tokens and print resident memory; takes some minutes
	cargo bench --locked --bench side_by_side -- plateau

clean: ## Remove everything that was built or installed here
	cargo clean
	rm -rf .venv
