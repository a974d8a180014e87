package prom

// Batched returns the same client, but it asks at most so many objectives together.
func (c *Client) Batched(n int) *Client {
	other := *c
	other.batch = n
	return &other
}

// Raws returns the same client, but it asks for about so many raw samples together.
func (c *Client) Raws(n int) *Client {
	other := *c
	other.raws = n
	return &other
}

// IsVictoriaMetrics reports whether VictoriaMetrics is known to have answered.
func (c *Client) IsVictoriaMetrics() bool { return c.server.kind.Load() == victoriaMetrics }
