// Package suites runs what a configuration file names on a cluster: it connects a
// [config.Plan] to one and makes experiments of it. The program runs them, and
// ginkgo does through the package specs.
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
