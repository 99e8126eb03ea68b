package load_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/secret"
)

// files writes files into a directory of the test's own.
func files(t *testing.T, contents map[string]string) (directory string) {
	t.Helper()
	directory = t.TempDir()
	for name, text := range contents {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

// heard is what a server heard of each request, by its number.
type heard struct {
	mu sync.Mutex
	by map[uint64]string
}

func (h *heard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n, _ := strconv.ParseUint(r.Header.Get("X-Vegeta-Seq"), 10, 64)
	w.Header().Set("X-Pod", "one")
	h.mu.Lock()
	defer h.mu.Unlock()
	h.by[n] = fmt.Sprintf("%s %s %s %q of %s", r.Method, r.URL.Path, strings.Join(r.Header.Values("X-Shop"), ","), body, r.Header.Get("Authorization"))
}

// Request n is of target n modulo their number, whoever of several workers
// sends it.
func TestTargetsComeRoundByTheNumbersOfTheRequests(t *testing.T) {
	server := heard{by: map[uint64]string{}}
	at := httptest.NewServer(&server)
	defer at.Close()
	inURL := strings.Replace(at.URL, "http://", "http://ann:pass@", 1)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("ann:pass"))
	httpFile := fmt.Sprintf("# the shop\nPOST %s/cart\nX-Shop: two\n@bodies/cart\n\nGET %s/\n\nPUT %s/user\n", at.URL, at.URL, inURL)
	jsonFile := fmt.Sprintf("{\"method\": \"POST\", \"url\": \"%s/cart\", \"header\": {\"X-Shop\": [\"two\"]}, \"body\": \"%s\"}\n{\"method\": \"GET\", \"url\": \"%s/\"}\n{\"method\": \"PUT\", \"url\": \"%s/user\"}",
		at.URL, base64.StdEncoding.EncodeToString([]byte("one pear")), at.URL, inURL)
	directory := files(t, map[string]string{"targets": httpFile, "targets.json": jsonFile, "bodies/cart": "one pear", "body": "nothing", "headers": "# more\nX-Shop: one\n"})
	want := []string{`POST /cart one,two "one pear" of `, `GET / one "nothing" of `, `PUT /user one "nothing" of ` + basic}
	for _, name := range []string{"targets", "targets.json"} {
		for _, workers := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d workers", name, workers), func(t *testing.T) {
				server.by = map[uint64]string{}
				l := load.HTTP{
					Shape: load.Constant(200), Targets: filepath.Join(directory, name), Timeout: 20 * time.Second,
					Headers: secret.Headers{Files: []string{filepath.Join(directory, "headers")}}, BodyFile: filepath.Join(directory, "body"),
				}
				seqs := map[uint64]bool{}
				for i := range workers {
					l := l
					if workers > 1 {
						l = l.Share(i, workers)
					}
					for _, q := range drive(t, l, 20) {
						if q.Error != "" || seqs[q.Seq] || (workers > 1 && q.Seq%uint64(workers) != uint64(i)) {
							t.Errorf("worker %d: %+v", i, q)
						}
						seqs[q.Seq] = true
					}
				}
				server.mu.Lock()
				defer server.mu.Unlock()
				for n := range seqs {
					if got := server.by[n]; got != want[n%3] {
						t.Errorf("request %d was %s, want %s", n, got, want[n%3])
					}
				}
			})
		}
	}
}

