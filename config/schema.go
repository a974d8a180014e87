package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Type is what form a key's value has.
type Type int

// The types of values.
const (
	ofMapping Type = iota // the keys of the table that are in it
	ofDefaults
	ofSLOs
	ofRules
	ofSeverities
	ofLinks
	ofQueries
	ofGroups
	ofLabels
	ofName
	ofLine
	ofText
	ofString
	ofChoice
	ofQuery
	ofRepository
	ofTarget
	ofShare
	ofRate
	ofWhole
	ofTruth
	ofWindow
	ofDuration
	ofDurationOrOff
	ofShortDuration
	ofSources
	ofHeaders
	ofURL
)

// Patterns of texts. Durations are Prometheus' and Go's.
const (
	durationPattern      = `^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$`
	shortDurationPattern = `^([0-9]+(\.[0-9]*)?(ns|us|µs|μs|ms|s|m|h|d|w|y))+$`
	percentPattern       = `^ *[0-9]+(\.[0-9]+)? *%? *$`
)

// jsonObject is a JSON object: a schema, or a part of one.
type jsonObject map[string]any

// Schema returns the JSON Schema of an SLO file, of draft 2020-12. Editors complete and check files
// by it. It knows the keys and the forms of their values; `postburn check` knows more.
func Schema() ([]byte, error) {
	slo := mappingSchema("")
	slo["required"] = []string{"name"} // others may be in defaults
	defaults := mappingSchema("")
	shared := defaults["properties"].(jsonObject)
	for _, k := range keysIn[""] {
		if k.OnlySLO {
			delete(shared, k.Name)
		}
	}
	root := mappingSchema(inFile)
	root["required"] = []string{"slos"}
	root["$defs"] = jsonObject{"slo": slo, "defaults": defaults}
	return writeSchema(root, "SLO file of postburn")
}

