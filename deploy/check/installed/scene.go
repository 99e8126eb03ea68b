package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/cli"
	"helm.sh/helm/v4/pkg/kube"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

const (
	root      = "../.."
	labFile   = root + "/lab/aftershock.yaml"
	program   = root + "/bin/aftershock"
	release   = "chaos"
	namespace = "installed" // of the release, and cluster.namespace
	user      = 65532       // of the image
	patience  = 2 * time.Minute
)

// claims are those of the game days and of the gate.
var claims = []string{release + "-records", release + "-gate"}

// A scene is the lab with a namespace and volumes of a row.
type scene struct {
	w      io.Writer
	out    string
	rest   *rest.Config
	kube   kubernetes.Interface
	helm   *action.Configuration
	config string            // its configuration, without game days
	before map[string]string // objects, by what they are: their uids
	image  string
	run    string // the lab's run folder
	there  bool   // the release
}

// open makes a namespace that takes only restricted pods, and a volume for each claim:
// the lab has no provisioner.
func open(ctx context.Context, w io.Writer, out string) (*scene, error) {
	text, err := os.ReadFile(labFile)
	if err != nil {
		return nil, fmt.Errorf("%w: is the lab up? see lab/README.md", err)
	}
	var lab struct {
		Cluster struct{ Kubeconfig, UID, Image string }
		Allow   any
		// The load of checkout is that of the lab's own suites.
		Services struct {
			Checkout struct{ Load struct{ URL string } }
		}
	}
	if err := yaml.Unmarshal(text, &lab); err != nil {
		return nil, fmt.Errorf("%s: %w", labFile, err)
	}
	s := &scene{w: w, out: out, image: lab.Cluster.Image, run: filepath.Dir(lab.Cluster.Kubeconfig)}
	file, err := yaml.Marshal(map[string]any{
		"apiVersion": "aftershock/v1",
		"cluster":    map[string]any{"uid": lab.Cluster.UID, "namespace": namespace, "image": lab.Cluster.Image},
		"allow":      lab.Allow,
		"times":      map[string]string{"settle": "3s", "hold": "6s", "watch": "8s", "undo": "30s"},
		"checks": map[string]any{
			"answers": map[string]any{"signal": "requests", "good": "value <= 5s", "limits": []string{"downtime <= 10s"}},
			"quick":   map[string]any{"signal": "requests", "good": "value <= 5s", "limits": []string{"p95 <= 100ms during hold"}},
		},
		"services": map[string]any{
			"checkout": map[string]any{
				"namespace": "shop", "workload": "deployment/checkout", "checks": []string{"answers"},
				"load": map[string]string{"url": lab.Services.Checkout.Load.URL, "rate": "50/s"},
			},
		},
		"experiments": map[string]any{
			"kill":  map[string]any{"service": "checkout", "faults": map[string]any{"kill": map[string]any{"podKill": map[string]any{"pods": 1}}}},
			"slow":  map[string]any{"service": "checkout", "checks": []string{"answers", "quick"}, "faults": delay},
			"later": map[string]any{"service": "checkout", "faults": delay},
			"long":  map[string]any{"service": "checkout", "times": map[string]string{"hold": "40s"}, "faults": delay},
		},
	})
	if err != nil {
		return nil, err
	}
	s.config = string(file)
	if s.rest, err = clientcmd.BuildConfigFromFlags("", lab.Cluster.Kubeconfig); err != nil {
		return nil, err
	}
	s.rest.QPS, s.rest.Burst, s.rest.WarningHandler = 100, 200, rest.NoWarnings{}
	s.kube = kubernetes.NewForConfigOrDie(s.rest)
	settings := cli.New()
	settings.KubeConfig = lab.Cluster.Kubeconfig
	settings.SetNamespace(namespace)
	s.helm = action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler))
	if err := s.helm.Init(settings.RESTClientGetter(), namespace, ""); err != nil {
		return nil, err
	}
	if s.before, err = s.objects(ctx); err != nil {
		return nil, err
	}
	if err := s.stage(ctx); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

var delay = map[string]any{"delay": map[string]any{"networkDelay": map[string]any{"pods": "all", "latency": "300ms"}}}

// stage makes what an administrator would have made.
func (s *scene) stage(ctx context.Context) error {
	_, err := s.kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	// Every namespace gets these a moment later.
	if err := await(ctx, patience, func() (bool, string, error) {
		_, errAccount := s.kube.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		_, errRoots := s.kube.CoreV1().ConfigMaps(namespace).Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
		err := errors.Join(errAccount, errRoots)
		return err == nil, "the namespace is not complete", err
	}); err != nil {
		return err
	}
	for _, claim := range claims {
		dir := s.volume(claim)
		// A hostPath has the owner that it has on the disk, whatever fsGroup says.
		if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700), os.Chown(dir, user, user)); err != nil {
			return err
		}
		_, err := s.kube.CoreV1().PersistentVolumes().Create(ctx, &corev1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{Name: claim},
			Spec: corev1.PersistentVolumeSpec{
				Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("5Gi")},
				AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
				ClaimRef:                      &corev1.ObjectReference{Namespace: namespace, Name: claim},
				// What is in the run folder, every node has at /lab.
				PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/lab/volumes/" + claim}},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
	}
	return nil
}

