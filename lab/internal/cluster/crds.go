package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// The group and version of every definition of Chaos Mesh.
const chaosGroup = "chaos-mesh.org/v1alpha1"

// EnsureCRDs creates the definitions in dir, one JSON file each, that the cluster does not have, and waits until it serves
// all of them.
func (c *Client) EnsureCRDs(ctx context.Context, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no definitions in %s: %w", dir, errors.Join(err, os.ErrNotExist))
	}
	if c.kinds() >= len(files) {
		return nil
	}
	const together = 4
	turn := make(chan struct{}, together)
	failed := make([]error, len(files))
	var creating sync.WaitGroup
	for i, file := range files {
		creating.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			failed[i] = c.createCRD(ctx, file)
		})
	}
	creating.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	return c.served(ctx, len(files))
}

func readDefinition(file string) (*unstructured.Unstructured, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read definition: %w", err)
	}
	var crd unstructured.Unstructured
	if err := crd.UnmarshalJSON(content); err != nil {
		return nil, fmt.Errorf("read definition %s: %w", filepath.Base(file), err)
	}
	return &crd, nil
}

func (c *Client) createCRD(ctx context.Context, file string) error {
	crd, err := readDefinition(file)
	if err != nil {
		return err
	}
	_, err = c.Dynamic.Resource(definitions).Create(ctx, crd, metav1.CreateOptions{FieldValidation: metav1.FieldValidationIgnore})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create definition %s: %w", crd.GetName(), err)
	}
	return nil
}

// ApplyDefinitions makes the definitions in files, a JSON file each, and waits until the API server serves them.
func (c *Client) ApplyDefinitions(ctx context.Context, files []string) error {
	return c.eachDefinition(files, func(crd *unstructured.Unstructured) error {
		// By server-side apply: an annotation with the last one applied would be larger than annotations may be.
		if err := c.Apply(ctx, crd); err != nil {
			return err
		}
		return c.await(ctx, crd.GetName(), "served", func(now *unstructured.Unstructured, err error) bool {
			if err != nil {
				return false
			}
			conditions, _, _ := unstructured.NestedSlice(now.Object, "status", "conditions")
			return slices.ContainsFunc(conditions, func(condition any) bool {
				of, _ := condition.(map[string]any)
				return of["type"] == "Established" && of["status"] == "True"
			})
		})
	})
}

// RemoveDefinitions deletes the definitions in files, and waits until they are gone with all objects of their kinds.
func (c *Client) RemoveDefinitions(ctx context.Context, files []string) error {
	return c.eachDefinition(files, func(crd *unstructured.Unstructured) error {
		if err := c.Delete(ctx, crd); err != nil {
			return err
		}
		return c.await(ctx, crd.GetName(), "gone", func(_ *unstructured.Unstructured, err error) bool { return apierrors.IsNotFound(err) })
	})
}

func (c *Client) eachDefinition(files []string, do func(*unstructured.Unstructured) error) error {
	var errs []error
	for _, file := range files {
		crd, err := readDefinition(file)
		if err == nil {
			err = do(crd)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c *Client) await(ctx context.Context, name, what string, is func(*unstructured.Unstructured, error) bool) error {
	for {
		now, err := c.Dynamic.Resource(definitions).Get(ctx, name, metav1.GetOptions{})
		if is(now, err) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("definition %s is not %s: %w", name, what, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// served waits until the API server serves that many kinds of the group. Asking for the kinds is far cheaper than listing
// the definitions, which are megabytes.
func (c *Client) served(ctx context.Context, want int) error {
	for {
		n := c.kinds()
		if n >= want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d kinds of %s are served: %w", n, want, chaosGroup, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (c *Client) kinds() int {
	list, err := c.Kube.Discovery().ServerResourcesForGroupVersion(chaosGroup)
	if err != nil {
		return 0
	}
	n := 0
	for _, r := range list.APIResources {
		if !strings.Contains(r.Name, "/") { // not a subresource
			n++
		}
	}
	return n
}
