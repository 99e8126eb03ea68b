package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// An account is a ServiceAccount of the lab, and its way to the API server.
type account struct {
	rights.Account
	proxy      *proxy
	kubeconfig string
	admin      client.Client
	cluster    *rest.Config
	objects    map[string]client.Object // that grant it its rights, by kind and name
}

// newAccount makes one without rights, with a token for an hour.
func newAccount(ctx context.Context, cluster *rest.Config, admin client.Client, dir, name string) (*account, error) {
	a := &account{
		Account: rights.Account{Namespace: namespace, ServiceAccount: name}, kubeconfig: filepath.Join(dir, "kubeconfig-"+name),
		admin: admin, cluster: cluster, objects: map[string]client.Object{},
	}
	err := a.grant(ctx, nil)
	if err == nil {
		a.proxy, err = newProxy(cluster, admin, a.user())
	}
	if err != nil {
		return a, err
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(3600))}}
	holder := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: a.Namespace, Name: a.ServiceAccount}}
	if err := admin.SubResource("token").Create(ctx, holder, request); err != nil {
		return a, fmt.Errorf("ask for a token: %w", err)
	}
	return a, a.proxy.WriteKubeconfig(a.kubeconfig, "rights", request.Status.Token)
}

// user is the account's name as the API server knows it.
func (a *account) user() string {
	return "system:serviceaccount:" + a.Namespace + ":" + a.ServiceAccount
}

// grant gives the account exactly these rights.
func (a *account) grant(ctx context.Context, list []rights.Rule) error {
	return a.apply(ctx, rights.Grant(list, a.Account))
}

// apply makes these objects, and removes those that were made before.
func (a *account) apply(ctx context.Context, objects []client.Object) error {
	wanted := map[string]bool{}
	for _, object := range objects {
		key := fmt.Sprintf("%T %s/%s", object, object.GetNamespace(), object.GetName())
		wanted[key] = true
		before, there := a.objects[key]
		if there && reflect.DeepEqual(policies(before), policies(object)) {
			continue
		}
		a.objects[key] = object
		written, _ := object.DeepCopyObject().(client.Object)
		err := a.admin.Create(ctx, written)
		if apierrors.IsAlreadyExists(err) {
			if role := policies(object); role != nil {
				written, _ = object.DeepCopyObject().(client.Object)
				err = a.admin.Update(ctx, written)
			} else {
				err = nil
			}
		}
		if err != nil {
			return fmt.Errorf("grant %s: %w", key, err)
		}
	}
	for key, object := range a.objects {
		if !wanted[key] {
			if err := client.IgnoreNotFound(a.admin.Delete(ctx, object)); err != nil {
				return err
			}
			delete(a.objects, key)
		}
	}
	return nil
}

// policies are the rules of a Role; nil: it is none.
func policies(object client.Object) []rbacv1.PolicyRule {
	switch role := object.(type) {
	case *rbacv1.Role:
		return role.Rules
	case *rbacv1.ClusterRole:
		return role.Rules
	}
	return nil
}

// without gives the account these rights, and waits until the API server knows
// that it has lost one.
func (a *account) without(ctx context.Context, list []rights.Rule, lost rights.Rule) error {
	if err := a.grant(ctx, list); err != nil {
		return err
	}
	config := rest.CopyConfig(a.cluster)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: a.user(),
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + a.Namespace, "system:authenticated"},
	}
	as, err := kube.NewClient(config, clientgo.Scheme)
	if err != nil {
		return err
	}
	return trial.Poll(ctx, 100*time.Millisecond, 30*time.Second, func(ctx context.Context) error {
		missing, err := rights.Missing(ctx, as, append(list, lost))
		if err != nil {
			return fmt.Errorf("take away %s: %w", lost, err)
		}
		if !slices.Equal(missing, []rights.Rule{lost}) {
			return fmt.Errorf("take away %s: missing are %v", lost, missing)
		}
		return nil
	})
}

// remove removes what grants the account its rights.
func (a *account) remove(ctx context.Context) error {
	if a.proxy != nil {
		a.proxy.Close()
	}
	var errs []error
	for _, object := range a.objects {
		if _, shared := object.(*corev1.Namespace); !shared {
			errs = append(errs, client.IgnoreNotFound(a.admin.Delete(ctx, object)))
		}
	}
	return errors.Join(errs...)
}
