package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// gateName is what the gate is called by who asks it.
const gateName = release + "-gate." + namespace

// day is a section with a game day that a person begins.
func day(name, schedule, more string) string {
	return fmt.Sprintf("gamedays:\n  %s:\n    why: does the chart work\n    owner: its tests\n    start: %q\n%s", name, schedule, more)
}

const (
	rarely   = "0 0 29 2 *"
	oneStep  = "    steps: [{run: checkout/kill}]\n"
	longStep = "    steps: [{run: checkout/long}]\n"
)

// installs shows a whole life of a release, with a gate.
func installs(ctx context.Context, s *scene) error {
	token, roots, err := s.secrets(ctx)
	if err != nil {
		return err
	}
	staged, err := s.objects(ctx)
	if err != nil {
		return err
	}
	more := map[string]any{"gate": map[string]any{
		"enabled": true, "tokenSecret": "gate-token", "tlsSecret": "gate-tls", "from": []any{map[string]any{"ipBlock": map[string]any{"cidr": "198.18.0.0/24"}}},
	}}
	if err := s.install(ctx, day("first", rarely, oneStep), more); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	gate, err := s.pod(ctx, "app.kubernetes.io/component=gate")
	if err != nil {
		return err
	}
	answers, err := s.ask(ctx, token, roots)
	if err != nil {
		return err
	}
	s.say("installed; the gate answers on its own name, by its certificate: %s", answers)

	if err := s.install(ctx, day("second", rarely, oneStep), more); err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	jobs, err := s.kube.BatchV1().CronJobs(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if len(jobs.Items) != 1 || jobs.Items[0].Name != release+"-second" {
		return fmt.Errorf("after an upgrade the CronJobs are %v", names(jobs.Items))
	}
	another, err := s.pod(ctx, "app.kubernetes.io/component=gate")
	if err != nil {
		return err
	}
	if another.UID == gate.UID {
		return errors.New("an upgrade left the gate with the file of before")
	}
	if _, err = s.ask(ctx, token, roots); err != nil {
		return err
	}
	s.say("upgraded: CronJob %s in place of %s-first, and the gate began again with the new file", jobs.Items[0].Name, release)

	if err := s.uninstall(ctx); err != nil {
		return fmt.Errorf("uninstall: %w", err)
	}
	left, err := s.left(ctx, staged)
	if want := []string{"persistentvolumeclaims " + namespace + "/" + claims[1], "persistentvolumeclaims " + namespace + "/" + claims[0]}; err != nil || !slices.Equal(left, want) {
		return errors.Join(err, fmt.Errorf("an uninstallation left %q, want %q", left, want))
	}
	was, err := s.claims(ctx)
	if err != nil {
		return err
	}
	s.say("uninstalled: both claims stay, as persistence.keep says, and nothing else but the stop")

	more["persistence"] = map[string]any{"keep": false}
	if err := s.install(ctx, day("first", rarely, oneStep), more); err != nil {
		return fmt.Errorf("install again: %w", err)
	}
	if _, err = s.ask(ctx, token, roots); err != nil {
		return err
	}
	if is, err := s.claims(ctx); err != nil || !slices.Equal(is, was) {
		return errors.Join(err, fmt.Errorf("installed again the claims are %q, want %q", is, was))
	}
	if err := s.uninstall(ctx); err != nil {
		return fmt.Errorf("uninstall again: %w", err)
	}
	if left, err = s.left(ctx, staged); err != nil || len(left) > 0 {
		return errors.Join(err, fmt.Errorf("without persistence.keep an uninstallation left %q", left))
	}
	s.say("installed again with these claims and persistence.keep=false, and uninstalled: nothing stays")
	return nil
}

// claims are the uids of the release's claims.
func (s *scene) claims(ctx context.Context) (uids []types.UID, err error) {
	for _, name := range claims {
		claim, errGet := s.kube.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{})
		err = errors.Join(err, errGet)
		uids = append(uids, claim.UID)
	}
	return uids, err
}

func names(jobs []batchv1.CronJob) (list []string) {
	for _, j := range jobs {
		list = append(list, j.Name)
	}
	return list
}

// secrets makes the token and the certificate of the gate.
func (s *scene) secrets(ctx context.Context) (token string, roots *x509.CertPool, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{gateName}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return "", nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", nil, err
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(public)
	token = rand.Text()
	err = errors.Join(
		s.secret(ctx, "gate-token", map[string][]byte{"token": []byte(token)}),
		s.secret(ctx, "gate-tls", map[string][]byte{"tls.crt": public, "tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})}),
	)
	return token, roots, err
}

func (s *scene) secret(ctx context.Context, name string, data map[string][]byte) error {
	_, err := s.kube.CoreV1().Secrets(namespace).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}, metav1.CreateOptions{})
	return err
}

