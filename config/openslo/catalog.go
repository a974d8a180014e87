package openslo

import (
	"github.com/postburn/postburn/config"
)

// catalog is the objects of all files by kind and name.
type catalog map[[2]string]config.Node

func newCatalog(objects []config.Node) catalog {
	c := catalog{}
	for _, o := range objects {
		m := o.Mapping()
		key := [2]string{text(m, "kind"), text(m.Get("metadata").Mapping(), "name")}
		if first, taken := c[key]; taken && key[0] != "SLO" {
			o.Errorf("%s %q is at %s already", key[0], key[1], first.Position())
			continue
		}
		c[key] = o
	}
	return c
}

func text(m config.Mapping, key string) string { return m.Get(key).Text("text") }

// spec returns the spec of the object that a node names, or of the one that it is itself. The zero
// Node is returned for one that is not there, which is reported.
func (c catalog) spec(kind string, ref, inline config.Node) config.Node {
	if inline.Exists() {
		return inline.Mapping("kind", "apiVersion", "metadata", "spec").Need("spec", "it says what it is")
	}
	name := ref.Text("the name of an object")
	o, ok := c[[2]string{kind, name}]
	if !ok {
		ref.Errorf("no %s is named %q; give the file that has it, too", kind, name)
		return config.Node{}
	}
	return o.Mapping("kind", "apiVersion", "metadata", "spec").Need("spec", "it says what it is")
}