// volume is where a claim's files are, as seen from here.
func (s *scene) volume(claim string) string { return filepath.Join(s.run, "volumes", claim) }

// close removes what the row made, and says what is left besides. Days end first, as
// they need their rights for that.
func (s *scene) close(ctx context.Context) error {
	var errs []error
	if s.there {
		errs = append(errs, s.endDays(ctx), s.uninstall(ctx))
	}
	background := metav1.DeletePropagationBackground
	errs = append(errs, s.kube.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{PropagationPolicy: &background}))
	for _, claim := range claims {
		errs = append(errs, s.kube.CoreV1().PersistentVolumes().Delete(ctx, claim, metav1.DeleteOptions{}), os.RemoveAll(s.volume(claim)))
	}
	left, err := s.left(ctx, s.before)
	if len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("left in the cluster: %s", strings.Join(left, ", ")))
	}
	if err = errors.Join(append(errs, err)...); err == nil {
		s.say("nothing is left: the same %d objects as before", len(s.before))
	}
	return err
}

func (s *scene) endDays(ctx context.Context) error {
	background := metav1.DeletePropagationBackground
	all := metav1.ListOptions{}
	err := errors.Join(
		s.kube.BatchV1().CronJobs(namespace).DeleteCollection(ctx, metav1.DeleteOptions{PropagationPolicy: &background}, all),
		s.kube.BatchV1().Jobs(namespace).DeleteCollection(ctx, metav1.DeleteOptions{PropagationPolicy: &background}, all),
	)
	return errors.Join(err, await(ctx, patience, func() (bool, string, error) {
		pods, err := s.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "job-name"})
		if err != nil {
			return false, "", err
		}
		return len(pods.Items) == 0, fmt.Sprintf("%d pods of game days go on", len(pods.Items)), nil
	}))
}

func (s *scene) say(format string, args ...any) { fmt.Fprintf(s.w, "  "+format+"\n", args...) }

// values are the chart's, with a configuration that has more sections, and the rights
// of it.
func (s *scene) values(sections string, more map[string]any) (map[string]any, error) {
	config := s.config + sections
	file := filepath.Join(s.out, "aftershock.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	rights, err := exec.Command(program, "rbac", "-f", file).Output()
	if err != nil {
		return nil, fmt.Errorf("aftershock rbac: %w: run make build", err)
	}
	values := map[string]any{"image": s.image, "imagePullPolicy": "Never", "config": config, "rights": string(rights)}
	maps.Copy(values, more)
	return values, nil
}

// install installs the chart, or upgrades what is installed.
func (s *scene) install(ctx context.Context, sections string, more map[string]any) error {
	values, err := s.values(sections, more)
	if err != nil {
		return err
	}
	chart, err := loader.Load("../chart")
	if err != nil {
		return err
	}
	if s.there {
		a := action.NewUpgrade(s.helm)
		a.Namespace, a.WaitStrategy, a.Timeout = namespace, kube.StatusWatcherStrategy, patience
		_, err = a.RunWithContext(ctx, release, chart, values)
		return err
	}
	a := action.NewInstall(s.helm)
	a.ReleaseName, a.Namespace, a.WaitStrategy, a.Timeout = release, namespace, kube.StatusWatcherStrategy, patience
	s.there = true
	_, err = a.RunWithContext(ctx, chart, values)
	return err
}

func (s *scene) uninstall(ctx context.Context) error {
	a := action.NewUninstall(s.helm)
	a.WaitStrategy, a.Timeout, a.DeletionPropagation = kube.StatusWatcherStrategy, patience, "foreground"
	if _, err := a.Run(release); err != nil {
		return err
	}
	s.there = false
	// What keeps runs from beginning until the rights are gone, and ends by itself.
	if err := s.kube.CoreV1().ConfigMaps(namespace).Delete(ctx, "aftershock-stop", metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("the stop of the uninstallation: %w", err)
	}
	return nil
}

// log is what a pod printed.
func (s *scene) log(ctx context.Context, pod string) (string, error) {
	text, err := s.kube.CoreV1().Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{}).DoRaw(ctx)
	return string(text), err
}

// await polls until it is so. The error says what is, instead.
func await(ctx context.Context, within time.Duration, is func() (so bool, instead string, err error)) error {
	for end := time.Now().Add(within); ; {
		so, instead, err := is()
		switch {
		case err == nil && so:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Now().After(end):
			return errors.Join(fmt.Errorf("after %s: %s", within, instead), err)
		}
		pause(ctx, 300*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// left is what is in the cluster and was not, or is no more, once nothing is or after
// a minute.
func (s *scene) left(ctx context.Context, before map[string]string) (left []string, err error) {
	for end := time.Now().Add(time.Minute); ; pause(ctx, time.Second) {
		now, err := s.objects(ctx)
		left = nil
		for what, uid := range now {
			if before[what] == "" {
				left = append(left, what)
			} else if before[what] != uid {
				left = append(left, "another "+what)
			}
		}
		for what := range before {
			if now[what] == "" {
				left = append(left, "no "+what)
			}
		}
		slices.Sort(left)
		if len(left) == 0 && err == nil || time.Now().After(end) || ctx.Err() != nil {
			return left, err
		}
	}
}
