//go:build tools

// Package tools names the program that scripts/install-kubectl-validate builds, so that go.mod and go.sum pin it and all that it needs. The
// schemas of Kubernetes that scripts/kubernetes keeps an extract of come from it too.
package tools

import _ "sigs.k8s.io/kubectl-validate"
