package kube

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// NewClient makes a client that knows the kinds of the scheme. It copies the
// configuration and removes two settings: the client's own rate limit, because a
// request that waits in the client is dated too late (the API server protects
// itself), and the timeout, because it would end every watch. Contexts bound the
// requests.
func NewClient(config *rest.Config, scheme *runtime.Scheme) (client.WithWatch, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.Timeout = 0
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return impatient{next} })
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", config.Host, err)
	}
	return c, nil
}

// impatient passes on a refusal that asks to come again when the request's time is
// over: client-go would wait, and then know only that it is.
type impatient struct{ next http.RoundTripper }

func (i impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := i.next.RoundTrip(r)
	if err != nil {
		return answer, err
	}
	seconds, wrong := strconv.Atoi(answer.Header.Get("Retry-After"))
	deadline, bounded := r.Context().Deadline()
	if wrong == nil && bounded && time.Until(deadline) < time.Duration(seconds)*time.Second {
		answer.Header.Del("Retry-After")
	}
	return answer, nil
}

// there reports whether a file exists.
func there(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// A Context is how to reach a cluster, as a kubeconfig has it.
type Context struct {
	Name      string // empty: the pod's own account
	Namespace string // empty: it names none
	Config    *rest.Config
}

// ReadContext reads a context as kubectl does: of the kubeconfig file, or, if
// that is empty, of KUBECONFIG, of ~/.kube/config or of the pod's own account;
// the current one, if the name is empty. It asks the cluster nothing. The error
// lists the contexts.
func ReadContext(file, name string) (Context, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = file
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: name})
	raw, errRaw := loader.RawConfig()
	config, err := loader.ClientConfig()
	if files := rules.GetLoadingPrecedence(); err != nil && file == "" && (clientcmd.IsEmptyConfig(err) || !slices.ContainsFunc(files, there)) {
		of := strings.Join(files, ", ")
		if !slices.ContainsFunc(files, there) {
			of += ", which does not exist"
		}
		return Context{}, fmt.Errorf("connect to %s: no kubeconfig in %s: set KUBECONFIG, or name one with --kubeconfig of init and cluster.kubeconfig of the file",
			cmp.Or(name, "the current context"), of)
	}
	if err != nil {
		contexts := ""
		if errRaw == nil {
			contexts = "; contexts: " + cmp.Or(strings.Join(slices.Sorted(maps.Keys(raw.Contexts)), ", "), "none")
		}
		return Context{}, fmt.Errorf("connect to %s of %s: %w%s",
			cmp.Or(name, "the current context"), cmp.Or(file, strings.Join(rules.GetLoadingPrecedence(), ", ")), redact.Error(err), contexts)
	}
	// The address is printed and recorded, and errors of the API quote answers,
	// which may repeat a token.
	if u, err := url.Parse(config.Host); err == nil && u.User != nil {
		if config.Username == "" && config.BearerToken == "" {
			config.Username = u.User.Username()
			config.Password, _ = u.User.Password()
		}
		u.User = nil
		config.Host = u.String()
	}
	config.Wrap(redact.Transport)
	read := Context{Name: cmp.Or(name, raw.CurrentContext), Config: config}
	if of := raw.Contexts[read.Name]; of != nil {
		read.Namespace = of.Namespace
	}
	return read, nil
}
