# Names for commands that can be typed by hand; nothing here does what only make can do.
.PHONY: build test test-kernels test-arch race lint fuzz bench bench-scale compare generate check

build: ; CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/closewait ./cmd/closewait
test: ; go run ./tools/needs && go test ./...
test-kernels: ; go run ./tools/needs qemu-system-x86_64 && go run ./tools/kernels -table docs/compatibility.md
test-arch: ; go run ./tools/needs qemu-aarch64-static qemu-s390x-static && go run ./tools/arch
race: ; go run ./tools/needs gcc && CGO_ENABLED=1 go test -race -skip '([Ff]aults|_killed|_everyState|_systemd)$$' $$(go list ./... | grep -v 'internal/\(lab\|scenes\)$$')
lint: ; go tool -modfile=tools/lint/go.mod golangci-lint run ./...
fuzz: ; go run ./tools/fuzz -time $(or $(TIME),30s)
bench: ; go test -run '^$$' -bench . -benchtime $(or $(TIME),1s) ./...
bench-scale: ; go run ./tools/compare -scale $(or $(SIZES),2000,20000,200000) -runs 5
compare: ; go run ./tools/compare
generate: ; go run ./tools/needs clang-14 llvm-strip-14 && go generate ./internal/probe
check: ; test -z "$$(gofmt -l .)" && go vet ./... && go test ./...
