package lifecycle

import (
	"context"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	dynamic "k8s.io/client-go/dynamic/fake"
	kubernetes "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/shop"
)

// What comes late comes when the rest has settled, also when the lab is started again with a service that is there.
func TestWhatComesLate(t *testing.T) {
	const settled, limitRange = "settled", "patch limitranges"
	for _, row := range []struct {
		name   string
		there  shop.Defect // empty: no service is
		defect shop.Defect
		keep   bool
		late   bool
	}{
		{"a new deployment", "", shop.NoRoom, false, true},
		{"a new deployment of another defect", shop.NoRoom, shop.None, false, false},
		{"a first start of the lab", "", shop.None, true, false},
		{"a restart of the lab", shop.NoRoom, shop.None, true, true},
		{"a restart of the lab with the healthy service", shop.None, shop.None, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := &cluster.Client{Kube: kubernetes.NewClientset(), Dynamic: nil}
			if row.there != "" {
				c.Kube = kubernetes.NewClientset(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
					Namespace: shop.Namespace, Name: shop.Service, Annotations: map[string]string{shop.DefectAnnotation: string(row.there)},
				}})
			}
			var done []string
			objects := dynamic.NewSimpleDynamicClient(runtime.NewScheme())
			objects.PrependReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
				done = append(done, a.GetVerb()+" "+a.GetResource().Resource)
				return true, &unstructured.Unstructured{}, nil
			})
			c.Dynamic = objects
			err := deploy(t.Context(), c, row.defect, row.keep, func(context.Context) error {
				done = append(done, settled)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			at := slices.Index(done, settled)
			if !slices.Contains(done[:at], "delete limitranges") || slices.Contains(done[:at], limitRange) || slices.Contains(done[at:], limitRange) != row.late {
				t.Errorf("%q, want the LimitRange late: %t", done, row.late)
			}
		})
	}
}
