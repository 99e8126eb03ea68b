package build

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// definitions are the custom resource definitions of Chaos Mesh, taken from its module: a folder with a JSON file for each,
// which a start reads far faster than YAML.
func definitions() Product {
	const chaos = "github.com/chaos-mesh/chaos-mesh"
	return Product{
		Name:   "crds",
		Recipe: []string{chaos, "json", "partitionBehavior"},
		Make: func(ctx context.Context, module, out string, step func()) error {
			cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", chaos)
			cmd.Dir = module
			dir, err := cmd.Output()
			if err != nil {
				return fmt.Errorf("find module %s: %w", chaos, err)
			}
			files, err := filepath.Glob(filepath.Join(string(bytes.TrimSpace(dir)), "config", "crd", "bases", "*.yaml"))
			if err != nil || len(files) == 0 {
				return fmt.Errorf("no definitions in module %s: %w", chaos, os.ErrNotExist)
			}
			if err := os.MkdirAll(out, 0o755); err != nil {
				return err
			}
			for _, file := range files {
				content, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				converted, err := definition(content)
				if err != nil {
					return fmt.Errorf("convert %s: %w", file, err)
				}
				name := strings.TrimSuffix(filepath.Base(file), ".yaml") + ".json"
				if err := os.WriteFile(filepath.Join(out, name), converted, 0o644); err != nil {
					return err
				}
				step()
			}
			return nil
		},
	}
}

// definition converts a definition to JSON, with what it lacks.
func definition(content []byte) ([]byte, error) {
	var crd map[string]any
	if err := yaml.Unmarshal(content, &crd); err != nil {
		return nil, err
	}
	complete(crd)
	return json.Marshal(crd)
}

// complete adds the field partitionBehavior to each place of a definition that describes a NetworkChaos. The webhook for
// defaults, which is of a newer version than the definitions, sets it; without it in the definition the API server drops it
// again, the webhook for validation then takes each update for a change of the spec, which is not allowed, and no
// NetworkChaos is ever injected.
func complete(node any) {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			complete(child)
		}
	case map[string]any:
		for _, child := range node {
			complete(child)
		}
		properties, _ := node["properties"].(map[string]any)
		if properties["externalTargets"] != nil && properties["direction"] != nil && properties["partitionBehavior"] == nil {
			properties["partitionBehavior"] = map[string]any{
				"type": "string", "enum": []any{"drop", "reject"}, "default": "drop",
			}
		}
	}
}
