package main

import "github.com/postburn/postburn/config"

// schemaCommand prints what an SLO file may have, for editors.
type schemaCommand struct{}

// Run prints the JSON Schema.
func (schemaCommand) Run(s surroundings) error {
	schema, err := config.Schema()
	if err != nil {
		return err
	}
	_, err = s.stdout.Write(schema)
	return err
}
