// Package argo has of the API of Argo Rollouts what this program reads and patches:
// the kind Rollout of argoproj.io/v1alpha1, in part. The types of Argo's own module
// would bring its dependencies with them.
//
//	scheme := runtime.NewScheme()
//	argo.AddToScheme(scheme)
//	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
//	var rollouts argo.RolloutList
//	err = c.List(ctx, &rollouts, client.InNamespace("shop"))
//
// An object read as a [Rollout] lacks the fields that the type lacks. Never update or
// merge it: patch single fields, by their paths.
package argo
