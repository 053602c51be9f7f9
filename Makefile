# What a person runs is what CI runs. Every target does its own set-up, on a machine that has Rust
# and Python 3; Debian packages are installed where root or sudo allows it.

CARGO_DENY := target/tools/bin/cargo-deny
CARGO_CYCLONEDX := target/tools/bin/cargo-cyclonedx

# For `make fuzz`: how long each target runs. For `make soak`: how long all of it runs. For
# `make differential`: how many tokens. For `make faults`: which part of it, how many rounds of
# each fault, and how many rolling updates.
SECONDS := 30
MINUTES := 10
CASES := 1000000
PART := all
ROUNDS := 8
ROLLS := 20

# The chart is rendered where Helm is found, once setup has had its turn; `make test-deploy` insists
# on it.
WITH_HELM = $(if $(HELM)$(shell command -v helm || ls .venv/helm/helm 2>/dev/null),--features helm)

.DEFAULT_GOAL := help
.PHONY: help setup console demo test test-kubernetes test-deploy image-root lint fmt deny advisories \
	sbom bench bench-envoy bench-opa plateau instructions differential differential-pyjwt fuzz soak faults \
	rolling scale console-scale test-envoys clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target purpose; do \
		printf '  make %-18s %s\n' "$$target" "$$purpose"; done

setup: ## Install what demo and test need: Envoys, chromium, kubernetes-validate, cel-python, Helm, prometheus, h2load
	@scripts/setup tests

console: ## Install what the console takes from others, its graph library: every build needs it
	@scripts/setup console

demo: console ## Try it: an issuer, applications, an upstream, and Portvakt behind a real Envoy
	@scripts/setup envoy
	@echo "Building; the first time takes a few minutes."
	cargo run --release --locked -- demo

test: setup ## Run all tests, those through a real Envoy included
	cargo test --locked $(WITH_HELM)

test-kubernetes: console ## Run the tests of documents from a cluster in that of KUBECONFIG, where CRDs and namespaces may be created
	@[ -f "$$KUBECONFIG" ] || { echo "test-kubernetes: KUBECONFIG must name the file of a cluster" \
		"where these tests may create CRDs and namespaces (portvakt-test-…)" >&2; exit 1; }
	@scripts/setup envoy
	PORTVAKT_TEST_KUBECONFIG="$$KUBECONFIG" cargo test --locked --test e2e -- \
		kubernetes::cases kubernetes::contested --test-threads=1

test-deploy: setup image-root ## Check all of deploy/: the chart by Helm and the image, as root, too
	cargo test --locked --features helm,image --test deploy

image-root: ## Make the folder that is the whole image: target/image-root
	@scripts/setup image
	scripts/image-root target/image-root

lint: console ## Check formatting, and clippy with warnings as errors
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo clippy --no-default-features --locked -- -D warnings
	@# What `cargo test` leaves out, clippy does too unless it is named.
	cargo clippy --test soak --test faults --test scale --test console_scale --test deploy --features helm,image --locked -- -D warnings

fmt: ## Format
	cargo fmt

deny: ## Check the dependencies' licences and sources, and that none is banned
	@scripts/setup deny
	$(CARGO_DENY) --locked check bans licenses sources

advisories: ## Check the dependencies for known vulnerabilities; needs the network
	@scripts/setup deny
	$(CARGO_DENY) --locked check advisories

sbom: ## Write what the program is made of: target/portvakt.cdx.json (CycloneDX)
	@scripts/setup sbom
	$(CARGO_CYCLONEDX) cyclonedx --quiet --format json --spec-version 1.5 \
		--describe binaries --no-build-deps
	@# Where it was built is nobody's business.
	sed 's|file://$(CURDIR)|file://.|g' portvakt_bin.cdx.json >target/portvakt.cdx.json
	@rm portvakt_bin.cdx.json
	@echo "target/portvakt.cdx.json: $$(grep -c '"purl": "pkg:cargo/' target/portvakt.cdx.json) components"

differential: console ## Hold a million mutated tokens against an independent validator; CASES=… for others
	PORTVAKT_DIFFERENTIAL_CASES=$(CASES) \
		cargo test --release --locked --test differential -- --nocapture

differential-pyjwt: console ## Hold mutated tokens against PyJWT
	@scripts/setup pyjwt
	cargo test --locked --features pyjwt --test differential pyjwt -- --nocapture

fuzz: ## Run each fuzz target for 30 seconds; SECONDS=… for longer
	@scripts/fuzz $(SECONDS)

soak: setup ## Ten minutes of traffic, rotation, reloads and faults through Envoy; MINUTES=… for others
	SOAK_MINUTES=$(MINUTES) cargo test --release --locked --test soak

faults: setup ## Latency under faults and floods, 120 stops; PART=issuer|floods|restarts, ROUNDS=…, ROLLS=…
	FAULTS_PART=$(PART) FAULTS_ROUNDS=$(ROUNDS) FAULTS_ROLLS=$(ROLLS) \
		cargo test --release --locked --test faults

rolling: ## Rolling updates of two instances behind Envoy, without a failed request; ROLLS=…
	@$(MAKE) --no-print-directory faults PART=restarts

test-envoys: setup ## Run the end-to-end tests with each release of Envoy since 1.36; takes long
	@scripts/test-envoys

scale: console ## 10,000 applications from a cluster: time to ready, memory, what a change takes
	cargo test --release --locked --test scale

console-scale: setup ## A focused graph of 5,000 applications in a browser: how soon it is painted
	cargo test --release --locked --test console_scale

bench: setup ## Compare the service with a floor, in one run
	cargo bench --locked --bench side_by_side

bench-envoy: setup ## What a request costs behind Envoy: unchecked, with jwt_authn, with Portvakt
	cargo bench --locked --bench side_by_side -- envoys

bench-opa: setup ## What a check costs by Portvakt and by OPA-Envoy; OPA_ENVOY=… names its program
	OPA_ENVOY=$(OPA_ENVOY) cargo bench --locked --bench side_by_side -- opa

plateau: setup ## Send a million distinct tokens and print resident memory; takes some minutes
	cargo bench --locked --bench side_by_side -- plateau

instructions: console ## Count instructions of the pure parts, by callgrind; fails on regressions
	@scripts/setup instructions
	PATH="$(CURDIR)/target/tools/bin:$$PATH" cargo bench --locked --bench instructions

clean: ## Remove everything that was built or installed here
	cargo clean
	rm -rf .venv console/node_modules
