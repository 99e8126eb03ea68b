// Package suites connects the plan of a configuration file, a [config.Plan], to a cluster
// and makes experiments of it. Cmd/aftershock runs them, and so does Ginkgo through package
// specs.
//
//	plan, err := config.Read("aftershock.yaml")
//	session, err := suites.Connect(plan)
//	defer session.Close()
//	chosen, err := session.Read(ctx, plan.Planned)
//	list, err := session.Experiments(chosen)
//	if err := session.Preflight(ctx, list, say); err != nil {
//		return err // nothing was touched
//	}
//	for _, e := range list {
//		report, err := directory.Run(ctx, e.Experiment) // a runs.Directory
//	}
package suites
