//go:build tools

// Package tools names the program that scripts/install-k6 builds, so that go.mod and go.sum pin it and all that it needs.
package tools

import _ "go.k6.io/k6/v2"
