package slo

// Threshold is an error ratio for exact comparison: rate x (1 - target) as a fraction of two whole
// numbers.
type Threshold struct{ num, den float64 }

// NewThreshold returns the error ratio at which the budget burns `rate` times as fast as the target
// allows (SRE Workbook, chapter 5: burn rate = error ratio / (1 - target)).
func NewThreshold(rate, target Decimal) Threshold {
	t := rate.Mul(target.Complement())
	return Threshold{float64(t.mantissa), float64(pow10(t.scale))}
}

// Exceeded reports whether c's error ratio is above the threshold, strictly; without events it is
// not.
func (t Threshold) Exceeded(c Counts) bool { return t.Excess(c) > 0 }

// Excess returns bad - threshold x total, times a positive constant of the threshold, which makes
// it exact for whole counts. It is positive only if the threshold is exceeded. Excesses of one
// threshold may be added and compared.
func (t Threshold) Excess(c Counts) float64 { return c.Bad*t.den - c.Total*t.num }

// Ratio returns the threshold as an error ratio.
func (t Threshold) Ratio() float64 { return t.num / t.den }

// BurnRate returns how many times as fast as the target allows c spends the budget; 0 without
// events.
func BurnRate(c Counts, target Decimal) float64 {
	return c.ErrorRatio() / target.Complement().Float()
}

// BudgetSpent returns the share of the error budget that `bad` events spend. The budget is (1 -
// target) x the events in the objective's window.
func BudgetSpent(bad float64, window Counts, target Decimal) float64 {
	if window.Total <= 0 {
		return 0
	}
	return bad / (target.Complement().Float() * window.Total)
}
