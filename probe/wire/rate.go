package wire

import (
	"context"

	"golang.org/x/time/rate"
)

// allowed waits until the limiter allows a connection. It waits for as long as
// that takes: the limiter's own Wait gives up at once where the deadline of the
// context would come first, which looks like a connection that failed.
func allowed(ctx context.Context, l *rate.Limiter) error {
	if l == nil {
		return ctx.Err()
	}
	turn := l.Reserve()
	err := await(ctx, turn.Delay())
	if err != nil {
		turn.Cancel()
	}
	return err
}
