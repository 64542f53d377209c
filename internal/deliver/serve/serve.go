// Package serve gives a session to SDKs over loopback, as container credentials
// or as IMDSv2: a guard in front, a body that is made once for each session, and
// limits. It does not know profiles, chains or people: what it serves is put into
// it, and a request never waits for a person.
package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"fob/internal/cred"
)

// Kind is the protocol of an endpoint.
type Kind int

// The protocols.
const (
	// Container is what AWS_CONTAINER_CREDENTIALS_FULL_URI names, with a token
	// (SDK reference guide, "Container credential provider").
	Container Kind = iota
	// Metadata is IMDSv2, which knows no token that a client is given beforehand:
	// who connects, and to which host, is all that is checked.
	Metadata
)

// The limits of an endpoint: a client that is slow, or that opens connections
// without end, takes a bounded part of fob and shuts nobody else out.
const (
	mostAtOnce      = 64
	mostConnections = 128
	headerTime      = 5 * time.Second
	writeTime       = 30 * time.Second
	idleTime        = 30 * time.Second
	mostHeader      = 8 << 10
)

// Grant lets one user of this machine in, by a token of their own.
type Grant struct {
	UID   int
	Token cred.Secret // of a container endpoint; IMDS makes its own
}

// Options say what an endpoint serves, and to whom.
type Options struct {
	Kind    Kind
	Current *Current
	Grants  []Grant
	// UserOf gives the user whose process is at the other end of a connection;
	// nil where that cannot be told (Users).
	UserOf func(local, peer netip.AddrPort) (uid int, err error)
	Now    func() time.Time
	// Role, Region and Account are what IMDS says of its instance. An empty
	// region or account is not said.
	Role, Region, Account string
}

// Endpoint is one server on a port of loopback that the system chose.
type Endpoint struct {
	rules   rules
	current *Current
	tokens  *tokens
	userOf  func(local, peer netip.AddrPort) (int, error)
	now     func() time.Time
	facts   map[route][]byte // what IMDS says of its instance
	fixed   fixed
	atOnce  chan struct{}
	crowd   *crowd
	server  *http.Server
	done    chan struct{}
}

