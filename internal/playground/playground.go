// Package playground is a strict AWS on loopback that holds a Reference
// Architecture of six accounts and the root of their organization: STS, IAM, the
// list of the organization's accounts, the console's sign-in endpoint and a small
// S3, with AWS's own refusals, error codes and texts. It knows nothing of fob: it
// checks what any client sends, and never guesses what a policy means.
package playground

import (
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"fob/internal/cred"
)

// Options is what Start needs from its caller. Now must be set.
type Options struct {
	Addr   string           // host:port to listen on; 127.0.0.1:0 when empty. Only loopback is taken.
	Now    func() time.Time // the clock that Advance moves ahead of
	Rand   io.Reader        // gives 32 bytes, from which every secret is drawn; crypto/rand when nil
	Canary bool             // every secret, session token and MFA seed contains CANARY
}

// Server is a running playground. URL is its endpoint for every service,
// without a final slash. All methods may be called at the same time.
type Server struct {
	URL string

	clock      func() time.Time
	random     *source
	issuer     *ecdsa.PrivateKey // of the web identity provider
	operations map[string]operation
	server     *http.Server
	served     chan struct{}

	mu     sync.Mutex // guards what follows
	offset time.Duration
	world  *world
	set    switches
	calls  []Call
	faults []Fault
}

// switches are the readings of AWS that can be changed while it runs.
type switches struct {
	CapSessionToken bool          // a role assumed from GetSessionToken credentials gets at most an hour
	NewKeyDelay     time.Duration // how long a created key is not yet known, as IAM's eventual consistency has it
	RoleLife        time.Duration // the most that a role's session lasts; 0 is as asked
}

// Start listens on loopback and serves a fresh copy of the fixture until Close.
func Start(o Options) (*Server, error) {
	if o.Now == nil {
		return nil, errors.New("start playground: no clock was handed in")
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	random, err := newSource(o.Rand, o.Canary)
	if err != nil {
		return nil, fmt.Errorf("start playground: %w", err)
	}
	issuer, err := newIssuer(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("start playground: %w", err)
	}
	listener, err := listen(o.Addr)
	if err != nil {
		return nil, fmt.Errorf("start playground: %w", err)
	}
	s := &Server{
		URL:        "http://" + listener.Addr().String(),
		clock:      o.Now,
		random:     random,
		issuer:     issuer,
		operations: operations(),
		served:     make(chan struct{}),
		set:        switches{CapSessionToken: true},
	}
	if s.world, err = newFixture(random, s.now()); err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("start playground: %w", err)
	}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		_ = s.server.Serve(listener) // ends with ErrServerClosed
	}()
	return s, nil
}

// listen refuses every address that another machine could reach.
func listen(addr string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("address %s is not loopback", addr)
	}
	return net.Listen("tcp", addr)
}

// Close ends every connection and waits until the server has stopped.
func (s *Server) Close() error {
	err := s.server.Close()
	<-s.served
	return err
}

// now is the server's time: wall-clock UTC plus what Advance added.
func (s *Server) now() time.Time { return s.clock().Add(s.offset).Round(0).UTC() }

// Now is the time that the server goes by.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Advance moves the server's clock by d, backwards when d is negative.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// CapSessionToken turns the one-hour limit on for roles assumed from
// GetSessionToken credentials, or off. AWS documents the limit for role
// chaining only; the field believes that it holds here too, so it starts on.
func (s *Server) CapSessionToken(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set.CapSessionToken = on
}

// NewKeyDelay is how long after CreateAccessKey a key is not yet known.
func (s *Server) NewKeyDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set.NewKeyDelay = d
}

// RoleLife ends sessions of roles that are made from now on after d, whatever
// length was asked for, and says so in their Expiration; 0 is as asked. A client
// goes by the real clock and signs by it, so this is how it meets the end of a
// session, and another one's, while a test can wait for it.
func (s *Server) RoleLife(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set.RoleLife = d
}

// Expire ends the session of an access key id now, or every session for "*".
func (s *Server) Expire(keyID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, session := range s.world.sessions {
		if keyID == id || keyID == "*" {
			session.expires = time.Time{} // past at any reading of the clock
		}
	}
}

// User is an IAM user of the security account with its first access key.
// MFASerial and Seed are empty when it has no MFA device; Seed is base32.
type User struct {
	Name, AccessKeyID string
	Secret            cred.Secret
	MFASerial         string
	Seed              cred.Secret
}

// User gives a user of the security account; false when there is none.
func (s *Server) User(name string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.world.security().users[name]
	if !ok {
		return User{}, false
	}
	return s.world.describe(u), true
}

// Users gives every user of the security account, sorted by name.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []User
	for _, name := range sorted(s.world.security().users) {
		all = append(all, s.world.describe(s.world.security().users[name]))
	}
	return all
}

// AddUser makes a user of the security account in these groups, with an
// access key and an MFA device of its own name. A name that is taken or a
// group that does not exist is an error.
func (s *Server) AddUser(name string, groups ...string) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := builder{world: s.world, random: s.random, now: s.now()}
	u, err := b.user(name, true, groups)
	if err != nil {
		return User{}, fmt.Errorf("add user: %w", err)
	}
	return s.world.describe(u), nil
}

// KeyIDs gives the ids of a user's access keys, oldest first.
func (s *Server) KeyIDs(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	if u, ok := s.world.security().users[name]; ok {
		for _, k := range s.world.keysOf(u) {
			ids = append(ids, k.id)
		}
	}
	return ids
}

// AddKey gives a user of the security account another access key, of which the
// caller learns nothing: what someone does in the console.
func (s *Server) AddKey(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.world.security().users[name]
	if !ok || len(s.world.keysOf(u)) >= keysPerUser {
		return fmt.Errorf("add key: no user %s, or no room for one", name)
	}
	builder{world: s.world, random: s.random, now: s.now()}.key(u, 0)
	return nil
}

// SetUserPolicy gives a user of the security account an inline policy named
// "test", in place of the one it had.
func (s *Server) SetUserPolicy(name, document string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.world.security().users[name]
	if !ok {
		return fmt.Errorf("set policy: no user %s", name)
	}
	if err := u.put("test", document); err != nil {
		return fmt.Errorf("set policy of %s: %w", name, err)
	}
	return nil
}

// Role describes a role to add. Account is a name of Accounts; Trust and
// Policy are JSON documents; Max is the role's MaxSessionDuration.
type Role struct {
	Account, Name, Trust, Policy string
	Max                          time.Duration
	Tags                         map[string]string
}

// AddRole makes a role, or replaces the one of that name, and gives its ARN.
func (s *Server) AddRole(r Role) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.world.named(r.Account)
	if a == nil {
		return "", fmt.Errorf("add role: no account %s", r.Account)
	}
	b := builder{world: s.world, random: s.random, now: s.now()}
	made, err := b.role(a, r)
	if err != nil {
		return "", fmt.Errorf("add role %s: %w", r.Name, err)
	}
	return made.arn, nil
}

// Code gives a code of a user's MFA device that was not used yet, and how long
// to wait until the server takes it; zero means that it takes it now. The text
// is empty when the user has no device.
func (s *Server) Code(user string) (code string, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.world.security().users[user]
	if !ok {
		return "", 0
	}
	d := s.world.deviceOf(u)
	if d == nil {
		return "", 0
	}
	now := s.now()
	step := stepAt(now)
	for d.used[step] {
		step++
	}
	if open := stepAt(now) + 1; step > open {
		wait = time.Unix((step-1)*stepSeconds, 0).Sub(now)
	}
	return totp(d.seed, step), wait
}
