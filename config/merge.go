package config

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/steadystate"
)

// merge is a JSON merge patch (RFC 7386) of patch onto base: mappings merge,
// null removes, anything else replaces. Neither is changed; the result shares
// their nodes, so that each keeps its line. Base may be nil.
//
// Limits are the exception: of a list of them in both, each of the patch
// replaces those on the same quantity and phase, so that saying one drops no other.
func merge(base, patch *yaml.Node) *yaml.Node { return mergeAt(base, patch, nil) }

func mergeAt(base, patch *yaml.Node, path []string) *yaml.Node {
	patch = resolved(patch)
	if base == nil {
		base = &yaml.Node{}
	}
	base = resolved(base)
	merged := *patch
	switch {
	case patch.Kind == yaml.SequenceNode && base.Kind == yaml.SequenceNode && ofLimits(path):
		merged.Content = steadystate.Merge(base.Content, patch.Content, limitKey)
		return &merged
	case patch.Kind != yaml.MappingNode:
		return patch
	}
	merged.Content = nil
	if base.Kind == yaml.MappingNode {
		merged.Content = slices.Clone(base.Content)
	}
	for i := 0; i < len(patch.Content); i += 2 {
		key, value := patch.Content[i], resolved(patch.Content[i+1])
		at := index(&merged, key.Value)
		inner := append(slices.Clone(path), key.Value)
		// An experiment's load is a patch of the service's, and its abort one of the
		// file's, from which they remove.
		removes := value.Tag == "!!null" && (len(path) == 0 || path[0] != "load" && path[0] != "abort")
		switch {
		case removes && at >= 0:
			merged.Content = slices.Delete(merged.Content, at, at+2)
		case removes:
		case at >= 0:
			merged.Content[at], merged.Content[at+1] = key, mergeAt(merged.Content[at+1], value, inner)
		default:
			merged.Content = append(merged.Content, key, mergeAt(nil, value, inner))
		}
	}
	return &merged
}

// ofLimits reports whether the path is that of a check's limits, or of those of a
// check in an experiment.
func ofLimits(path []string) bool { return len(path) > 0 && len(path) <= 2 && path[0] == "limits" }

// limitKey is the same for limits on the same. A text that is no limit is kept, to
// be reported.
func limitKey(n *yaml.Node) string {
	text := resolved(n).Value
	if l, err := steadystate.ParseLimit(text); err == nil {
		return l.Key()
	}
	return autoscaling.Evaluator{}.Key(text)
}
