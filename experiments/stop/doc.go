// Package stop refuses new runs and ends running ones, when a person says so and while
// a freeze is in force.
//
// A person's stop is an entry of the ConfigMap [Name] in the program's own namespace.
// It applies to every run that uses that namespace, and needs no harness: kubectl can
// write it, too.
//
//	err := stop.Set(ctx, c, "aftershock", stop.Stop{Scope: stop.Scope{All: true}, Reason: "checkout is down"})
//	removed, err := stop.Resume(ctx, c, "aftershock", stop.Scope{All: true})
//
// A freeze is a time window, or an incident that Prometheus reports. Both a stop and a
// freeze are safeguards of a run:
//
//	e.Safeguards = append(e.Safeguards,
//		&stop.Switch{Client: c, Namespace: "aftershock", Services: map[string]kube.Workload{"checkout": checkout}},
//		&stop.Freeze{Windows: []stop.Window{{Schedule: "0 18 * * FRI", For: 62 * time.Hour, Timezone: "Europe/Berlin"}}},
//	)
//
// # Doubt stops a run
//
// A run begins, and injects, only if the API server answers that there is no such
// ConfigMap, or one without an entry for this run. An entry that cannot be parsed stops
// all runs, and one whose end cannot be parsed has no end. If the request fails, the
// fault is not injected; a run that cannot read the stops for 10 s is blind, and ends.
//
// # Rights
//
// A run needs get and watch on the ConfigMap aftershock-stop. Without watch it sees
// a stop up to a second later. A person who stops and resumes needs get, create,
// update and delete.
package stop