func TestFilesThatCannotBeReadAreRefusedBeforeTheStart(t *testing.T) {
	directory := files(t, map[string]string{
		"empty": "\n# nothing\n", "method": "FETCH\n", "scheme": "GET ftp://h/\n", "header": "GET http://h/\nX-Shop\n",
		"body": "GET http://h/\n@nowhere\n", "json": `{"method": "GET"}`, "half": `{"method": "GET", "url": `,
		"long": "GET http://h/" + strings.Repeat("x", 1<<16) + "\n", "headers": "X-Shop: one\ntop secret\n",
	})
	in := func(name string) string { return filepath.Join(directory, name) }
	for _, row := range []struct {
		sentence string
		load     load.HTTP
		want     string
	}{
		{"no such file", load.HTTP{Targets: in("nowhere")}, "targets of " + in("nowhere") + ": open"},
		{"no target", load.HTTP{Targets: in("empty")}, "the file has no targets: want lines as GET http://host/path"},
		{"no URL", load.HTTP{Targets: in("method")}, "target 1: bad target; its line is not shown"},
		{"another scheme", load.HTTP{Targets: in("scheme")}, `target 1: url "ftp://h/": want http://host/path`},
		{"half a header", load.HTTP{Targets: in("header")}, "target 1: bad header; its line is not shown"},
		{"a body that is not there", load.HTTP{Targets: in("body")}, "bad body: open " + in("nowhere")},
		{"JSON without a URL", load.HTTP{Targets: in("json")}, "required url is missing"},
		{"half a JSON object", load.HTTP{Targets: in("half")}, "target 1: EOF"},
		{"a line that vegeta would end with", load.HTTP{Targets: in("long")}, "line 1 has more than 65536 bytes: put a body into a file"},
		{"targets and a URL", load.HTTP{Targets: in("empty"), URL: "http://h/"}, "targets excludes url and method"},
		{"a body twice", load.HTTP{URL: "http://h/", Body: []byte("x"), BodyFile: in("body")}, "want one of the two"},
		{"a body's file that is not there", load.HTTP{URL: "http://h/", BodyFile: in("nowhere")}, "load: body: open"},
		{"headers that are not there", load.HTTP{URL: "http://h/", Headers: secret.Headers{Files: []string{in("nowhere")}}}, "load: headers: open"},
		{"a line that is no header, which may be a secret", load.HTTP{URL: "http://h/", Headers: secret.Headers{Files: []string{in("headers")}}}, "headers:2: want lines of the form Name: value"},
		{"a secret from nowhere", load.HTTP{URL: "http://h/", Headers: secret.Headers{Secrets: map[string]secret.Secret{"Authorization": {}}}}, `headers[Authorization]: want the name of an environment variable or the path of a file`},
		{"one from two places", load.HTTP{URL: "http://h/", Headers: secret.Headers{Secrets: map[string]secret.Secret{"Authorization": {Env: "A", File: "b"}}}}, "one of the two"},
		{"a header that is there already", load.HTTP{URL: "http://h/", Headers: secret.Headers{Values: http.Header{"Authorization": {"x"}}, Secrets: map[string]secret.Secret{"Authorization": {Env: "A"}}}}, "headers[Authorization]: is there twice"},
		{"a variable that is not set", load.HTTP{URL: "http://h/", Headers: secret.Headers{Secrets: map[string]secret.Secret{"Authorization": {Env: "AFTERSHOCK_NOT_SET"}}}}, "header Authorization: environment variable AFTERSHOCK_NOT_SET is not set"},
		{"a secret's file that is not there", load.HTTP{URL: "http://h/", Headers: secret.Headers{Secrets: map[string]secret.Secret{"Authorization": {File: in("nowhere")}}}}, "header Authorization: open"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			row.load.Shape = load.Constant(10)
			_, err := row.load.Preflight(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "top secret") {
				t.Errorf("preflight: error %v, want one with %q", err, row.want)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			rec := record.NewRecorder(io.Discard)
			if again := row.load.Drive(ctx, rec.Clock(), func(record.Request) { t.Error("sent") }); again == nil || again.Error() != err.Error() {
				t.Errorf("error %v, want that of preflight, %v", again, err)
			}
		})
	}
}

// A secret reaches the service, and nothing else that anybody could read.
func TestASecretIsToldToTheServiceAlone(t *testing.T) {
	const first, second = "hush-4711", "hush-0815"
	server := heard{by: map[uint64]string{}}
	at := httptest.NewServer(&server)
	defer at.Close()
	path := filepath.Join(t.TempDir(), "token")
	for _, place := range []secret.Secret{{Env: "AFTERSHOCK_TEST_SECRET"}, {File: path}} {
		t.Run(place.String(), func(t *testing.T) {
			l := load.HTTP{Shape: load.Constant(50), URL: at.URL, Timeout: 20 * time.Second, Headers: secret.Headers{Secrets: map[string]secret.Secret{"Authorization": place}}}
			for _, value := range []string{first, second} {
				// It becomes another between two runs of one load.
				t.Setenv("AFTERSHOCK_TEST_SECRET", value)
				if err := os.WriteFile(path, []byte(value+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				server.by = map[uint64]string{}
				var recorded bytes.Buffer
				e := shortExperiment(l, "errors <= 50%")
				e.Settle, e.SettleTimeout, e.Hold, e.Watch = 100*time.Millisecond, time.Second, 100*time.Millisecond, 100*time.Millisecond
				if err := e.Run(t.Context(), record.NewRecorder(&recorded)); err != nil {
					t.Fatal(err)
				}
				result, err := judge.Judge(record.Read(bytes.NewReader(recorded.Bytes())), nil)
				if err != nil {
					t.Fatal(err)
				}
				server.mu.Lock()
				if got := server.by[0]; !strings.HasSuffix(got, "of "+value) {
					t.Errorf("the service heard %q, want %s", got, value)
				}
				server.mu.Unlock()
				text, err := json.Marshal(result)
				if err != nil {
					t.Fatal(err)
				}
				found, err := l.Preflight(t.Context(), nil)
				if err != nil || !strings.Contains(found, "Authorization of "+place.String()) {
					t.Errorf("preflight: %q, %v; want where the secret is", found, err)
				}
				for what, told := range map[string]string{
					"record": recorded.String(), "result": string(text), "load": fmt.Sprintf("%v %+v %#v", l, l, l), "preflight": found,
				} {
					if strings.Contains(told, value) {
						t.Errorf("the %s tells the secret", what)
					}
				}
			}
		})
	}
	for _, value := range []string{"", "\n", first + "\n" + second, first + "\x00"} {
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := load.HTTP{Shape: load.Constant(50), URL: at.URL, Headers: secret.Headers{Secrets: map[string]secret.Secret{"Authorization": {File: path}}}}.Preflight(t.Context(), nil)
		if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "header Authorization: file "+path) {
			t.Errorf("secret %q: error %v, want one that says where it is", value, err)
		}
	}
}

func TestAPasswordInAURLIsNotTold(t *testing.T) {
	if text := (load.HTTP{Shape: load.Constant(1), URL: "http://ann:hush@h/"}).String(); strings.Contains(text, "hush") {
		t.Error(text)
	}
}
