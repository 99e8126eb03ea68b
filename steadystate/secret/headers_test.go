package secret_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/steadystate/secret"
	"github.com/aftershockhq/aftershock/steadystate/setting"
)

func TestHeadersAreValidatedBeforeAnythingIsRead(t *testing.T) {
	t.Setenv("AFTERSHOCK_TEST_SECRET", "hush")
	for _, row := range []struct {
		sentence string
		headers  secret.Headers
		want     []string // at the path of the header
	}{
		{"none", secret.Headers{}, nil},
		{"a value and a secret", secret.Headers{Values: http.Header{"Accept": {"a/b", ""}}, Secrets: map[string]secret.Secret{"Authorization": {Env: "NOT_SET"}}}, nil},
		{"a secret from nowhere", secret.Headers{Secrets: map[string]secret.Secret{"X-Key": {}}}, []string{"headers[X-Key]: want the name of an environment variable or the path of a file, one of the two"}},
		{"one from two places", secret.Headers{Secrets: map[string]secret.Secret{"X-Key": {Env: "A", File: "b"}}}, []string{"headers[X-Key]: want the name of an environment variable or the path of a file, one of the two"}},
		{"a name with a space", secret.Headers{Values: http.Header{"X Key": {"a"}}}, []string{"headers[X Key]: want the name of a header"}},
		{"a secret without a name", secret.Headers{Secrets: map[string]secret.Secret{"": {Env: "A"}}}, []string{"headers[]: want the name of a header"}},
		{"a name beyond ASCII", secret.Headers{Secrets: map[string]secret.Secret{"Schlüssel": {Env: "A"}}}, []string{"headers[Schlüssel]: want the name of a header"}},
		{"a header that is there already", secret.Headers{Values: http.Header{"X-Key": {"a"}}, Secrets: map[string]secret.Secret{"X-Key": {Env: "A"}}}, []string{"headers[X-Key]: is there twice"}},
		{"names that differ by case", secret.Headers{Values: http.Header{"X-SHOP": {"a"}, "x-shop": {"b"}}, Secrets: map[string]secret.Secret{"X-Key": {Env: "A"}, "x-key": {Env: "B"}}}, []string{"headers[x-shop]: is there twice", "headers[x-key]: is there twice"}},
		{"a value with a line break", secret.Headers{Values: http.Header{"X-Shop": {"one\r\nX-Role: admin"}}}, []string{"headers[X-Shop]: holds a line break"}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			got := setting.Errors(row.headers.Validate())
			for i := range max(len(got), len(row.want)) {
				if i >= len(got) || i >= len(row.want) || !strings.HasPrefix(got[i].Error(), row.want[i]) {
					t.Fatalf("%v, want %q", got, row.want)
				}
			}
		})
	}
}

func TestHeadersAreThoseOfValuesFilesAndSecrets(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("AFTERSHOCK_TEST_SECRET", "Bearer hush-1")
	headers := secret.Headers{
		Values:  http.Header{"accept": {"text/html"}, "X-Shop": {"one", "two"}},
		Secrets: map[string]secret.Secret{"authorization": {Env: "AFTERSHOCK_TEST_SECRET"}, "X-Key": {File: write("key", "hush-2\r\n")}},
		Files:   []string{write("more", "# more\n\nX-Shop: three\nx-user: ann\n")},
	}
	want := http.Header{"Accept": {"text/html"}, "Authorization": {"Bearer hush-1"}, "X-Key": {"hush-2"}, "X-Shop": {"one", "two", "three"}, "X-User": {"ann"}}
	got, err := headers.Read()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	// What is done to them is not done to the next.
	got["X-Shop"][0] = "changed"
	t.Setenv("AFTERSHOCK_TEST_SECRET", "Bearer hush-3")
	want.Set("Authorization", "Bearer hush-3")
	if got, err := headers.Read(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read again: %v, %v, want %v", got, err, want)
	}
	if got := fmt.Sprint(headers.Names()); got != "[X-Key X-Shop accept authorization]" {
		t.Errorf("names %s", got)
	}
	if got := strings.Join(headers.Places(), "; "); got != "X-Key of file "+filepath.Join(dir, "key")+"; authorization of environment variable AFTERSHOCK_TEST_SECRET" {
		t.Errorf("places %s", got)
	}
	if text := fmt.Sprintf("%v %+v %#v", headers, headers, headers); strings.Contains(text, "hush") {
		t.Errorf("printed, they show a secret: %s", text)
	}
}

func TestAnErrorOfASecretSaysWhereItIsAndNotWhatItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for _, row := range []struct {
		sentence, text, want string
	}{
		{"an empty file", "", "header X-Key: file " + path + " is empty"},
		{"a file with a line end alone", "\r\n", "header X-Key: file " + path + " is empty"},
		{"two lines", "hush-1\nhush-2", "header X-Key: file " + path + " holds a line break"},
		{"a control character", "hush\x00", "header X-Key: file " + path + " holds a line break, or another character that no header may have"},
		{"a line that is no header", "hush hush", "headers: " + path + ":1: want lines of the form Name: value"},
		{"a value that no header may have", "X-Key: hush\x00hush", "headers: " + path + ":1: want lines of the form Name: value"},
	} {
		if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		headers := secret.Headers{Secrets: map[string]secret.Secret{"X-Key": {File: path}}}
		if strings.HasPrefix(row.want, "headers: ") {
			headers = secret.Headers{Files: []string{path}}
		}
		if header, err := headers.Read(); err == nil || !strings.HasPrefix(err.Error(), row.want) || strings.Contains(err.Error(), "hush") || header != nil {
			t.Errorf("%s: %v, %v, want %s", row.sentence, header, err, row.want)
		}
	}
	for want, s := range map[string]secret.Secret{
		"environment variable AFTERSHOCK_NOT_SET is not set": {Env: "AFTERSHOCK_NOT_SET"},
		"open " + path + "-old: ":                            {File: path + "-old"},
	} {
		if _, err := s.Read(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func ExampleHeaders() {
	headers := secret.Headers{
		Values:  http.Header{"Accept": {"application/json"}},
		Secrets: map[string]secret.Secret{"Authorization": {Env: "TOKEN"}},
	}
	fmt.Println(headers.Names(), headers.Places())
	// Output: [Accept Authorization] [Authorization of environment variable TOKEN]
}
