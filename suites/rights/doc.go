// Package rights names the rights that requests to a Kubernetes API need, as
// RBAC names them: read from the requests themselves, merged, written as Roles
// and bindings, and checked for an account.
//
//	rule, ok := rights.Of(request)          // get deployments checkout in shop
//	list := rights.Merge(asked)             // sorted, each once
//	objects := rights.Grant(list, account)  // for kubectl apply
//	missing, err := rights.Missing(ctx, client, list)
package rights
