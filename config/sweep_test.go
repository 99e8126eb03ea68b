package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A sweep takes faults away: what is wrong with an experiment must not stop it.
func TestASweepNeedsTheClusterAndWhatIsAllowedOnly(t *testing.T) {
	for _, row := range []struct {
		sentence, old, new string
		swept              bool
	}{
		{"nothing is wrong", "", "", true},
		{"a variable of a load is not set", "http://127.0.0.1:8080/", "${NOT_SET_ANYWHERE}", true},
		{"a Prometheus is wrong", "http://127.0.0.1:9090", "nowhere", true},
		{"a suite that there is not", "suites: [all]", "suites: [al]", true},
		{"the cluster is not known", "uid: 0b1c", "context: staging", false},
		{"nothing is allowed", "namespaces: [shop]", "protected: []", false},
		{"a field that there is not", "cluster:", "clustr:", false},
		{"it is no YAML", "allow:", "allow", false},
	} {
		path := filepath.Join(t.TempDir(), "aftershock.yaml")
		if err := os.WriteFile(path, []byte(strings.Replace(complete, row.old, row.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		plan, others, err := ReadForSweep(path)
		if (err == nil) != row.swept {
			t.Errorf("%s: error %v", row.sentence, err)
			continue
		}
		if err == nil && (plan.Cluster.UID != "0b1c" || len(plan.Allow.Namespaces) != 1 || (len(others) > 0) != (row.old != "")) {
			t.Errorf("%s: %+v, %+v, others %v", row.sentence, plan.Cluster, plan.Allow, others)
		}
	}
}
