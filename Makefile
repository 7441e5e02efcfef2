.PHONY: demo test race lint golden bench bench-long fuzz chaos faults chart kube image

demo: ## try everything on this machine
	go run ./cmd/atelier demo

test: ## the README's test command
	go test ./...

race:
	go test -race ./...

lint:
	go vet ./...
	golangci-lint run

golden: ## write generated pages and golden files anew
	UPDATE_GOLDEN=1 go test ./core/command ./adapters/ops
	go test ./adapters/slack ./adapters/discord -run 'Golden|Card|Manifest|Registration' -update

bench: ## ratios against a floor measured in the same run; under five minutes
	go test -run '^$$' -bench . -benchtime 1x ./cmd/atelier/internal/bench ./adapters/media ./adapters/provider/sketch

bench-long:
	ATELIER_BENCH_LONG=1 go test -run '^$$' -bench . -benchtime 1x -timeout 60m ./cmd/atelier/internal/bench ./adapters/media ./adapters/provider/sketch

FUZZ ?= 10s
fuzz: ## each fuzz test for a short while
	@go list ./... | while read p; do \
	  for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZ) $$p || exit 1; done; done

chaos: ## everything breaks for two minutes while people talk; make chaos CHAOS="-seed 7 -kills 300 -duration 20m"
	go run ./cmd/atelier/internal/chaos $(CHAOS)

faults: ## a table of eight single faults, each measured
	go run ./cmd/atelier/internal/chaos -faults $(CHAOS)

chart: ## the Helm chart: lint, golden manifests, schemas, policy, unit tests; .ci/chart update writes them anew
	.ci/chart

kube: ## the chart on a real API server: KUBECONFIG's, or one that is built here (ten minutes, once)
	.ci/kube/run

image: ## the image, built and run; make image BUILDER=local where nothing can be pulled
	.ci/image $(BUILDER)
