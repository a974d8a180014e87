package web

import (
	"maps"
	"slices"
)

// What the tests describe: the answers of the API.
type (
	ErrorAnswer      = errorAnswer
	IncidentsAnswer  = incidentsAnswer
	ObjectiveAnswer  = objectiveAnswer
	ObjectivesAnswer = objectivesAnswer
)

// DescriptionJSON is what is served.
var DescriptionJSON = descriptionJSON

// Paths returns the paths of the API, sorted.
func (h *Handler) Paths() []string { return slices.Sorted(maps.Keys(apiHandler{h.shared}.endpoints())) }
