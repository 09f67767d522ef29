package mitm

// LimitReleased says how many patterns of values there may be, and how many bytes in them.
func (p *Proxy) LimitReleased(patterns, text int) { p.sent.released.Limit(patterns, text) }

// OriginProblem says why an origin could not be asked.
var OriginProblem = originProblem
