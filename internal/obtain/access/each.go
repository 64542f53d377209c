package access

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"fob/internal/obtain/awsapi"
)

const (
	// atOnce is how many calls are under way together: far below what STS and
	// IAM take of one account, with room for what else runs there.
	atOnce = 8
	// giveUp is after how many calls in turn that got no answer, or that AWS
	// throttled to the last try, the rest is not made.
	giveUp = atOnce * 2
)

// ErrNotAsked says that too many calls before this one got no answer.
var ErrNotAsked = errors.New("not asked: the calls before it got no answer, or AWS wanted fewer of them")

// Each does n things, a few at a time, and gives what came of each. When many in
// turn got no answer at all, the rest is ErrNotAsked; after an interruption it is
// the context's error.
func Each(ctx context.Context, n int, do func(context.Context, int) error) []error {
	errs := make([]error, n)
	var next, silent atomic.Int64
	var all sync.WaitGroup
	for range min(n, atOnce) {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				switch {
				case i >= n:
					return
				case ctx.Err() != nil:
					errs[i] = ctx.Err()
					continue
				case silent.Load() >= giveUp:
					errs[i] = ErrNotAsked
					continue
				}
				errs[i] = do(ctx, i)
				if inVain(errs[i]) {
					silent.Add(1)
				} else {
					silent.Store(0)
				}
			}
		})
	}
	all.Wait()
	return errs
}

// inVain says whether a call told nothing, and more of them would tell no more.
func inVain(err error) bool {
	gone, refusal := (*awsapi.UnreachableError)(nil), (*awsapi.Refusal)(nil)
	return errors.As(err, &gone) || errors.As(err, &refusal) && throttled(refusal)
}
