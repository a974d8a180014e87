package openslo

import (
	"testing"

	"github.com/postburn/postburn/config/foreign/foreigntest"
)

// TestDocuments has a document, or a folder of them, for each rule of the reader.
func TestDocuments(t *testing.T) { foreigntest.Documents(t, Format()) }

func FuzzDocuments(f *testing.F) { foreigntest.Fuzz(f, Format()) }
