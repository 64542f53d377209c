package access

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"fob/internal/decide/iampolicy"
	"fob/internal/obtain/awsapi"
)

// Person is who signs, and what IAM tells of their rights.
type Person struct {
	ARN, Account string
	// Name is the IAM user's, "" where it is none.
	Name   string
	Groups []string
	// Policies are those that could be read. Complete says that these are all.
	Policies []iampolicy.Policy
	Complete bool
	// Why says why they are not.
	Why string
	// WithoutMFA says that IAM has refused the session as one without MFA.
	WithoutMFA bool
}

// Of makes a person of what AWS says who signs.
func Of(id awsapi.Identity) Person {
	p := Person{ARN: id.ARN, Account: id.Account}
	if strings.Contains(id.ARN, ":user/") {
		p.Name = NameOf(id.ARN)
	}
	return p
}

func (p Person) groups() string {
	if len(p.Groups) == 0 {
		return "none"
	}
	return strings.Join(p.Groups, ", ")
}

// IAM is what is read of the person's rights.
type IAM interface {
	GroupsOfUser(ctx context.Context, user string) ([]string, error)
	GroupPolicyNames(ctx context.Context, group string) ([]string, error)
	GroupPolicy(ctx context.Context, group, name string) (string, error)
	UserPolicyNames(ctx context.Context, user string) ([]string, error)
	UserPolicy(ctx context.Context, user, name string) (string, error)
	AttachedGroupPolicies(ctx context.Context, group string) ([]string, error)
	AttachedUserPolicies(ctx context.Context, user string) ([]string, error)
	ManagedPolicy(ctx context.Context, arn string) (string, error)
}

// reader collects what can be read; it is used by several goroutines at once.
type reader struct {
	iam  IAM
	mu   sync.Mutex
	p    *Person
	seen map[string]bool // managed policies
}

// Read fills in the groups and policies of a user. What may not be read makes the
// person incomplete, and is no error; only an interruption is.
func Read(ctx context.Context, iam IAM, p Person) (Person, error) {
	if p.Name == "" {
		p.Why = "the session is no IAM user's"
		return p, nil
	}
	r := &reader{iam: iam, p: &p, seen: map[string]bool{}}
	p.Complete = true
	groups, err := iam.GroupsOfUser(ctx, p.Name)
	if !r.took(err) {
		refusal := (*awsapi.Refusal)(nil)
		p.WithoutMFA = errors.As(err, &refusal) && refusal.Code == "InvalidClientTokenId"
		return p, ctx.Err()
	}
	p.Groups = slices.Sorted(slices.Values(groups))
	jobs := []func(context.Context){
		func(ctx context.Context) {
			r.inline(ctx, "user "+p.Name, func() ([]string, error) { return iam.UserPolicyNames(ctx, p.Name) },
				func(name string) (string, error) { return iam.UserPolicy(ctx, p.Name, name) })
		},
		func(ctx context.Context) {
			r.managed(ctx, "user "+p.Name, func() ([]string, error) { return iam.AttachedUserPolicies(ctx, p.Name) })
		},
	}
	for _, g := range p.Groups {
		jobs = append(jobs, func(ctx context.Context) {
			r.inline(ctx, "group "+g, func() ([]string, error) { return iam.GroupPolicyNames(ctx, g) },
				func(name string) (string, error) { return iam.GroupPolicy(ctx, g, name) })
		}, func(ctx context.Context) {
			r.managed(ctx, "group "+g, func() ([]string, error) { return iam.AttachedGroupPolicies(ctx, g) })
		})
	}
	Each(ctx, len(jobs), func(ctx context.Context, i int) error { jobs[i](ctx); return nil })
	slices.SortFunc(p.Policies, func(a, b iampolicy.Policy) int { return strings.Compare(a.From, b.From) })
	return p, ctx.Err()
}

// took says whether a call was answered. The first that was not says why the
// person is incomplete.
func (r *reader) took(err error) bool {
	if err == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.p.Complete = false
	refusal := (*awsapi.Refusal)(nil)
	if r.p.Why == "" {
		r.p.Why = err.Error()
		if errors.As(err, &refusal) {
			r.p.Why = refusal.Op + ": " + refusal.Code
		}
	}
	return false
}

func (r *reader) take(from, text string) {
	policy, err := iampolicy.ParsePolicy(from, text)
	if !r.took(err) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.p.Policies = append(r.p.Policies, policy)
}

func (r *reader) inline(ctx context.Context, from string, names func() ([]string, error), text func(string) (string, error)) {
	list, err := names()
	if !r.took(err) {
		return
	}
	for _, name := range list {
		if ctx.Err() != nil {
			return
		}
		if doc, err := text(name); r.took(err) {
			r.take(from, doc)
		}
	}
}

func (r *reader) managed(ctx context.Context, from string, arns func() ([]string, error)) {
	list, err := arns()
	if !r.took(err) {
		return
	}
	for _, arn := range list {
		if ctx.Err() != nil || r.known(arn) {
			continue
		}
		if doc, err := r.iam.ManagedPolicy(ctx, arn); r.took(err) {
			r.take(from, doc)
		}
	}
}

// known says whether a managed policy was read already, and notes that it is.
func (r *reader) known(arn string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.seen[arn]
	r.seen[arn] = true
	return before
}

// Look reads a role in its own account by the sessions that are at hand there, one
// after the other until one may. What may not be read is Unseen, and no error; only
// no answer is.
func Look(ctx context.Context, arn string, at []func(context.Context, string) (string, error)) (Seen, error) {
	const most = 3
	for _, trust := range at[:min(len(at), most)] {
		text, err := trust(ctx, NameOf(arn))
		refusal := (*awsapi.Refusal)(nil)
		switch {
		case err == nil:
			return Seen{Existence: Present, Trust: text}, nil
		case !errors.As(err, &refusal):
			return Seen{}, err
		case refusal.Code == "NoSuchEntity":
			return Seen{Existence: Absent}, nil
		}
	}
	return Seen{}, nil
}
