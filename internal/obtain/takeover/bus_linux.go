package takeover

import (
	"context"
	"errors"

	"fob/internal/keep/desktop"
)

// connect connects to the bus of the desktop.
func connect(ctx context.Context, env Env) (*desktop.Bus, error) {
	b, err := desktop.Connect(ctx, env.Lookup, desktop.UsualLimits())
	return b, absent(err)
}

// absent makes what a desktop does not have a place that does not exist.
func absent(err error) error {
	if missing := desktop.AbsentError(""); errors.As(err, &missing) {
		return absentError(missing)
	}
	return err
}
