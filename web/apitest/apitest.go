// Package apitest checks requests to the API, and its answers, by the API's own description. It is
// for tests. Start at New.
package apitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	problems "github.com/pb33f/libopenapi-validator/errors"
)

// Checker checks by a description.
type Checker struct{ validator validator.Validator }

// New returns a checker by an OpenAPI description. A field of an answer that the description does
// not name is an error, though clients must ignore it: a new one is to be described.
func New(description []byte) (Checker, error) {
	closed, err := closeSchemas(description)
	if err != nil {
		return Checker{}, fmt.Errorf("reading the description: %w", err)
	}
	document, err := libopenapi.NewDocument(closed)
	if err != nil {
		return Checker{}, fmt.Errorf("reading the description: %w", err)
	}
	v, errs := validator.NewValidator(document, config.WithFormatAssertions())
	if len(errs) > 0 {
		return Checker{}, fmt.Errorf("reading the description: %w", errors.Join(errs...))
	}
	if ok, found := v.ValidateDocument(); !ok {
		return Checker{}, fmt.Errorf("the description is no OpenAPI: %w", join(found))
	}
	return Checker{v}, nil
}

// closeSchemas returns the description with schemas of objects that have the fields that they name,
// and no others.
func closeSchemas(description []byte) ([]byte, error) {
	var document map[string]any
	if err := json.Unmarshal(description, &document); err != nil {
		return nil, err
	}
	components, _ := document["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	for _, schema := range schemas {
		if schema, ok := schema.(map[string]any); ok && schema["properties"] != nil {
			schema["additionalProperties"] = false
		}
	}
	return json.Marshal(document)
}

// Request returns what is wrong with a request; nil if it is as described.
func (c Checker) Request(r *http.Request) error {
	if ok, found := c.validator.ValidateHttpRequest(r); !ok {
		return join(found)
	}
	return nil
}

// Answer returns what is wrong with the answer to a request; nil if it is as described. It reads
// the body and puts it back.
func (c Checker) Answer(r *http.Request, answer *http.Response) error {
	if ok, found := c.validator.ValidateHttpResponse(r, answer); !ok {
		return join(found)
	}
	return nil
}

func join(found []*problems.ValidationError) error {
	var all []error
	for _, p := range found {
		all = append(all, fmt.Errorf("%s: %s", p.Message, p.Reason))
		for _, s := range p.SchemaValidationErrors {
			all = append(all, fmt.Errorf("%s: %s", s.FieldPath, s.Reason))
		}
	}
	return errors.Join(all...)
}
