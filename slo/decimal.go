package slo

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Decimal is a non-negative decimal number kept exactly as it was written: 99.9 % is 999/1000,
// which no float64 is. Thresholds are derived from decimals so that a comparison at equality does
// not depend on rounding. The zero value is 0.
type Decimal struct {
	mantissa int64 // the value is mantissa / 10^scale; no trailing zero while scale > 0
	scale    int
}

// The limits of a decimal's text. With them the product of a rate and 1 - target fits into an
// int64.
const (
	maxDigits = 9 // significant ones
	maxScale  = 7 // behind the point; two less in per cent
)

// The errors of ParseDecimal.
var (
	ErrDecimal   = errors.New("not a decimal number")
	ErrPrecision = fmt.Errorf("more than %d digits, or more than %d behind the point", maxDigits, maxScale)
)

// ParseDecimal reads "0.999", "14.4", or, with a per cent sign, "99.9%". It takes at most nine
// significant digits, and seven behind the point: five in per cent.
func ParseDecimal(s string) (Decimal, error) {
	text := strings.TrimSpace(s)
	percent := strings.HasSuffix(text, "%")
	if percent {
		text = strings.TrimSpace(strings.TrimSuffix(text, "%"))
	}
	whole, fraction, _ := strings.Cut(text, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return Decimal{}, fmt.Errorf("%q: %w", s, ErrDecimal)
	}
	scale := len(fraction)
	if percent {
		scale += 2
	}
	if len(strings.TrimLeft(digits, "0")) > maxDigits || scale > maxScale {
		return Decimal{}, fmt.Errorf("%q: %w", s, ErrPrecision)
	}
	mantissa, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return Decimal{}, fmt.Errorf("%q: %w", s, ErrDecimal)
	}
	return Decimal{mantissa, scale}.normal(), nil
}

// MustDecimal is ParseDecimal for constants: it panics if the text is no decimal.
func MustDecimal(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

func (d Decimal) normal() Decimal {
	for d.scale > 0 && d.mantissa%10 == 0 {
		d.mantissa, d.scale = d.mantissa/10, d.scale-1
	}
	return d
}

// Complement returns 1 - d, for d of at most 1: the share of events that a target allows to be bad.
func (d Decimal) Complement() Decimal {
	return Decimal{pow10(d.scale) - d.mantissa, d.scale}.normal()
}

// Mul returns the exact product.
func (d Decimal) Mul(e Decimal) Decimal {
	return Decimal{d.mantissa * e.mantissa, d.scale + e.scale}.normal()
}

// Float returns the nearest float64.
func (d Decimal) Float() float64 { return float64(d.mantissa) / float64(pow10(d.scale)) }

// Cmp returns -1 if d < e, 0 if they are equal, 1 if d > e.
func (d Decimal) Cmp(e Decimal) int {
	a, b := d.mantissa*pow10(max(0, e.scale-d.scale)), e.mantissa*pow10(max(0, d.scale-e.scale))
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// IsZero reports whether d is 0.
func (d Decimal) IsZero() bool { return d.mantissa == 0 }

// String returns the shortest decimal text: "0.999".
func (d Decimal) String() string {
	digits := strconv.FormatInt(d.mantissa, 10)
	if d.scale == 0 {
		return digits
	}
	if pad := d.scale + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	return digits[:len(digits)-d.scale] + "." + digits[len(digits)-d.scale:]
}

// Percent returns the text for people: "99.9 %".
func (d Decimal) Percent() string { return d.Mul(Decimal{mantissa: 100}).String() + " %" }

// MarshalText writes what UnmarshalText reads.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads as ParseDecimal does.
func (d *Decimal) UnmarshalText(text []byte) error {
	parsed, err := ParseDecimal(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}
