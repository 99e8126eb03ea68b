package pki

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, Request{Server: []string{"198.18.0.2", "kubernetes"}, Nodes: map[string]string{"node1": "198.18.0.11"}}); err != nil {
		t.Fatal(err)
	}
	pool := func(name string) *x509.CertPool {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		p := x509.NewCertPool()
		if !p.AppendCertsFromPEM(content) {
			t.Fatalf("%s holds no certificate", name)
		}
		return p
	}
	for _, c := range []struct{ says, cert, key, ca, host string }{
		{"the API server by address", ServerCert, ServerKey, CA, "198.18.0.2"},
		{"the API server by name", ServerCert, ServerKey, CA, "kubernetes"},
		{"a kubelet", "node1.crt", "node1.key", CA, "198.18.0.11"},
		{"the webhooks", Webhook + "/tls.crt", Webhook + "/tls.key", CA, "127.0.0.1"},
		{"the front proxy", FrontProxy, FrontProxyKey, FrontProxyCA, ""},
	} {
		t.Run(c.says, func(t *testing.T) {
			pair, err := tls.LoadX509KeyPair(filepath.Join(dir, c.cert), filepath.Join(dir, c.key))
			if err != nil {
				t.Fatal(err)
			}
			_, err = pair.Leaf.Verify(x509.VerifyOptions{
				DNSName: c.host, Roots: pool(c.ca), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s may be read by others: %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
