package access

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"fob/internal/decide/iampolicy"
	"fob/internal/obtain/awsapi"

	"github.com/google/go-cmp/cmp"
)

// users is an IAM that is a map: what each call gives, by its name and argument.
type users struct {
	answers map[string]any
	mu      sync.Mutex
	calls   int
}

func (u *users) answer(call string) (any, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls++
	a, ok := u.answers[call]
	if err, bad := a.(error); bad {
		return nil, err
	}
	if !ok {
		return nil, &awsapi.Refusal{Op: call, Code: "AccessDenied", Status: 403}
	}
	return a, nil
}

func (u *users) list(call string) ([]string, error) {
	a, err := u.answer(call)
	list, _ := a.([]string)
	return list, err
}

func (u *users) text(call string) (string, error) {
	a, err := u.answer(call)
	text, _ := a.(string)
	return text, err
}

func (u *users) GroupsOfUser(_ context.Context, user string) ([]string, error) {
	return u.list("groups " + user)
}
func (u *users) GroupPolicyNames(_ context.Context, g string) ([]string, error) {
	return u.list("in group " + g)
}
func (u *users) GroupPolicy(_ context.Context, g, n string) (string, error) {
	return u.text("group " + g + " " + n)
}
func (u *users) UserPolicyNames(_ context.Context, user string) ([]string, error) {
	return u.list("in user " + user)
}
func (u *users) UserPolicy(_ context.Context, user, n string) (string, error) {
	return u.text("user " + user + " " + n)
}
func (u *users) AttachedGroupPolicies(_ context.Context, g string) ([]string, error) {
	return u.list("at group " + g)
}
func (u *users) AttachedUserPolicies(_ context.Context, user string) ([]string, error) {
	return u.list("at user " + user)
}
func (u *users) ManagedPolicy(_ context.Context, arn string) (string, error) {
	return u.text("policy " + arn)
}

func TestRead(t *testing.T) {
	t.Parallel()
	whole := func() map[string]any {
		return map[string]any{
			"groups ann": []string{"b", "a"}, "in user ann": []string{"own"}, "at user ann": []string{"arn:p"},
			"in group a": []string{"x"}, "at group a": []string{"arn:p"}, "in group b": []string{}, "at group b": []string{},
			"user ann own": `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
			"group a x":    `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + prodFull + `"}}`,
			"policy arn:p": `{"Statement":[]}`,
		}
	}
	tests := []struct {
		name     string
		change   func(map[string]any)
		groups   []string
		named    []string
		complete bool
		why      string
		bare     bool
	}{
		{"all", func(map[string]any) {}, []string{"a", "b"}, []string{prodFull}, true, "", false},
		{"no permission", func(m map[string]any) { delete(m, "groups ann") }, nil, nil, false, "groups ann: AccessDenied", false},
		{"one group cannot be read", func(m map[string]any) { delete(m, "in group b") }, []string{"a", "b"}, []string{prodFull}, false, "in group b: AccessDenied", false},
		{"a policy is gone meanwhile", func(m map[string]any) { delete(m, "policy arn:p") }, []string{"a", "b"}, []string{prodFull}, false, "policy arn:p: AccessDenied", false},
		{"a policy is no JSON", func(m map[string]any) { m["group a x"] = "{" }, []string{"a", "b"}, nil, false, "unexpected end of JSON input", false},
		{"without MFA", func(m map[string]any) {
			m["groups ann"] = &awsapi.Refusal{Op: "ListGroupsForUser", Code: "InvalidClientTokenId", Status: 403}
		}, nil, nil, false, "ListGroupsForUser: InvalidClientTokenId", true},
		{"no answer", func(m map[string]any) {
			m["groups ann"] = &awsapi.UnreachableError{Op: "ListGroupsForUser", Host: "h", Err: errors.New("x")}
		}, nil, nil, false, "ListGroupsForUser: h: x", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			iam := &users{answers: whole()}
			tt.change(iam.answers)
			got, err := Read(t.Context(), iam, Of(awsapi.Identity{ARN: "arn:aws:iam::123456789012:user/path/ann", Account: "123456789012"}))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.groups, got.Groups); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.named, iampolicy.Named(got.Policies, "ann")); diff != "" {
				t.Error(diff)
			}
			if got.Complete != tt.complete || got.Why != tt.why || got.WithoutMFA != tt.bare {
				t.Errorf("complete %v, why %q, without MFA %v", got.Complete, got.Why, got.WithoutMFA)
			}
		})
	}
	role := Of(awsapi.Identity{ARN: "arn:aws:sts::123456789012:assumed-role/ci/x"})
	if got, err := Read(t.Context(), &users{}, role); err != nil || got.Complete || got.Name != "" || got.Why == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// However many there are: a few at a time, each once, and no more than a few when
