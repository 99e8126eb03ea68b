package suites

import (
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"HOST": "shop.example", "EMPTY": "", "TRICK": "${HOST}: {a: b}"}[name]
		return v, ok
	}
	for text, want := range map[string]string{
		"http://${HOST}/":       "http://shop.example/",
		"${HOST}${HOST}":        "shop.exampleshop.example",
		"a ${EMPTY}b":           "a b",
		"$${HOST}":              "${HOST}",
		"$$$$":                  "$$",
		`rate(x{code=~"5..$"})`: `rate(x{code=~"5..$"})`,
		"label_replace(up, $1)": "label_replace(up, $1)",
		"${TRICK}":              "${HOST}: {a: b}",
	} {
		if got, err := expand(text, lookup); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"${PORT}":  "the environment variable PORT is not set",
		"${HOST":   `"${HOST" is no reference to an environment variable: want ${NAME}, or $$ for a $`,
		"${A-B}":   `"${A-B}" is no reference`,
		"x${}":     `"${}" is no reference`,
		"${HOST }": `"${HOST }" is no reference`,
	} {
		if got, err := expand(text, lookup); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}

// Values are expanded wherever in the file they are, keys are not, and what is not
// set is told with its line.
func TestTheFileIsExpanded(t *testing.T) {
	t.Setenv("SHOP_CONTEXT", "staging-2")
	t.Setenv("SHOP_LIMIT", "9s")
	t.Setenv("SHOP_USER", "me")
	text := strings.NewReplacer(
		"context: staging", "context: ${SHOP_CONTEXT}", "ttr <= 10s", "ttr <= ${SHOP_LIMIT}",
		"  url: http://127.0.0.1:9090", "  url: http://127.0.0.1:9090\n  http_config: {basic_auth: {username: '${SHOP_USER}', password_file: 'p$$'}}",
	).Replace(valid)
	c, err := Decode("aftershock.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if c.Cluster.Context != "staging-2" || c.Checks[0].Limits[1].String() != "ttr <= 9s" {
		t.Errorf("context %q, limits %v", c.Cluster.Context, c.Checks[0].Limits)
	}
	if auth := c.Prometheus.HTTP.BasicAuth; auth.Username != "me" || !strings.HasSuffix(auth.PasswordFile, "p$") {
		t.Errorf("%+v", auth)
	}
	_, err = Decode("aftershock.yaml", []byte(strings.Replace(text, "ttr <= ${SHOP_LIMIT}", "ttr <= ${SHOP_UNSET}", 1)))
	if err == nil || !strings.Contains(err.Error(), ": the environment variable SHOP_UNSET is not set") || !strings.HasPrefix(err.Error(), "aftershock.yaml:2") {
		t.Errorf("%v, want what is not set and its line", err)
	}
}
