// Package rights derives RBAC rights from requests to a Kubernetes API, merges them,
// writes them as Roles and bindings, and checks whether an account has them.
//
//	rule, ok := rights.Of(request)          // get deployments checkout in shop
//	list := rights.Merge(asked)             // sorted, without duplicates
//	objects := rights.Grant(list, account)  // for kubectl apply
//	missing, err := rights.Missing(ctx, client, list)
package rights
