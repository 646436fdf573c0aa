package hubrelay

import (
	"errors"
	"testing"
	"time"
)

func TestTimesAndLimitsAreNotNegative(t *testing.T) {
	for name, option := range map[string]Option{
		"BackoffMin":  WithTimes(Times{BackoffMin: -1}),
		"PingTimeout": WithTimes(Times{PingTimeout: -time.Second}),
		"Queue":       WithLimits(Limits{Queue: -1}),
	} {
		if c, err := New("/run/hubrelay.sock", "worker", option); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
			if c != nil {
				_ = c.Close(soon(t))
			}
		}
	}
}
