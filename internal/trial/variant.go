package trial

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"
)

// LabFile is the lab's configuration.
const LabFile = "lab/aftershock.yaml"

// Variant writes a configuration with these changes, one after the other: each is a merge
// patch (RFC 7386) in YAML. What has an anchor is changed for all its aliases.
func Variant(from, to string, patches ...string) error {
	text, err := os.ReadFile(from) //nolint:gosec // of the command line
	if err != nil {
		return fmt.Errorf("%w: is the lab up? see lab/README.md", err)
	}
	var file yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil || len(file.Content) != 1 {
		return errors.Join(err, fmt.Errorf("%s is not a configuration", from))
	}
	for _, patch := range patches {
		var by yaml.Node
		if err := yaml.Unmarshal([]byte(patch), &by); err != nil {
			return fmt.Errorf("change %s: %w", from, err)
		}
		file.Content[0] = patched(file.Content[0], by.Content[0])
	}
	text, err = yaml.Marshal(&file)
	return errors.Join(err, os.WriteFile(to, text, 0o600))
}

// patched merges mappings; null removes, and anything else replaces.
func patched(node, by *yaml.Node) *yaml.Node {
	if by.Kind != yaml.MappingNode {
		return by
	}
	merged := yaml.Node{Kind: yaml.MappingNode}
	if node.Kind == yaml.MappingNode {
		merged = *node
	}
	merged.Content = slices.Clone(merged.Content)
	for i := 0; i < len(by.Content); i += 2 {
		key, value, at := by.Content[i], by.Content[i+1], 0
		for at < len(merged.Content) && merged.Content[at].Value != key.Value {
			at += 2
		}
		if value.Tag == "!!null" {
			merged.Content = slices.Delete(merged.Content, at, min(at+2, len(merged.Content)))
			continue
		}
		if at == len(merged.Content) {
			merged.Content = append(merged.Content, key, &yaml.Node{})
		}
		merged.Content[at+1] = patched(merged.Content[at+1], value)
	}
	return &merged
}
