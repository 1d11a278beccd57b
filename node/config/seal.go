package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Seal says when blocks are made.
type Seal struct {
	Interval time.Duration // 0 = the chain's own way: on demand on development chains
}

const (
	minSealInterval = 100 * time.Millisecond // a block costs about nine synced writes
	maxSealInterval = time.Hour
)

// ParseSeal reads "auto" or "interval=MS".
func ParseSeal(text string) (Seal, error) {
	if text == "auto" {
		return Seal{}, nil
	}
	if digits, ok := strings.CutPrefix(text, "interval="); ok {
		ms, err := strconv.ParseInt(digits, 10, 32)
		interval := time.Duration(ms) * time.Millisecond
		if err == nil && interval >= minSealInterval && interval <= maxSealInterval {
			return Seal{Interval: interval}, nil
		}
		return Seal{}, errors.New("want interval=MS with MS from 100 to 3600000")
	}
	return Seal{}, errors.New("want auto or interval=MS, for example interval=2000")
}

// String is what ParseSeal reads.
func (s Seal) String() string {
	if s.Interval == 0 {
		return "auto"
	}
	return "interval=" + strconv.FormatInt(s.Interval.Milliseconds(), 10)
}
