// Package check shows what is in deploy to the programs for which it is: the chart to Helm and to Kubernetes'
// admission of pods, and the WorkflowTemplate to Argo's types. "make chart" runs its tests.
package check