// pod is the one with labels.
func (s *scene) pod(ctx context.Context, labels string) (pod corev1.Pod, err error) {
	list, err := s.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: labels})
	if err == nil && len(list.Items) != 1 {
		err = fmt.Errorf("%d pods with %s, want one", len(list.Items), labels)
	}
	if err != nil {
		return pod, err
	}
	return list.Items[0], nil
}

// ask asks the gate by its Service, with and without the token.
func (s *scene) ask(ctx context.Context, token string, roots *x509.CertPool) (answers string, err error) {
	service, err := s.kube.CoreV1().Services(namespace).Get(ctx, release+"-gate", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: gateName, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}}
	get := func(path, token string) (int, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://%s:%d%s", service.Spec.ClusterIP, service.Spec.Ports[0].Port, path), nil)
		if err != nil {
			return 0, err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, response.Body)
		return response.StatusCode, errors.Join(err, response.Body.Close())
	}
	// The node's rules may be older than the Service.
	if err := await(ctx, 20*time.Second, func() (bool, string, error) {
		code, err := get("/healthz", "")
		return code == http.StatusOK, fmt.Sprintf("the gate answers %d", code), err
	}); err != nil {
		return "", err
	}
	var said []string
	for _, row := range []struct {
		what, token string
		want        int
	}{{"with the token", token, http.StatusOK}, {"without it", "", http.StatusUnauthorized}} {
		code, err := get("/gates", row.token)
		if err != nil || code != row.want {
			return "", errors.Join(err, fmt.Errorf("%s the gate answers %d, want %d", row.what, code, row.want))
		}
		said = append(said, fmt.Sprintf("%s %d", row.what, code))
	}
	return strings.Join(said, ", "), nil
}

// refusesToLeave uninstalls while a fault is in place.
func refusesToLeave(ctx context.Context, s *scene) error {
	if err := s.install(ctx, day("long", rarely, longStep), nil); err != nil {
		return err
	}
	job, err := s.begin(ctx, "long")
	if err != nil {
		return err
	}
	chaos := func() (there bool, err error) {
		now, err := s.objects(ctx)
		for what := range now {
			there = there || strings.HasPrefix(what, "networkchaos.chaos-mesh.org shop/")
		}
		return there, err
	}
	if err := await(ctx, patience, func() (bool, string, error) {
		there, err := chaos()
		return there, "no fault is in place", err
	}); err != nil {
		printed, _ := s.logOf(ctx, job)
		return fmt.Errorf("%w\n%s", err, printed)
	}
	refused := s.uninstall(ctx)
	if refused == nil {
		pause(ctx, 30*time.Second)
		there, err := chaos()
		return errors.Join(err, fmt.Errorf("a release was uninstalled while a fault of it was in place; half a minute later one is: %t", there))
	}
	s.say("while a fault is in place: %v", refused)
	code, err := s.ends(ctx, job)
	if err != nil {
		return err
	}
	there, err := chaos()
	if err != nil || there || code == 5 {
		printed, _ := s.logOf(ctx, job)
		return errors.Join(err, fmt.Errorf("the day ended with %d, a fault in place: %t\n%s", code, there, printed))
	}
	s.say("the day went on to its end, with %d, and its fault is undone", code)
	if err := s.uninstall(ctx); err != nil {
		return fmt.Errorf("uninstall once nothing is in place: %w", err)
	}
	s.say("then it was uninstalled")
	return nil
}

// begin runs a game day now, as "kubectl create job --from" does.
func (s *scene) begin(ctx context.Context, day string) (job string, err error) {
	from, err := s.kube.BatchV1().CronJobs(namespace).Get(ctx, release+"-"+day, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	made, err := s.kube.BatchV1().Jobs(namespace).Create(ctx, &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: release + "-now", OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(from, batchv1.SchemeGroupVersion.WithKind("CronJob"))}},
		Spec:       from.Spec.JobTemplate.Spec,
	}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return made.Name, nil
}

// ends waits until the pod of a Job has ended, and returns its exit code.
func (s *scene) ends(ctx context.Context, job string) (code int32, err error) {
	err = await(ctx, 4*time.Minute, func() (bool, string, error) {
		pod, err := s.pod(ctx, "job-name="+job)
		if err != nil || len(pod.Status.ContainerStatuses) == 0 || pod.Status.ContainerStatuses[0].State.Terminated == nil {
			return false, job + " goes on", err
		}
		code = pod.Status.ContainerStatuses[0].State.Terminated.ExitCode
		return true, "", nil
	})
	return code, err
}

// logOf is what the pod of a Job printed.
func (s *scene) logOf(ctx context.Context, job string) (string, error) {
	pod, err := s.pod(ctx, "job-name="+job)
	if err != nil {
		return "", err
	}
	return s.log(ctx, pod.Name)
}
