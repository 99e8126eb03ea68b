package cluster

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// connected is a client of a server that answers everything with that status and body, and what it was asked.
func connected(t *testing.T, status int, body string) (*Client, *strings.Builder) {
	t.Helper()
	asked := &strings.Builder{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		fmt.Fprintf(asked, "%s %s %s", r.Method, r.URL.Path, content)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := WriteKubeconfig(kubeconfig, server.URL, ca, "token"); err != nil {
		t.Fatal(err)
	}
	c, err := Connect(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return c, asked
}

func TestDelete(t *testing.T) {
	object := &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: metav1.ObjectMeta{Name: "checkout", Namespace: "shop"},
	}
	failure := func(reason string, code int) string {
		return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"message":"no","code":%d}`, reason, code)
	}
	for _, c := range []struct {
		says   string
		status int
		body   string
		want   string
	}{
		{"it was there", 200, `{"kind":"Status","apiVersion":"v1","status":"Success"}`, ""},
		{"it was not there", 404, failure("NotFound", 404), ""},
		{"it may not be deleted", 403, failure("Forbidden", 403), "delete HorizontalPodAutoscaler checkout: no"},
	} {
		t.Run(c.says, func(t *testing.T) {
			client, asked := connected(t, c.status, c.body)
			err := client.Delete(t.Context(), object)
			if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			const path = "DELETE /apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/checkout"
			if !strings.HasPrefix(asked.String(), path) {
				t.Errorf("asked %s, want %s", asked, path)
			}
		})
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct {
		says   string
		status int
		body   string
		want   string
	}{
		{"it is there", 200, `{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"checkout"}}`, ""},
		{"there is none yet", 404, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`, ""},
		{"it cannot be changed", 409, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","message":"no","code":409}`, "scale Deployment checkout: no"},
	} {
		t.Run(c.says, func(t *testing.T) {
			client, asked := connected(t, c.status, c.body)
			err := client.Scale(t.Context(), "shop", "checkout", 2)
			if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			const question = `PATCH /apis/apps/v1/namespaces/shop/deployments/checkout {"spec":{"replicas":2}}`
			if asked.String() != question {
				t.Errorf("asked %s, want %s", asked, question)
			}
		})
	}
}
