package mitm

// LimitReleased says how many patterns of values there may be, and how many bytes in them.
func (p *Proxy) LimitReleased(patterns, text int) { p.sent.released.Limit(patterns, text) }
