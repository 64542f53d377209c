package broker

import (
	"context"
	"errors"
	"slices"

	"fob/internal/cred"
	"fob/internal/decide/source"
	"fob/internal/obtain/awsapi"
)

// step gives the session of step i, by the steps before it where they are
// missing too. Locks are taken from the last step towards the key, in every
// process alike.
func (b *Broker) step(ctx context.Context, w walk, i int) (cred.Session, error) {
	if s, ok := b.ready(w, i); ok {
		return s, nil
	}
	release, err := b.lock(ctx, w, i)
	if err != nil {
		return cred.Session{}, err
	}
	defer release()
	if s, ok := b.ready(w, i); ok {
		return s, nil
	}
	s, err := b.fetch(ctx, w, i)
	if b.stale(w, i, err) {
		// The session before this one was taken back or ended early. It is
		// dropped once and made anew once; a second refusal is the answer.
		if err := b.Cache.Delete(w.names[i-1]); err != nil {
			return cred.Session{}, unkept(w, err)
		}
		if err = b.reopen(ctx, w, i-1); err != nil {
			return cred.Session{}, err
		}
		s, err = b.fetch(ctx, w, i)
	}
	if err != nil {
		return cred.Session{}, b.advise(ctx, w, i, err)
	}
	b.keep(w, i, s)
	return s, nil
}

// reopen says ErrShut when the walk must now begin at a key that is not open:
// the caller then starts again without holding a step's lock.
func (b *Broker) reopen(ctx context.Context, w walk, before int) error {
	for j := 0; j <= before; j++ {
		if _, ok := b.kept(w.names[j]); ok {
			return nil
		}
	}
	_, err := b.Keys.Key(ctx, w.Key)
	return err
}

// fetch makes the exchange of step i, with a code where the step needs one.
func (b *Broker) fetch(ctx context.Context, w walk, i int) (cred.Session, error) {
	signer, err := b.signer(ctx, w, i)
	if err != nil {
		return cred.Session{}, err
	}
	in := source.Input{Signer: signer}
	if m := device(w.Steps[i]); m.Serial != "" {
		return b.withCode(ctx, w, i, in)
	}
	return w.Steps[i].Fetch(ctx, b.Env, in)
}

func (b *Broker) signer(ctx context.Context, w walk, i int) (cred.Signer, error) {
	if i == 0 {
		key, err := b.Keys.Key(ctx, w.Key)
		return key.Signer(), err
	}
	s, err := b.step(ctx, w, i-1)
	return s.Signer(), err
}

func device(s source.Step) source.MFA {
	if n, ok := s.(source.NeedsMFA); ok {
		return n.MFA()
	}
	return source.MFA{}
}

// stale says whether AWS no longer takes the kept session that step i signed with.
func (b *Broker) stale(w walk, i int, err error) bool {
	r := (*awsapi.Refusal)(nil)
	if i == 0 || w.names[i-1] == "" || !errors.As(err, &r) || r.Op != operation(w.Steps[i]) {
		return false
	}
	return slices.Contains([]string{"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId"}, r.Code)
}

func operation(s source.Step) string {
	switch s.(type) {
	case source.SessionToken:
		return "GetSessionToken"
	case source.AssumeRole:
		return "AssumeRole"
	}
	return ""
}
