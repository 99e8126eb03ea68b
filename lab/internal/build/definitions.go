package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// definitions are the custom resource definitions of a module that folder, a module below the lab's, needs: a folder with a
// JSON file for each, which a start reads far faster than YAML.
func definitions(name, folder, module, files string) Product {
	return Product{
		Name:   name,
		Module: folder,
		Recipe: []string{module, "json", "partitionBehavior"},
		Make: func(ctx context.Context, in, out string, step func()) error {
			cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module)
			cmd.Dir = in
			dir, err := cmd.Output()
			if err != nil {
				return fmt.Errorf("find module %s: %w", module, err)
			}
			found, err := filepath.Glob(filepath.Join(string(bytes.TrimSpace(dir)), files))
			if err != nil || len(found) == 0 {
				return fmt.Errorf("no definitions in module %s: %w", module, os.ErrNotExist)
			}
			if err := os.MkdirAll(out, 0o755); err != nil {
				return err
			}
			for _, file := range found {
				content, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				list, err := convert(content)
				if err != nil {
					return fmt.Errorf("convert %s: %w", file, err)
				}
				for name, converted := range list {
					if err := os.WriteFile(filepath.Join(out, name+".json"), converted, 0o644); err != nil {
						return err
					}
					step()
				}
			}
			return nil
		},
	}
}

// convert converts the definitions of a file to JSON, with what they lack, by their names.
func convert(content []byte) (map[string][]byte, error) {
	list := map[string][]byte{}
	for d := yaml.NewYAMLToJSONDecoder(bytes.NewReader(content)); ; {
		var crd unstructured.Unstructured
		err := d.Decode(&crd.Object)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		if crd.GetName() == "" {
			return nil, errors.New("a definition has no name")
		}
		complete(crd.Object)
		if list[crd.GetName()], err = json.Marshal(crd.Object); err != nil {
			return nil, err
		}
	}
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