// nobody answers.
func TestEach(t *testing.T) {
	t.Parallel()
	gone := &awsapi.UnreachableError{Op: "x", Host: "h", Err: errors.New("x")}
	tests := []struct {
		name     string
		n        int
		answer   func(int) error
		asked    [2]int
		notAsked bool
	}{
		{"none", 0, func(int) error { return nil }, [2]int{0, 0}, false},
		{"500", 500, func(int) error { return nil }, [2]int{500, 500}, false},
		{"refusals are answers", 500, func(int) error { return denied(plainNo) }, [2]int{500, 500}, false},
		{"now and then no answer", 500, func(i int) error {
			if i%2 == 0 {
				return gone
			}
			return nil
		}, [2]int{500, 500}, false},
		{"all are too many", 4500, func(int) error { return &awsapi.Refusal{Op: "AssumeRole", Code: "Throttling", Status: 400} }, [2]int{giveUp, giveUp + atOnce}, true},
		{"nobody answers", 4500, func(int) error { return gone }, [2]int{giveUp, giveUp + atOnce}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var asked, now, most atomic.Int64
			errs := Each(t.Context(), tt.n, func(_ context.Context, i int) error {
				defer now.Add(-1)
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				asked.Add(1)
				return tt.answer(i)
			})
			if n := int(asked.Load()); n < tt.asked[0] || n > tt.asked[1] {
				t.Errorf("asked %d times, want %v", n, tt.asked)
			}
			if most.Load() > atOnce {
				t.Errorf("%d at once", most.Load())
			}
			if got := tt.n > 0 && errors.Is(errs[len(errs)-1], ErrNotAsked); got != tt.notAsked {
				t.Errorf("given up: %v", got)
			}
		})
	}
}

func TestEachInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int64
	errs := Each(ctx, 500, func(context.Context, int) error {
		if asked.Add(1) == 3 {
			cancel()
		}
		return nil
	})
	if n := asked.Load(); n > 3+atOnce || !errors.Is(errs[499], context.Canceled) {
		t.Errorf("asked %d times after Ctrl-C, the last is %v", n, errs[499])
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	type way = func(context.Context, string) (string, error)
	no := func(context.Context, string) (string, error) { return "", denied("x") }
	absent := func(context.Context, string) (string, error) {
		return "", &awsapi.Refusal{Op: "GetRole", Code: "NoSuchEntity", Status: 404}
	}
	there := func(_ context.Context, name string) (string, error) { return "trust of " + name, nil }
	gone := func(context.Context, string) (string, error) {
		return "", &awsapi.UnreachableError{Op: "GetRole", Host: "h", Err: errors.New("x")}
	}
	for i, tt := range []struct {
		ways   []way
		want   Seen
		failed bool
	}{
		{nil, Seen{}, false}, {[]way{no}, Seen{}, false}, {[]way{no, absent}, Seen{Existence: Absent}, false},
		{[]way{there, absent}, Seen{Present, "trust of ops"}, false}, {[]way{no, no, no, there}, Seen{}, false}, {[]way{gone, there}, Seen{}, true},
	} {
		got, err := Look(t.Context(), "arn:aws:iam::567890123456:role/team/ops", tt.ways)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != tt.failed {
			t.Error(i, err, diff)
		}
	}
}
