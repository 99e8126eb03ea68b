// Package kubewatch records what Kubernetes does around an experiment: pods
// that come, become ready, stop, start again and go, the endpoints that a service sends traffic
// to, and the sizes of replica sets. A recovery is told from it stage by
// stage, and that a victim, by its UID, is really gone.
//
//	err = experiments.Experiment{
//		Observers: []experiments.Observer{kubewatch.Observer{
//			Client:    client,
//			Namespace: "shop",
//			Selector:  map[string]string{"app": "checkout"},
//			Services:  []string{"checkout"},
//		}},
//		...
//	}.Run(ctx, recorder)
//
// It is named after what it watches and what it does with it, to set it apart
// from package steadystate/kube: that one yields values, which a hypothesis is
// about and which are good or bad; this one records events, which are neither.
// Both see through the same [kube.Watch].
//
// Each event's span reaches from the last instant at which the state before is
// known to have been there to the arrival of the news. While the API server
// cannot be read, there is an event of kind [experiments.EventBlind] over the whole gap, so
// that silence is not taken for rest.
//
// A kind of object is one entry in [Observer] and one pure function in a file
// of its own, from two states of an object to what happened between them.
package kubewatch
