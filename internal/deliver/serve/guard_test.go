package serve

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"

	"fob/internal/cred"
)

const (
	testHost  = "127.0.0.1:4444"
	testToken = "CANARY-token-of-own-user-CANARY-token-of-own"
	otherUID  = 4242
	otherText = "CANARY-token-of-the-other-one-CANARY-token-o"
)

// guarded are the rules of a container endpoint for two users.
func guarded() rules {
	return rules{host: testHost, checked: true, routes: containerRoutes(), grants: []grant{
		grantOf(Grant{UID: 1000, Token: cred.NewSecret(testToken)}), grantOf(Grant{UID: otherUID, Token: cred.NewSecret(otherText)}),
	}}
}

// good is a request that is answered.
func good() asked {
	return asked{
		peer: netip.MustParseAddrPort("127.0.0.1:50000"), uid: 1000, host: testHost, method: http.MethodGet, target: credentialsPath,
		header: http.Header{"Authorization": {testToken}, "User-Agent": {"x"}, "Accept": {"*/*"}},
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	peer := func(text string) func(*asked) {
		return func(a *asked) { a.peer = netip.MustParseAddrPort(text) }
	}
	with := func(name string, values ...string) func(*asked) {
		return func(a *asked) { a.header[name] = values }
	}
	host := func(text string) func(*asked) { return func(a *asked) { a.host = text } }
	for name, tt := range map[string]struct {
		change func(*asked)
		want   refusal
	}{
		"own user":              {func(*asked) {}, allowed},
		"health":                {func(a *asked) { a.target = healthPath }, allowed},
		"mapped loopback":       {peer("[::ffff:127.0.0.1]:5"), allowed},
		"a neighbour":           {peer("192.168.1.5:5"), notLoopback},
		"no peer":               {func(a *asked) { a.peer = netip.AddrPort{} }, notLoopback},
		"another user":          {func(a *asked) { a.uid = 7 }, wrongUser},
		"root":                  {func(a *asked) { a.uid = 0 }, wrongUser},
		"no user":               {func(a *asked) { a.uid = nobody }, wrongUser},
		"localhost":             {host("localhost:4444"), wrongHost},
		"a rebound name":        {host("evil.test:4444"), wrongHost},
		"all addresses":         {host("0.0.0.0:4444"), wrongHost},
		"loopback of IPv6":      {host("[::1]:4444"), wrongHost},
		"short for loopback":    {host("127.1:4444"), wrongHost},
		"no port":               {host("127.0.0.1"), wrongHost},
		"a dot at the end":      {host("127.0.0.1:4444."), wrongHost},
		"the address of IMDS":   {host("169.254.169.254"), wrongHost},
		"no host":               {host(""), wrongHost},
		"Origin":                {with("Origin", "http://"+testHost), fromBrowser},
		"Referer":               {with("Referer", ""), fromBrowser},
		"Sec-Fetch-Site":        {with("Sec-Fetch-Site", "none"), fromBrowser},
		"Sec-Fetch-Mode":        {with("Sec-Fetch-Mode", "cors"), fromBrowser},
		"Sec-Fetch-Dest":        {with("Sec-Fetch-Dest", "empty"), fromBrowser},
		"a websocket":           {with("Sec-Websocket-Key", "x"), fromBrowser},
		"X-Forwarded-For":       {with("X-Forwarded-For", "127.0.0.1"), fromBrowser},
		"X-Forwarded-Host":      {with("X-Forwarded-Host", testHost), fromBrowser},
		"Forwarded":             {with("Forwarded", "for=127.0.0.1"), fromBrowser},
		"Via":                   {with("Via", "1.1 proxy"), fromBrowser},
		"a preflight's method":  {with("Access-Control-Request-Method", "GET"), fromBrowser},
		"a preflight's headers": {with("Access-Control-Request-Headers", "authorization"), fromBrowser},
		"HEAD":                  {func(a *asked) { a.method = "HEAD" }, wrongMethod},
		"POST":                  {func(a *asked) { a.method = "POST" }, wrongMethod},
		"PUT":                   {func(a *asked) { a.method = "PUT" }, wrongMethod},
		"OPTIONS":               {func(a *asked) { a.method = "OPTIONS" }, wrongMethod},
		"get in small":          {func(a *asked) { a.method = "get" }, wrongMethod},
		"no token":              {func(a *asked) { delete(a.header, "Authorization") }, wrongToken},
		"an empty token":        {with("Authorization", ""), wrongToken},
		"a wrong token":         {with("Authorization", strings.Repeat("x", len(testToken))), wrongToken},
		"the token's beginning": {with("Authorization", testToken[:len(testToken)-1]), wrongToken},
		"more than the token":   {with("Authorization", testToken+"x"), wrongToken},
		"another case":          {with("Authorization", strings.ToLower(testToken)), wrongToken},
		"Bearer":                {with("Authorization", "Bearer "+testToken), wrongToken},
		"two tokens":            {with("Authorization", testToken, testToken), wrongToken},
		"the token as a query":  {func(a *asked) { delete(a.header, "Authorization"); a.target += "?token=" + testToken }, wrongToken},
		"another user's token":  {with("Authorization", otherText), wrongToken},
		"a granted user":        {func(a *asked) { a.uid = otherUID; a.header["Authorization"] = []string{otherText} }, allowed},
		"and our token":         {func(a *asked) { a.uid = otherUID }, wrongToken},
		"a query":               {func(a *asked) { a.target += "?a" }, wrongPath},
		"the root":              {func(a *asked) { a.target = "/" }, wrongPath},
		"two slashes":           {func(a *asked) { a.target = "//credentials" }, wrongPath},
		"a slash at the end":    {func(a *asked) { a.target += "/" }, wrongPath},
		"dots":                  {func(a *asked) { a.target = "/x/../credentials" }, wrongPath},
		"an escaped dot":        {func(a *asked) { a.target = "/%2e/credentials" }, wrongPath},
		"an escaped letter":     {func(a *asked) { a.target = "/%63redentials" }, wrongPath},
		"NUL":                   {func(a *asked) { a.target += "\x00" }, wrongPath},
		"a long path":           {func(a *asked) { a.target += strings.Repeat("x", 10<<10) }, wrongPath},
		"the whole address":     {func(a *asked) { a.target = "http://" + testHost + credentialsPath }, wrongPath},
		"stop":                  {func(a *asked) { a.target = "/stop" }, wrongPath},
		"any role":              {func(a *asked) { a.target = "/role-arn/arn:aws:iam::111111111111:role/admin" }, wrongPath},
		"a body":                {func(a *asked) { a.body = true }, hasBody},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := good()
			tt.change(&a)
			if _, got := guarded().decide(a); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Where users cannot be told, the token is what is left.
func TestGuardWithoutUsers(t *testing.T) {
	t.Parallel()
	r, a := guarded(), good()
	r.checked, a.uid = false, nobody
	if _, got := r.decide(a); got != allowed {
		t.Errorf("the right token: %q", got)
	}
	delete(a.header, "Authorization")
	if _, got := r.decide(a); got != wrongToken {
		t.Errorf("no token: %q", got)
	}
}

// lets is the guard once more, as one sentence: what must be true of a request
// that is answered. It shares no code with it.
func lets(r rules, a asked) bool {
	of := map[int]string{1000: testToken, otherUID: otherText}
	for name := range a.header {
		lower := strings.ToLower(name)
		for _, bad := range []string{"origin", "referer", "forwarded", "via"} {
			if lower == bad {
				return false
			}
		}
		if strings.HasPrefix(lower, "sec-") || strings.HasPrefix(lower, "x-forwarded-") || strings.HasPrefix(lower, "access-control-request-") {
			return false
		}
	}
	address := a.peer.Addr()
	local := address.IsValid() && (address.Is4() || address.Is4In6()) && address.Unmap().As4()[0] == 127 || address == netip.IPv6Loopback()
	given := a.header.Values("Authorization")
	return local && of[a.uid] != "" && a.host == r.host && a.method == "GET" && len(given) == 1 && given[0] == of[a.uid] &&
		(a.target == "/credentials" || a.target == "/health") && !a.body
}

// FuzzGuard: the guard answers exactly what the sentence says, whatever comes.
func FuzzGuard(f *testing.F) {
	f.Add("127.0.0.1", 1000, testHost, "GET", "/credentials", testToken, "Accept", "*/*", false)
	f.Add("127.0.0.1", otherUID, testHost, "GET", "/health", otherText, "Origin", "null", false)
	f.Add("10.0.0.1", 0, "evil.test", "PUT", "/latest/api/token", "", "Sec-Fetch-Site", "none", true)
	f.Add("::1", 1000, testHost, "GET", "/credentials", testToken, "Authorization", testToken, false)
	f.Add("::ffff:127.0.0.1", 1000, "localhost:4444", "HEAD", "//", testToken, "Via", "", false)
	f.Fuzz(func(t *testing.T, peer string, uid int, host, method, target, authorization, name, value string, body bool) {
		address, _ := netip.ParseAddr(peer)
		a := asked{peer: netip.AddrPortFrom(address, 1), uid: uid, host: host, method: method, target: target, body: body, header: http.Header{}}
		a.header.Add("Authorization", authorization)
		a.header.Add(name, value)
		r := guarded()
		to, why := r.decide(a)
		if (why == allowed) != lets(r, a) || (why == allowed) != (to != toNothing) {
			t.Errorf("%+v: got %q", a, why)
		}
	})
}

// A guard that leaves out one of its checks must be found by the sentence.
func TestGuardIsCompared(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]func(*asked){
		"user": func(a *asked) { a.uid = 5 }, "host": func(a *asked) { a.host = "x" }, "method": func(a *asked) { a.method = "PUT" },
		"body": func(a *asked) { a.body = true }, "path": func(a *asked) { a.target = "/x" },
		"browser": func(a *asked) { a.header.Set("Origin", "x") }, "token": func(a *asked) { a.header.Del("Authorization") },
		"peer": func(a *asked) { a.peer = netip.MustParseAddrPort("8.8.8.8:1") },
	} {
		one := good()
		a(&one)
		if lets(guarded(), one) {
			t.Errorf("the sentence does not look at the %s", name)
		}
	}
	if !lets(guarded(), good()) {
		t.Error("the sentence refuses a good request")
	}
}

// Tokens are compared by hash and in constant time.
func TestTokenComparison(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("guard.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"subtle.ConstantTimeCompare(g.sum[:], sum[:])", "sha256.Sum256([]byte(values[0]))"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("guard.go has no %s", want)
		}
	}
	if g := grantOf(Grant{Token: cred.NewSecret("a")}); g.sum != sha256.Sum256([]byte("a")) {
		t.Error("a grant is not the hash of its token")
	}
}
