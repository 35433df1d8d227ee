package wire_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// TestRate: receivers that share a limiter share its connections.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Time
		c := wire.Config{Rate: rate.NewLimiter(10, 1), Dial: func(context.Context, string, string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			return nil, syscall.ECONNREFUSED
		}}
		var wg sync.WaitGroup
		for range 20 {
			way := newWay(t, c)
			wg.Go(func() {
				if _, err := way.Open(t.Context()); !errors.Is(err, wire.ErrRefused) {
					t.Errorf("got %v, want the refusal", err)
				}
			})
		}
		wg.Wait()
		if took := at[len(at)-1].Sub(at[0]); took < 1800*time.Millisecond || took > 2*time.Second {
			t.Errorf("got 20 connections within %s at 10 a second, want 1.9s", took)
		}
	})
}

// TestRateAndTime: who has no time until its turn waits for as long as it has,
// and gives its turn back.
func TestRateAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := rate.NewLimiter(rate.Every(time.Minute), 1)
		limiter.Allow()
		way := newWay(t, wire.Config{Rate: limiter, Dial: func(context.Context, string, string) (net.Conn, error) {
			t.Error("it dials, want it to have no turn")
			return nil, syscall.ECONNREFUSED
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begun := time.Now()
		if _, err := way.Open(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the time", err)
		}
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("it gave up after %s, want 10s", took)
		}
		if wait := limiter.Reserve().Delay(); wait > 50*time.Second {
			t.Errorf("the next one waits for %s, want the turn to have been given back", wait)
		}
	})
}

func newWay(t *testing.T, c wire.Config) *wire.Receiver {
	t.Helper()
	c.Values = probe.Values{EHLO: "probe.example", From: "<>", Rcpt: "<postmaster@receiver.example>", Bad: probe.BadRecipient}
	way, err := wire.NewReceiver(probe.Receiver{Host: "receiver.example", Address: "192.0.2.1", Port: 25}, c)
	if err != nil {
		t.Fatal(err)
	}
	return way
}

// TestRateTakesNoTime: what is allowed for a receiver does not run while it waits
// for its turn, and does while it is talked to.
func TestRateTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := rate.NewLimiter(rate.Every(time.Minute), 1)
		limiter.Allow()
		way := newWay(t, wire.Config{Rate: limiter, Dial: func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(2 * time.Second)
			return nil, syscall.ECONNREFUSED
		}})
		ctx, cancel := wire.Allow(t.Context(), 3*time.Second)
		defer cancel()
		begun := time.Now()
		if _, err := way.Open(ctx); !errors.Is(err, wire.ErrRefused) || time.Since(begun) != 62*time.Second {
			t.Errorf("got %v after %s, want a refusal after 1m2s", err, time.Since(begun))
		}
		<-ctx.Done()
		if took := time.Since(begun); took != 63*time.Second {
			t.Errorf("the time was spent after %s, want 1m3s", took)
		}
	})
}
