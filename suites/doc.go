// Package suites holds the standard suites: functions from a configuration to
// experiments. The same experiments are run by the program and, through the
// package specs, by ginkgo.
//
//	config, err := suites.Load("aftershock.yaml")
//	target, err := config.Connect()
//	defer target.Close()
//	if err := target.Preflight(ctx, suites.All(target), say); err != nil {
//		return err // nothing was touched
//	}
//	for _, e := range suites.All(target) {
//		err := e.Run(ctx, recorder)
//	}
package suites
