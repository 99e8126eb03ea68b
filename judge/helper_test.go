package judge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
)

const (
	s  = time.Second
	ms = time.Millisecond
)

func proof(t *testing.T, r judge.Result, name string) judge.Proof {
	t.Helper()
	i := slices.IndexFunc(r.Proofs, func(p judge.Proof) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no proof %q in %+v", name, r.Proofs)
	}
	return r.Proofs[i]
}