// Start listens and serves until ctx ends or Close is called.
func Start(ctx context.Context, o Options) (*Endpoint, error) {
	if o.Kind == Metadata && o.UserOf == nil {
		return nil, ErrNoUsers
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := newEndpoint(o, l.Addr().String())
	e.serveOn(ctx, l, e)
	context.AfterFunc(ctx, func() { _ = e.Close() })
	return e, nil
}

// serveOn serves on a listener, within the limits, until Close is called.
func (e *Endpoint) serveOn(ctx context.Context, l net.Listener, h http.Handler) {
	e.server = &http.Server{
		Handler: h, DisableGeneralOptionsHandler: true, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: mostHeader - slack,
		ConnContext: withPeer, ConnState: e.crowd.turn, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	e.server.Protocols = new(http.Protocols)
	e.server.Protocols.SetHTTP1(true)
	go func() {
		defer close(e.done)
		_ = e.server.Serve(door{l, e.crowd, e.isStranger}) // ends by Close
	}()
}

// slack is what net/http allows beyond MaxHeaderBytes.
const slack = 4 << 10

// ErrNoUsers says that this system does not tell whose a connection is, on which
// all of IMDS's protection rests.
var ErrNoUsers = errors.New("this system does not tell fob which user connects, and IMDS has no other protection")

func newEndpoint(o Options, host string) *Endpoint {
	e := &Endpoint{
		rules: rules{host: host, checked: o.UserOf != nil}, current: o.Current, userOf: o.UserOf, now: o.Now,
		atOnce: make(chan struct{}, mostAtOnce), crowd: newCrowd(mostConnections), done: make(chan struct{}),
		fixed: fixed{[]string{"no-store"}, []string{"nosniff"}, []string{"default-src 'none'"}, []string{"application/json"}},
	}
	for _, g := range o.Grants {
		e.rules.grants = append(e.rules.grants, grantOf(g))
	}
	if o.Kind == Container {
		e.rules.routes = containerRoutes()
		return e
	}
	e.tokens = newTokens(o.Now)
	e.rules.issued = e.tokens.holds
	e.facts = metadataFacts(o)
	e.rules.routes = metadataRoutes(e.facts, o.Role)
	return e
}

// Close ends the endpoint and every connection to it.
func (e *Endpoint) Close() error {
	err := e.server.Close()
	<-e.done
	return err
}

// URL is what the child's environment names: that of the credentials for a
// container endpoint, the root for IMDS, whose last slash old SDKs need.
func (e *Endpoint) URL() string {
	if e.tokens != nil {
		return "http://" + e.rules.host + "/"
	}
	return "http://" + e.rules.host + credentialsPath
}

// HealthURL is what tells, to the same clients, whether credentials can be had.
// IMDS has none.
func (e *Endpoint) HealthURL() string {
	if e.tokens != nil {
		return ""
	}
	return "http://" + e.rules.host + healthPath
}

// ServeHTTP is the one handler: nothing is looked at before the guard.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.fixed.on(w.Header())
	to, why := e.rules.decide(e.asked(r))
	if why != allowed {
		e.refuse(w, r, why)
		return
	}
	if p, _ := r.Context().Value(peerKey{}).(*peer); p != nil {
		e.crowd.work(p.conn)
	}
	if !e.begin(r.Context()) {
		answer(w, http.StatusServiceUnavailable, busy())
		return
	}
	defer func() { <-e.atOnce }()
	switch to {
	case toCredentials:
		e.credentials(w, r, func(h *held) []byte { return h.container })
	case toHealth:
		e.credentials(w, r, func(*held) []byte { return healthy() })
	case toMetadataToken:
		e.issue(w, r)
	case toRoleCredentials:
		e.credentials(w, r, func(h *held) []byte { return h.metadata })
	case toFact:
		plain(w, e.facts[route{r.Method, r.RequestURI}])
	}
}

// begin waits for its turn, but no longer than SDKs do.
func (e *Endpoint) begin(ctx context.Context) bool {
	select {
	case e.atOnce <- struct{}{}:
		return true
	default:
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case e.atOnce <- struct{}{}:
		return true
	case <-timeout.C:
	case <-ctx.Done():
	}
	return false
}

// credentials answers with what is held now, or says why there is nothing.
func (e *Endpoint) credentials(w http.ResponseWriter, r *http.Request, body func(*held) []byte) {
	h, trouble := e.current.await(r.Context())
	if trouble != "" {
		answer(w, http.StatusServiceUnavailable, troubleBody(trouble))
		return
	}
	answer(w, http.StatusOK, body(h))
}

// asked is what of a request the guard decides on.
func (e *Endpoint) asked(r *http.Request) asked {
	a := asked{
		host: r.Host, header: r.Header, method: r.Method, target: r.RequestURI,
		body: r.ContentLength != 0 || len(r.TransferEncoding) > 0, uid: nobody,
	}
	p, _ := r.Context().Value(peerKey{}).(*peer)
	if p == nil {
		return a
	}
	a.peer = p.remote
	if e.userOf != nil {
		a.uid = p.user(e.userOf)
	}
	return a
}

// fixed are the values of headers that every answer has, made once: nothing
// writes to them.
type fixed struct{ noStore, noSniff, policy, json []string }

func (f *fixed) on(h http.Header) {
	h["Cache-Control"], h["X-Content-Type-Options"], h["Content-Security-Policy"] = f.noStore, f.noSniff, f.policy
	h["Content-Type"] = f.json
}

// refuse answers with constant texts, the same for every reason that a token has
// to be wrong.
func (e *Endpoint) refuse(w http.ResponseWriter, r *http.Request, why refusal) {
	status := http.StatusForbidden
	switch why {
	case wrongMethod:
		status = http.StatusMethodNotAllowed
	case wrongToken:
		// An SDK takes 403 of IMDS for "use version 1", and 401 for "ask again".
		if e.tokens != nil {
			status = http.StatusUnauthorized
		}
	case wrongPath:
		status = http.StatusNotFound
	case hasBody:
		status = http.StatusRequestEntityTooLarge
	}
	if r.ContentLength != 0 || strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		w.Header().Set("Connection", "close")
	}
	answer(w, status, refusalBody(why))
}
