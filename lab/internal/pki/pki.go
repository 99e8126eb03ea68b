// Package pki makes the keys, certificates and the token of one cluster. They are made when the cluster is, lie in its run
// folder readable by root only, and go with it.
//
//	err := pki.Write(dir, pki.Request{Server: []string{"198.18.0.2"}, Nodes: map[string]string{"node1": "198.18.0.11"}})
//
// Keys are ECDSA P-256: RSA keys would cost the first start more than a second.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Request says whom certificates are made for.
type Request struct {
	Server []string          // names and addresses of the API server
	Nodes  map[string]string // address of each node's kubelet
}

// The files that Write makes; a node's are <name>.crt and <name>.key.
const (
	CA            = "ca.crt"          // trusted for everything below
	ServerCert    = "apiserver.crt"   // of the API server
	ServerKey     = "apiserver.key"   //
	AccountKey    = "sa.key"          // signs the tokens of service accounts
	FrontProxyCA  = "front-proxy.ca"  // trusted by extension API servers
	FrontProxy    = "front-proxy.crt" // how the API server shows itself to them
	FrontProxyKey = "front-proxy.key" //
	Webhook       = "webhook"         // folder with tls.crt and tls.key, of chaos-controller-manager
	Token         = "admin.token"     // bearer token of the administrator
	Tokens        = "tokens.csv"      // the same, as the API server reads it
)

// Write makes everything in dir.
func Write(dir string, r Request) error {
	if err := os.MkdirAll(filepath.Join(dir, Webhook), 0o700); err != nil {
		return fmt.Errorf("make key folder: %w", err)
	}
	w := writer{dir: dir}
	ca := w.authority(CA, "lab")
	w.leaf(ca, ServerCert, ServerKey, "kube-apiserver", r.Server)
	for name, address := range r.Nodes {
		w.leaf(ca, name+".crt", name+".key", name, []string{name, address})
	}
	w.leaf(ca, Webhook+"/tls.crt", Webhook+"/tls.key", "chaos-controller-manager", []string{"127.0.0.1"})
	proxies := w.authority(FrontProxyCA, "lab front proxy")
	w.leaf(proxies, FrontProxy, FrontProxyKey, "front-proxy-client", nil)
	w.key(AccountKey)
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	token := hex.EncodeToString(secret)
	w.file(Token, []byte(token))
	w.file(Tokens, []byte(token+",admin,admin,system:masters\n"))
	return w.err
}

// writer makes one thing after another until one fails.
type writer struct {
	dir string
	err error
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (w *writer) file(name string, content []byte) {
	if w.err != nil {
		return
	}
	if err := os.WriteFile(filepath.Join(w.dir, name), content, 0o600); err != nil {
		w.err = fmt.Errorf("write %s: %w", name, err)
	}
}

func (w *writer) key(name string) *ecdsa.PrivateKey {
	key := w.newKey()
	if w.err != nil {
		return nil
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		w.err = fmt.Errorf("encode %s: %w", name, err)
		return nil
	}
	w.file(name, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	return key
}

func (w *writer) newKey() *ecdsa.PrivateKey {
	if w.err != nil {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.err = fmt.Errorf("make key: %w", err)
	}
	return key
}

func (w *writer) authority(name, common string) authority {
	key := w.newKey()
	template := certificate(common)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	return authority{w.sign(name, template, authority{template, key}, key), key}
}

func (w *writer) leaf(by authority, cert, key, common string, hosts []string) {
	template := certificate(common)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	w.sign(cert, template, by, w.key(key))
}

func (w *writer) sign(name string, template *x509.Certificate, by authority, key *ecdsa.PrivateKey) *x509.Certificate {
	if w.err != nil {
		return nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, &key.PublicKey, by.key)
	if err != nil {
		w.err = fmt.Errorf("sign %s: %w", name, err)
		return nil
	}
	w.file(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		w.err = fmt.Errorf("read %s: %w", name, err)
	}
	return signed
}

func certificate(common string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: common},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
	}
}
