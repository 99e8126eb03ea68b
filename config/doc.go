// Package config reads a configuration file and makes a plan of it: which
// experiments run, on which services, each with every reference resolved. It
// knows no cluster.
//
// A file names checks, services and experiments, and refers to them by name. The
// catalogue of the standard suites is written in the same language; what one of
// its experiments does, one of a file can do. An experiment that is "from" another
// is a JSON merge patch of it (RFC 7386).
//
//	plan, err := config.Read("aftershock.yaml")
//	if err != nil {
//		return err // every mistake, with its line and the choices
//	}
//	for _, e := range plan.Planned {
//		fmt.Println(e.ID(), e.Times.Hold)
//	}
//
// [Planned] is an experiment that runs, with every default. [File], which a [Plan] has, and
// the types of its fields are the file as it is written; docs/fields.md describes them.
//
// The way of a file: read (YAML to nodes), expand (environment variables), decode
// (nodes to the types of file.go), resolve (references, merges, defaults), plan.
package config
