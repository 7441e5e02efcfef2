package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

type object = map[string]any

// schemas writes one file per kind out of Kubernetes' swagger.json and out of definitions of custom resources. Unlike those, the
// files refuse fields that are not known: a misspelled one is the commonest fault of a chart.
func schemas(swagger, out string, crds []string) error {
	data, err := os.ReadFile(swagger)
	if err != nil {
		return err
	}
	var doc struct{ Definitions map[string]object }
	if err := json.Unmarshal(data, &doc); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	kinds := 0
	for name, s := range doc.Definitions {
		switch {
		case strings.HasSuffix(name, ".IntOrString"):
			doc.Definitions[name] = object{"oneOf": []object{{"type": "string"}, {"type": "integer"}}}
		case strings.HasSuffix(name, ".resource.Quantity"):
			doc.Definitions[name] = object{"oneOf": []object{{"type": "string"}, {"type": "number"}}}
		case s["properties"] != nil && s["additionalProperties"] == nil && !strings.HasSuffix(name, ".JSONSchemaProps"):
			s["additionalProperties"] = false
		}
		list, _ := s["x-kubernetes-group-version-kind"].([]any)
		for _, v := range list {
			gvk := v.(object)
			if err := write(out, gvk["kind"].(string), gvk["group"].(string), gvk["version"].(string), object{"$ref": "_definitions.json#/definitions/" + name}); err != nil {
				return err
			}
			kinds++
		}
	}
	all, err := json.Marshal(object{"definitions": doc.Definitions})
	if err != nil {
		return err
	}
	all = []byte(strings.ReplaceAll(string(all), `"#/definitions/`, `"_definitions.json#/definitions/`))
	if err := os.WriteFile(filepath.Join(out, "_definitions.json"), all, 0o644); err != nil {
		return err
	}
	for _, path := range crds {
		n, err := custom(path, out)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		kinds += n
	}
	fmt.Println(kinds, "schemas")
	return nil
}

// write names a file as kubeconform looks for it: kind, first part of the group, version.
func write(out, kind, group, version string, schema any) error {
	stem := strings.ToLower(kind)
	if first, _, _ := strings.Cut(group, "."); first != "" {
		stem += "-" + first
	}
	data, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, stem+"-"+version+".json"), data, 0o644)
}

func custom(path, out string) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct{ OpenAPIV3Schema object }
			}
		}
	}
	if err := yaml.Unmarshal(data, &crd); err != nil {
		return 0, err
	}
	for _, v := range crd.Spec.Versions {
		s := v.Schema.OpenAPIV3Schema
		strict(s)
		s["properties"].(object)["metadata"] = object{"type": "object"}
		if err := write(out, crd.Spec.Names.Kind, crd.Spec.Group, v.Name, s); err != nil {
			return 0, err
		}
	}
	return len(crd.Spec.Versions), nil
}

// strict refuses unknown fields wherever the definition does not invite them.
func strict(v any) {
	switch v := v.(type) {
	case object:
		if v["properties"] != nil && v["additionalProperties"] == nil && v["x-kubernetes-preserve-unknown-fields"] == nil {
			v["additionalProperties"] = false
		}
		if v["x-kubernetes-int-or-string"] == true {
			delete(v, "type")
			v["anyOf"] = []any{object{"type": "string"}, object{"type": "integer"}}
		}
		for key, child := range v {
			if key == "anyOf" || key == "oneOf" || key == "allOf" || key == "not" {
				continue // these narrow what is said beside them: they name only some of the fields
			}
			strict(child)
		}
	case []any:
		for _, child := range v {
			strict(child)
		}
	}
}
