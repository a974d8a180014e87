package slo

// Threshold is an error ratio that is compared exactly: rate x (1 - target) as a fraction of two whole numbers.
type Threshold struct{ num, den float64 }

// NewThreshold is the error ratio at which the budget burns `rate` times as fast as the target allows (SRE Workbook, chapter 5:
// burn rate = error ratio / (1 - target)).
func NewThreshold(rate, target Decimal) Threshold {
	t := rate.Mul(target.Complement())
	return Threshold{float64(t.mantissa), float64(pow10(t.scale))}
}

// Exceeded reports whether c's error ratio is above the threshold, strictly; without events it is not.
func (t Threshold) Exceeded(c Counts) bool { return t.Excess(c) > 0 }

// Excess is bad - threshold x total, times a positive constant of the threshold, so that it is exact for whole counts. It is
// positive exactly where the threshold is exceeded, and excesses of one threshold may be added and compared.
func (t Threshold) Excess(c Counts) float64 { return c.Bad*t.den - c.Total*t.num }

// Ratio is the threshold as an error ratio.
func (t Threshold) Ratio() float64 { return t.num / t.den }

// BurnRate is how many times as fast as the target allows c spends the budget; without events it is 0.
func BurnRate(c Counts, target Decimal) float64 {
	return c.ErrorRatio() / target.Complement().Float()
}

// BudgetSpent is the share of the error budget, (1 - target) x the events in the objective's window, that `bad` events spend.
func BudgetSpent(bad float64, window Counts, target Decimal) float64 {
	if window.Total <= 0 {
		return 0
	}
	return bad / (target.Complement().Float() * window.Total)
}