func writeSchema(root jsonObject, title string) ([]byte, error) {
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = title
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// mappingSchema is the schema of a mapping of the table.
func mappingSchema(in string) jsonObject {
	properties := jsonObject{}
	var required []string
	for _, k := range keysIn[in] {
		properties[k.Name] = k.schema()
		if k.Missing != "" && in != "" {
			required = append(required, k.Name)
		}
	}
	s := jsonObject{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		s["required"] = required
	}
	switch in { // which keys belong together
	case "indicator":
		s["minProperties"], s["maxProperties"] = 1, 1
	case "indicator.ratio":
		s["oneOf"] = []jsonObject{{"required": []string{"bad", "total"}}, {"required": []string{"good", "total"}}}
	case "indicator.sampled":
		s["oneOf"] = []jsonObject{{"required": []string{"error_ratio"}, "maxProperties": 1}, {"required": []string{"bad", "total"}}}
	case "incident.burn":
		s["required"] = []string{"rate", "long", "short"}
	case "incident.severity":
		s["minProperties"] = 1
	}
	return s
}

// schema is that of a key's values, with what people are told of them.
func (k Key) schema() jsonObject {
	s := k.Type.schema(k)
	s["description"] = k.About + ": " + k.Value
	if value, ok := defaultValues[k.Path()]; ok {
		var text any
		if err := value.Decode(&text); err == nil {
			s["default"] = jsonValue(text)
		}
	}
	return s
}

func (t Type) schema(k Key) jsonObject {
	path := strings.TrimSuffix(pathIn(k.In), ".") + "." + k.Name
	path = strings.TrimPrefix(path, ".")
	switch t {
	case ofMapping:
		return mappingSchema(path)
	case ofDefaults:
		return jsonObject{"$ref": "#/$defs/defaults"}
	case ofSLOs:
		return jsonObject{"type": "array", "minItems": 1, "items": jsonObject{"$ref": "#/$defs/slo"}}
	case ofRules:
		return jsonObject{"type": "array", "items": mappingSchema(path)}
	case ofSeverities:
		return jsonObject{
			"type": "object", "additionalProperties": false,
			"patternProperties": jsonObject{fmt.Sprintf("^[1-%d]$", alert.MaxSeverity): mappingSchema(path)},
		}
	case ofWindow:
		return jsonObject{"anyOf": []jsonObject{text(durationPattern, 1, 0), mappingSchema(path)}}
	case ofLinks:
		return byName(text("^https?://", 0, 0))
	case ofSources:
		names := text("^[a-z0-9-]+$", 1, maxName)
		names["not"] = jsonObject{"const": slo.DefaultSource}
		return jsonObject{"type": "object", "propertyNames": names, "additionalProperties": mappingSchema(inSource)}
	case ofHeaders:
		value := jsonObject{"anyOf": []jsonObject{text("", 1, 0), {"type": "number"}, mappingSchema(inHeaders)}}
		return jsonObject{"type": "object", "propertyNames": text(headerName.String(), 0, 0), "additionalProperties": value}
	case ofURL:
		return text("^https?://", 0, 0)
	case ofQueries:
		s := byName(text("", 1, maxQuery))
		s["maxProperties"] = maxEvidenceQueries
		return s
	}
	return t.scalar(k)
}

func (t Type) scalar(k Key) jsonObject {
	switch t {
	case ofGroups:
		return jsonObject{"type": "array", "minItems": 1, "uniqueItems": true, "items": text(`^([^_\s]\S*|_([^_\s]\S*)?)$`, 1, 0)}
	case ofLabels:
		return jsonObject{"type": "array", "uniqueItems": true, "items": text("", 1, maxLabel)}
	case ofName:
		return text("^[a-z0-9-]+$", 1, maxName)
	case ofLine:
		return text("", 1, maxShortText)
	case ofText:
		return text("", 0, maxDescription)
	case ofChoice:
		return jsonObject{"enum": k.Choices}
	case ofQuery:
		return text("", 1, maxQuery)
	case ofRepository:
		return text(repositoryName.String(), 0, 0)
	case ofTarget:
		return jsonObject{"anyOf": []jsonObject{text(percentPattern, 0, 0), {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}}}
	case ofShare:
		return jsonObject{"anyOf": []jsonObject{text(percentPattern, 0, 0), {"type": "number", "minimum": 0, "maximum": 1}}}
	case ofRate:
		return jsonObject{"type": "number", "minimum": 1}
	case ofWhole:
		return jsonObject{"type": "integer", "minimum": 0}
	case ofTruth:
		return jsonObject{"type": "boolean"}
	case ofDuration:
		return jsonObject{"anyOf": []jsonObject{text(durationPattern, 1, 0), {"const": 0}}}
	case ofDurationOrOff:
		return jsonObject{"anyOf": []jsonObject{text(durationPattern, 1, 0), {"const": 0}, {"const": "off"}, {"const": false}}}
	case ofShortDuration:
		return text(shortDurationPattern, 1, 0)
	}
	return text("", 1, 0)
}

// text is a text with a pattern and of a length, in characters; empty or 0 is any.
func text(pattern string, least, most int) jsonObject {
	s := jsonObject{"type": "string"}
	if pattern != "" {
		s["pattern"] = pattern
	}
	if least > 0 {
		s["minLength"] = least
	}
	if most > 0 {
		s["maxLength"] = most
	}
	return s
}

// byName is the schema of values under names that people give them.
func byName(value jsonObject) jsonObject {
	names := jsonObject{"minLength": 1, "maxLength": maxShortText}
	return jsonObject{"type": "object", "propertyNames": names, "additionalProperties": value}
}

// jsonValue makes a value of YAML one that JSON has: its keys are texts.
func jsonValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			v[key] = jsonValue(inner)
		}
	case map[any]any:
		texts := map[string]any{}
		for key, inner := range v {
			texts[fmt.Sprint(key)] = jsonValue(inner)
		}
		return texts
	case []any:
		for i, inner := range v {
			v[i] = jsonValue(inner)
		}
	}
	return value
}
