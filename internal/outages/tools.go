package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/internal/residue"
	"github.com/aftershockhq/aftershock/internal/trial"
)

// A gate is a transport behind a proxy: it passes requests on, or answers otherwise.
type gate struct {
	http.RoundTripper
	proxy *trial.Proxy

	mu        sync.Mutex
	otherwise answering // nil: it passes on
	armed     answering // what it answers from the first delete of a fault on; nil: it waits for none
	met       int       // requests that it did not pass on
	deletes   int       // those of them that delete a fault
}

// answering answers in place of the server behind a gate.
type answering func(*http.Request, http.RoundTripper) (*http.Response, error)

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	deletes := deletesFault(r)
	if g.otherwise == nil && deletes {
		g.otherwise = g.armed
	}
	otherwise := g.otherwise
	if otherwise != nil {
		g.met++
		if deletes {
			g.deletes++
		}
	}
	g.mu.Unlock()
	if otherwise != nil {
		return otherwise(r, g.RoundTripper)
	}
	return g.RoundTripper.RoundTrip(r)
}

// set has the gate answer otherwise, or pass on from now on.
func (g *gate) set(otherwise answering) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.otherwise, g.armed = otherwise, nil
}

// arm has the gate answer otherwise from the first delete of a fault on. The run sends
// that as soon as it has recorded the phase, before anyone can have read so.
func (g *gate) arm(otherwise answering) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armed = otherwise
}

// counts are how many requests the gate did not pass on, and how many of them delete a
// fault.
func (g *gate) counts() (met, deletes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.met, g.deletes
}

// deletesFault reports whether a request deletes an object of Chaos Mesh.
func deletesFault(r *http.Request) bool {
	return r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/apis/"+v1alpha1.SchemeGroupVersion.Group+"/") && r.URL.Query().Get("dryRun") == ""
}

func answer(r *http.Request, code int, header http.Header, body []byte) *http.Response {
	return &http.Response{StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, Header: header, Body: io.NopCloser(bytes.NewReader(body))}
}

// gated is an outage by the gate before a server.
func gated(server string, otherwise answering) outage {
	return outage{
		through: server,
		begin:   func(_ context.Context, s *scene) error { s.gate.set(otherwise); return nil },
		end:     func(_ context.Context, s *scene) error { s.gate.set(nil); return nil },
	}
}

// tooMany is the answer of an API server that takes no more requests for now.
func tooMany(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
	status := apierrors.NewTooManyRequests("a storm", 1).Status()
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	body, err := json.Marshal(status)
	return answer(r, http.StatusTooManyRequests, http.Header{"Content-Type": {"application/json"}, "Retry-After": {"1"}}, body), err
}

var (
	nothing = outage{
		begin: func(context.Context, *scene) error { return nil },
		end:   func(context.Context, *scene) error { return nil },
	}
	many = gated(apiServer, tooMany)
	// manyAtDelete begins with the delete of the fault at the latest.
	manyAtDelete = outage{
		through: apiServer,
		arm:     func(s *scene) { s.gate.arm(tooMany) },
		begin:   many.begin, end: many.end,
	}
	failing = gated(prometheus, func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
		return answer(r, http.StatusInternalServerError, http.Header{}, []byte("out of memory")), nil
	})
	slow = gated(prometheus, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if err := experiments.Wait(r.Context(), 10*time.Second); err != nil {
			return nil, err
		}
		return next.RoundTrip(r)
	})
	half = gated(prometheus, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}))
		return response, err
	})
	// cutOff also ends the connections that there are.
	cutOff = outage{
		through: apiServer,
		begin: func(_ context.Context, s *scene) error {
			s.gate.set(func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
				<-r.Context().Done()
				return nil, context.Cause(r.Context())
			})
			s.gate.proxy.CloseClientConnections()
			return nil
		},
		end: func(_ context.Context, s *scene) error { s.gate.set(nil); return nil },
	}
	namespaceGone = outage{
		begin: func(ctx context.Context, s *scene) error {
			return s.Session.Client.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.Workload.Namespace}})
		},
		end: func(ctx context.Context, s *scene) error {
			if err := trial.Vacate(ctx, s.Session.Client, s.Workload.Namespace); err != nil {
				return err
			}
			return errors.Join(s.release(ctx), trial.Command(ctx, s.w, "deploy"))
		},
	}
	diskFull = outage{
		disk: true,
		begin: func(_ context.Context, s *scene) error {
			file, err := os.Create(filepath.Join(s.records, "filler"))
			if err != nil {
				return err
			}
			_, err = io.Copy(file, zeros{})
			if errors.Is(err, syscall.ENOSPC) {
				err = nil
			}
			return errors.Join(err, file.Close())
		},
		end: func(context.Context, *scene) error { return nil }, // the disk goes with the run
	}
)

// release lets the volumes of a namespace that is gone be claimed again.
func (s *scene) release(ctx context.Context) error {
	var volumes corev1.PersistentVolumeList
	errs := []error{s.Session.Client.List(ctx, &volumes)}
	for i := range volumes.Items {
		if claim := volumes.Items[i].Spec.ClaimRef; claim != nil && claim.Namespace == s.Workload.Namespace {
			claim.UID, claim.ResourceVersion = "", ""
			errs = append(errs, s.Session.Client.Update(ctx, &volumes.Items[i]))
		}
	}
	return errors.Join(errs...)
}

// broken is a connection that ends.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// component stops one of the lab's, and starts it again.
func component(name string) outage {
	return outage{
		begin: func(ctx context.Context, s *scene) error { return trial.Command(ctx, s.w, "stop", name) },
		end:   func(ctx context.Context, s *scene) error { return trial.Command(ctx, s.w, "start", name) },
	}
}

// signalled sends a signal to a process of the lab.
func signalled(process string, s syscall.Signal) func(context.Context, *scene) error {
	return func(context.Context, *scene) error {
		pids := residue.Named(process)
		if len(pids) != 1 {
			return fmt.Errorf("processes %s: %v, want one", process, pids)
		}
		pid, err := strconv.Atoi(pids[0])
		return errors.Join(err, syscall.Kill(pid, s))
	}
}

// hanging halts a process of the lab: connections to it are accepted, and nothing is
// answered.
func hanging(process string) outage {
	return outage{begin: signalled(process, syscall.SIGSTOP), end: signalled(process, syscall.SIGCONT)}
}

// restarted kills a process of the lab, which its supervisor starts again; start waits
// until it is ready.
func restarted(process, component string) outage {
	return outage{
		begin: signalled(process, syscall.SIGKILL),
		end:   func(ctx context.Context, s *scene) error { return trial.Command(ctx, s.w, "start", component) },
	}
}

// clockBy steps the run's wall clock.
func clockBy(seconds int8) outage {
	return outage{
		clock: true,
		begin: func(_ context.Context, s *scene) error { return s.clock.Set(seconds) },
		end:   func(context.Context, *scene) error { return nil }, // with the run
	}
}
