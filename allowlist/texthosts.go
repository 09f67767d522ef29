package allowlist

// TextHosts are the hosts to which request bodies are text: model providers
// and places where people read what is sent. It is a view of the catalogue.
type TextHosts struct{ catalogue *Catalogue }

// NewTextHosts reads the catalogue that this package carries.
func NewTextHosts() *TextHosts { return &TextHosts{NewCatalogue()} }

// Has reports whether host, in A-label form, is one of them.
func (t *TextHosts) Has(host string) bool { return t.catalogue.TextHost(host) }
