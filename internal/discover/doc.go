// Package discover finds what there is to test in a cluster, and writes a first
// configuration file of it, with the reasons as comments. It only reads the
// cluster; the URLs of the chosen services are asked a few times.
//
//	finder := discover.Finder{Client: c, Namespaces: []string{"shop"}}
//	cluster, err := finder.Find(ctx)
//	chosen, err := cluster.Choose("deployment/checkout")
//	chosen[0].Reach(ctx, finder, "")
//	draft := discover.Draft{Cluster: cluster, Context: "staging", Services: chosen}
//	fmt.Print(draft.Text())
package discover
