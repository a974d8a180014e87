package fold

// Fires reports whether the i-th rule fires.
func (w *Watch) Fires(i int) bool { return w.firing.fires(&w.ledger, i) }
