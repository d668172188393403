package wait

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	for _, tt := range []struct {
		name   string
		d      time.Duration
		cancel time.Duration // when the context ends; negative: before the call
		want   error
		after  time.Duration
	}{
		{name: "whole", d: time.Second, cancel: time.Hour, after: time.Second},
		{name: "ended meanwhile", d: time.Hour, cancel: time.Minute, want: context.Canceled, after: time.Minute},
		{name: "ended before", d: time.Hour, cancel: -1, want: context.Canceled},
		{name: "nothing to wait for", d: 0, cancel: time.Hour},
		{name: "late already", d: -time.Second, cancel: time.Hour},
		{name: "nothing to wait for, ended before", d: 0, cancel: -1, want: context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel < 0 {
					cancel()
				} else {
					time.AfterFunc(tt.cancel, cancel)
				}
				begin := time.Now()
				if err := For(ctx, tt.d); !errors.Is(err, tt.want) {
					t.Errorf("For = %v, want %v", err, tt.want)
				}
				if took := time.Since(begin); took != tt.after {
					t.Errorf("For returned after %v, want %v", took, tt.after)
				}
			})
		})
	}
}
