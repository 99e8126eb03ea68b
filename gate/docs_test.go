package gate

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var sample = regexp.MustCompile("(?ms)^```yml\n(.*?)^```")

// samples are the objects in the documentation.
func samples(t *testing.T, into ...any) {
	t.Helper()
	text, err := os.ReadFile("../docs/gates.md")
	if err != nil {
		t.Fatal(err)
	}
	found := sample.FindAllStringSubmatch(string(text), -1)
	if len(found) != len(into) {
		t.Fatalf("%d samples, want %d", len(found), len(into))
	}
	for i, m := range found {
		if err := yaml.Unmarshal([]byte(strings.ReplaceAll(m[1], "TOKEN", token)), into[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// What the samples of the documentation send is understood, and what they look at is there.
func TestTheSamplesOfTheDocumentation(t *testing.T) {
	var canary struct {
		Metadata struct{ Name, Namespace string }
		Spec     struct {
			Analysis struct {
				Webhooks []struct {
					Type, URL string
					Metadata  map[string]string
				}
			}
		}
	}
	var template struct {
		Metadata struct{ Name string }
		Spec     struct {
			Args    []struct{ Name string }
			Metrics []struct {
				SuccessCondition string `yaml:"successCondition"`
				FailureCondition string `yaml:"failureCondition"`
				Count            int
				ErrorLimit       int `yaml:"consecutiveErrorLimit"`
				Inconclusive     int `yaml:"inconclusiveLimit"`
				Successes        int `yaml:"consecutiveSuccessLimit"`
				Provider         struct {
					Web struct {
						Method, URL string
						Headers     []struct{ Key, Value string }
						Body        map[string]string `yaml:"jsonBody"`
						Path        string            `yaml:"jsonPath"`
					}
				}
			}
		}
	}
	var rollout struct {
		Spec struct {
			Strategy struct {
				Canary struct {
					Steps []struct {
						Analysis struct {
							Templates []struct {
								Name string `yaml:"templateName"`
							}
							Args []struct{ Name string }
						}
					}
				}
			}
		}
	}
	samples(t, &canary, &template, &rollout)
	steps := rollout.Spec.Strategy.Canary.Steps
	if last := steps[len(steps)-1].Analysis; last.Templates[0].Name != template.Metadata.Name || last.Args[0].Name != template.Spec.Args[0].Name {
		t.Errorf("the last step of the rollout is %+v, and the template %s with %+v", last, template.Metadata.Name, template.Spec.Args)
	}
	var asked []string
	c := serve(t, &Server{Dir: t.TempDir(), Runner: scripted{run: func(_ context.Context, build Ask) error {
		asked = append(asked, build.Key()+" "+strings.Join(build.Experiments(), " "))
		return nil
	}}})
	path := func(url string) string {
		_, path, _ := strings.Cut(strings.TrimPrefix(url, "https://"), "/")
		return "/" + path
	}
	for _, hook := range canary.Spec.Analysis.Webhooks {
		body, err := json.Marshal(map[string]any{
			"name": canary.Metadata.Name, "namespace": canary.Metadata.Namespace, "phase": "Progressing", "checksum": "1", "metadata": hook.Metadata,
		})
		if err != nil {
			t.Fatal(err)
		}
		if status, text := c.do("POST", path(hook.URL), string(body), "Authorization", ""); status != 409 || !strings.HasSuffix(hook.URL, "/"+hook.Type) {
			t.Errorf("%s at %s: %d %q, want 409", hook.Type, hook.URL, status, text)
		}
	}
	c.until("checkout:1", Unknown)
	metric := template.Spec.Metrics[0]
	web := metric.Provider.Web
	filled := strings.NewReplacer("{{args.token}}", token, "{{args.build}}", "2")
	body, err := json.Marshal(web.Body)
	if err != nil {
		t.Fatal(err)
	}
	var header []string
	for _, h := range web.Headers {
		header = append(header, h.Key, filled.Replace(h.Value))
	}
	status, text := c.do(web.Method, path(web.URL), filled.Replace(string(body)), header...)
	var answer map[string]any
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != 200 {
		t.Fatalf("%d %q: %v", status, text, err)
	}
	c.until("checkout:2", Unknown)
	if state, ok := answer["state"].(string); !ok || web.Path != "{$.state}" || !slices.Contains([]string{"waiting", "running", "unknown"}, state) {
		t.Errorf("%s of %s", web.Path, text)
	}
	if metric.SuccessCondition != `result == "`+string(Held)+`"` || metric.FailureCondition != `result == "`+string(Broken)+`"` {
		t.Errorf("conditions %q and %q", metric.SuccessCondition, metric.FailureCondition)
	}
	if metric.Count <= 0 || metric.ErrorLimit < metric.Count {
		t.Errorf("%d errors in a row abort the rollout, of %d measurements: a gate that is away for a while rolls back a good build", metric.ErrorLimit, metric.Count)
	}
	// Argo takes a metric for successful once there were so many measurements, unless there was
	// no success in a row as long as this (since 1.8), or too many were inconclusive.
	if metric.Successes != 1 || metric.Inconclusive >= metric.Count {
		t.Errorf("%d measurements may be inconclusive of %d, with a limit of %d successes: a build that stays unknown is promoted", metric.Inconclusive, metric.Count, metric.Successes)
	}
	const experiments = " checkout/network checkout/pods/kill-one"
	if want := []string{"shop/checkout/1" + experiments, "shop/checkout/2" + experiments}; !slices.Equal(asked, want) {
		t.Errorf("tested %q, want %q", asked, want)
	}
}
