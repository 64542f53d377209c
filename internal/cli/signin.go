package cli

import (
	"context"
	"crypto/rand"
	"io/fs"
	"time"

	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/lock"
)

// A sign-in file is read by a browser that says nothing of it: it stays for
// openerTime after the opener ended well, and no longer than browserTime. See
// docs/decisions/012-signin-file.md.
const (
	openerTime  = 5 * time.Second
	browserTime = 10 * time.Second
	// failTime is how long an opener may take that finds no browser.
	failTime = time.Second
	// leftTime is the age of what a login left behind that was killed.
	leftTime     = time.Minute
	signinPrefix = "fob-signin-"
)

// signinDir is where the file may stand: the runtime directory if it is this
// user's alone, else the data directory. What dead logins left there is removed.
func (s System) signinDir(home front.Home) (string, error) {
	before := s.Now().Add(-s.Ahead - leftTime)
	sweepSignin(home.Data, before)
	if home.Runtime != "" && lock.CheckDir(home.Runtime) == nil {
		sweepSignin(home.Runtime, before)
		return home.Runtime, nil
	}
	return home.Data, lock.MakeDir(home.Data)
}

// sweepSignin removes directories of sign-in files that are older than before.
func sweepSignin(dir string, before time.Time) {
	sweepDirs(dir, signinPrefix, func(_ string, info fs.FileInfo) bool { return info.ModTime().Before(before) })
}

// writeSignin writes the page into a new directory below dir. remove is never
// nil, and takes away what there is of it.
func writeSignin(dir, page string) (file string, remove func(), err error) {
	d, err := makeNamedDir(dir, signinPrefix+rand.Text())
	if err != nil {
		return "", func() {}, err
	}
	file, err = d.write("open.html", []byte(page))
	return file, d.remove, err
}

func noSigninFile(err error) error {
	return &fault.Error{What: "cannot hand the sign-in link to a browser", Why: err, Next: []string{"print it instead: --stdout"}, Code: fault.Failed}
}

// awaitBrowser waits until the browser has had its time to read the file, and says
// that it opens once the opener has not failed at once. An opener that ends with an
// error has found no browser.
func (s System) awaitBrowser(ctx context.Context, ended <-chan error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	after := func(d time.Duration) <-chan error {
		over := make(chan error, 1)
		go func() { over <- s.Sleep(ctx, d) }()
		return over
	}
	early, whole := after(failTime), after(browserTime)
	var rest <-chan error // begins when the opener has ended
	for told, done := false, false; ; {
		var err error
		select {
		case err = <-early:
			early = nil
		case err = <-ended:
			ended, rest = nil, after(openerTime)
		case err = <-whole:
			done = true
		case err = <-rest:
			done = true
		}
		if err != nil || done {
			return err
		}
		if !told {
			s.say("the console opens in your browser")
			told = true
		}
	}
}
