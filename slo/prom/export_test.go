package prom

// Batched is the same client with another number of objectives that it asks together at most.
func (c *Client) Batched(n int) *Client {
	other := *c
	other.batch = n
	return &other
}

// Raws is the same client with another number of raw samples that it asks for together, about.
func (c *Client) Raws(n int) *Client {
	other := *c
	other.raws = n
	return &other
}
