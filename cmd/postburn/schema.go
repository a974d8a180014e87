package main

import "github.com/postburn/postburn/config"

// schemaCommand prints what an SLO file may have, for editors.
type schemaCommand struct {
	Config bool `help:"Print that of the file that POSTBURN_CONFIG_FILE names instead."`
}

// Run prints the JSON Schema.
func (c schemaCommand) Run(s surroundings) error {
	schemaOf := config.Schema
	if c.Config {
		schemaOf = config.ConfigSchema
	}
	schema, err := schemaOf()
	if err != nil {
		return err
	}
	_, err = s.stdout.Write(schema)
	return err
}
