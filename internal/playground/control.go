package playground

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// control serves the routes under /playground/, which do what the Go methods
// do. They change the server, so a web page must not reach them: the Host must
// be loopback by name, and a browser's headers are refused.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	if !s.controllable(r) {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	route := controlRoutes()[r.Method+" "+strings.TrimPrefix(r.URL.Path, "/playground/")]
	if route == nil {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "body too large", http.StatusBadRequest)
		return
	}
	out, err := route(s, r, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if lines, ok := out.([]Call); ok {
		writeLines(w, lines)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // the client may be gone
}

// controllable holds against a page that rebinds DNS or posts across sites.
func (s *Server) controllable(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	peer := net.ParseIP(host)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	own := r.Host == strings.TrimPrefix(s.URL, "http://") || r.Host == "127.0.0.1:"+port || r.Host == "localhost:"+port
	browser := r.Header.Get("Origin") != "" || r.Header.Get("Referer") != "" || r.Header.Get("Sec-Fetch-Site") != ""
	return err == nil && peer != nil && peer.IsLoopback() && own && !browser
}

// writeLines gives one JSON object a line, for jq and grep.
func writeLines(w http.ResponseWriter, calls []Call) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	for _, c := range calls {
		_ = json.NewEncoder(w).Encode(c) // the client may be gone
	}
}

type controlRoute func(s *Server, r *http.Request, body []byte) (any, error)

func controlRoutes() map[string]controlRoute {
	return map[string]controlRoute{
		"GET state":    func(s *Server, _ *http.Request, _ []byte) (any, error) { return s.state(), nil },
		"GET audit":    func(s *Server, _ *http.Request, _ []byte) (any, error) { return s.Audit(), nil },
		"DELETE audit": func(s *Server, _ *http.Request, _ []byte) (any, error) { s.ClearAudit(); return s.state(), nil },
		"DELETE fault": func(s *Server, _ *http.Request, _ []byte) (any, error) { s.ClearFaults(); return s.state(), nil },
		"POST clock":   (*Server).postClock,
		"POST fault":   (*Server).postFault,
		"POST expire":  (*Server).postExpire,
		"POST set":     (*Server).postSet,
		"POST code":    (*Server).postCode,
		"POST token":   (*Server).postToken,

		"POST organization": (*Server).postOrganization,
	}
}

// strictly reads a JSON body and refuses names that it does not know.
func strictly(body []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	return nil
}

func (s *Server) postClock(_ *http.Request, body []byte) (any, error) {
	var in struct {
		Advance string `json:"advance"`
	}
	if err := strictly(body, &in); err != nil {
		return nil, err
	}
	d, err := time.ParseDuration(in.Advance)
	if err != nil {
		return nil, fmt.Errorf(`advance wants a duration such as "30m": %w`, err)
	}
	s.Advance(d)
	return s.state(), nil
}

func (s *Server) postFault(_ *http.Request, body []byte) (any, error) {
	var in struct {
		Action  string  `json:"action"`
		Times   int     `json:"times"`
		Skip    int     `json:"skip"`
		Status  any     `json:"status"`
		Seconds float64 `json:"seconds"`
		After   bool    `json:"after"`
	}
	if err := strictly(body, &in); err != nil {
		return nil, err
	}
	f := Fault{Action: in.Action, Times: in.Times, Skip: in.Skip, Status: fmt.Sprint(in.Status), After: in.After,
		Delay: time.Duration(in.Seconds * float64(time.Second))}
	if err := s.Fault(f); err != nil {
		return nil, err
	}
	return s.state(), nil
}

// postExpire takes the key id, or *, as the bare body.
func (s *Server) postExpire(_ *http.Request, body []byte) (any, error) {
	keyID := strings.TrimSpace(string(body))
	if keyID == "" {
		return nil, fmt.Errorf("expire wants an access key id, or *")
	}
	s.Expire(keyID)
	return s.state(), nil
}

func (s *Server) postSet(_ *http.Request, body []byte) (any, error) {
	var in struct {
		Cap   *bool   `json:"cap-session-token"`
		Delay *string `json:"new-key-delay"`
		Life  *string `json:"role-life"`
	}
	if err := strictly(body, &in); err != nil {
		return nil, err
	}
	if in.Cap != nil {
		s.CapSessionToken(*in.Cap)
	}
	for _, one := range []struct {
		name string
		text *string
		set  func(time.Duration)
	}{{"new-key-delay", in.Delay, s.NewKeyDelay}, {"role-life", in.Life, s.RoleLife}} {
		if one.text == nil {
			continue
		}
		d, err := time.ParseDuration(*one.text)
		if err != nil {
			return nil, fmt.Errorf(`%s wants a duration such as "10s": %w`, one.name, err)
		}
		one.set(d)
	}
	return s.state(), nil
}

// postCode stands for the phone of the user that the body names.
func (s *Server) postCode(_ *http.Request, body []byte) (any, error) {
	name := strings.TrimSpace(string(body))
	if _, ok := s.User(name); !ok {
		return nil, fmt.Errorf("there is no user %q", name)
	}
	code, wait := s.Code(name)
	if code == "" {
		return nil, fmt.Errorf("user %q has no MFA device", name)
	}
	return map[string]any{"code": code, "waitSeconds": wait.Seconds()}, nil
}

// postToken stands for the CI system that gives its job a web identity token.
// The body is the subject, or empty.
func (s *Server) postToken(_ *http.Request, body []byte) (any, error) {
	made, err := s.WebToken(strings.TrimSpace(string(body)))
	return map[string]string{"token": made}, err
}

// state is what GET state shows. No secret is in it.
func (s *Server) state() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	accounts, users := map[string]string{}, map[string]any{}
	for _, a := range s.world.accounts {
		accounts[a.Name] = a.ID
	}
	for name, u := range s.world.security().users {
		d := s.world.describe(u)
		users[name] = map[string]string{"arn": u.arn, "access_key_id": d.AccessKeyID, "mfa_serial": d.MFASerial}
	}
	return map[string]any{
		"url": s.URL, "region": Region, "now": s.now(), "offset": s.offset.String(),
		"accounts": accounts, "users": users, "calls": len(s.calls), "faults": s.faults,
		"cap-session-token": s.set.CapSessionToken, "new-key-delay": s.set.NewKeyDelay.String(),
		"role-life": s.set.RoleLife.String(),
	}
}
