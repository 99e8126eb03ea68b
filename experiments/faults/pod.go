package faults

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/record"
)

// OtherBuild says that a pod's program, which is of this version, is not of the version of
// this one; "": it is. Versions that do not tell theirs are older.
func OtherBuild(version string) string {
	has := "version " + version
	switch version {
	case record.Tool():
		return ""
	case "":
		has = "an older version"
	}
	return fmt.Sprintf("its image has %s of the program, and this one is %s: name an image of this version", has, record.Tool())
}

// nonRoot is the user ID in a pod of the program's own.
const nonRoot = 65532

// OwnPod returns the spec of a pod that runs the program's own image once, with these
// arguments, as a user without any rights on the node or in the cluster.
func OwnPod(container, image string, args ...string) corev1.PodSpec {
	return corev1.PodSpec{
		RestartPolicy:                corev1.RestartPolicyNever,
		AutomountServiceAccountToken: new(false),
		EnableServiceLinks:           new(false),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   new(true),
			RunAsUser:      new(int64(nonRoot)),
			RunAsGroup:     new(int64(nonRoot)),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name:  container,
			Image: image,
			Args:  args,
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false),
				ReadOnlyRootFilesystem:   new(true),
				Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
			TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		}},
	}
}
