package modbusmap

import (
	"fmt"
	"sort"
)

// Catalogue is the models an agent knows: the built-in ones and its user's.
type Catalogue struct{ models []Model }

// NewCatalogue is the built-in models and those given. A user's model takes no name that is in use: readings and
// commissioning records carry the name, and must mean one table.
func NewCatalogue(user ...Model) (Catalogue, error) {
	c := Catalogue{Models()}
	for _, m := range user {
		if err := m.Check(); err != nil {
			return Catalogue{}, err
		}
		if _, taken := find(models, m.Name); taken {
			return Catalogue{}, fmt.Errorf("model %s is built in; give yours a name of its own, for example %s-2", m.Name, m.Name)
		}
		if _, taken := c.Find(m.Name); taken {
			return Catalogue{}, fmt.Errorf("model %s is there twice; a name means one table", m.Name)
		}
		c.models = append(c.models, m)
	}
	sort.Slice(c.models, func(i, j int) bool { return c.models[i].Name < c.models[j].Name })
	return c, nil
}

// Find is the model of that name. The zero Catalogue has the built-in models.
func (c Catalogue) Find(name string) (Model, bool) { return find(c.all(), name) }

// All lists the models by name.
func (c Catalogue) All() []Model { return append([]Model(nil), c.all()...) }

// Names lists the models' names in order.
func (c Catalogue) Names() (names []string) {
	for _, m := range c.all() {
		names = append(names, m.Name)
	}
	return names
}

func (c Catalogue) all() []Model {
	if c.models == nil {
		return models
	}
	return c.models
}
