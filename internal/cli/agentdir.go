package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"fob/internal/decide/guard"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/lock"
	"fob/internal/keep/sealkey"
)

// aboutName is the file of an agent's folder that says whose it is.
const aboutName = "about"

// runningAgent is an agent beside which a fob goes on.
type runningAgent struct {
	ID       string            `json:"id" doc:"id of the agent, as fob revoke takes it"`
	Profiles []string          `json:"profiles" doc:"the profiles that it has"`
	Gives    map[string]string `json:"gives" doc:"what the agent has of each: the name of a policy, full, file:PATH, or as granted"`
	PID      int               `json:"pid" doc:"process of the fob that started it"`
	Since    time.Time         `json:"since" doc:"when it was started"`
	Until    time.Time         `json:"until,omitzero" doc:"when its credentials are taken away"`
	dir      string
}

// String is the line of fob status.
func (a runningAgent) String() string {
	var has []string
	for _, name := range a.Profiles {
		if given := a.Gives[name]; given != "" {
			name += " (" + given + ")"
		}
		has = append(has, name)
	}
	line := fmt.Sprintf("agent %s: %s, process %d, since %s", a.ID, strings.Join(has, ", "), a.PID, a.Since.Local().Format("15:04"))
	if !a.Until.IsZero() {
		line += ", until " + a.Until.Local().Format("15:04")
	}
	return fault.Line(line)
}

// goesBy says whether a person means this agent: by its id, or by the name that it
// was started with.
func goesBy(id, asked string) bool {
	return asked == "" || asked == id || strings.HasPrefix(id, asked+".") && len(id) == len(asked)+1+guard.WordOfRun
}

// agentPlaces are where the folders of agents may be, the best first: sessions
// stand there in the clear, so memory goes before the disk.
func (s System) agentPlaces(home front.Home) (places []string) {
	if home.Runtime != "" && lock.CheckDir(home.Runtime) == nil {
		places = append(places, filepath.Join(home.Runtime, "fob"))
	}
	if runtime.GOOS == "linux" {
		places = append(places, filepath.Join("/dev/shm", "fob-"+strconv.Itoa(s.UID)))
	}
	return append(places, filepath.Join(home.Data, "run"))
}

// agentDir makes the folder of one agent, and clears away what those left whose
// fob was killed.
func (s System) agentDir(home front.Home) (d *runDir, err error) {
	s.sweepAgents(home)
	for _, place := range s.agentPlaces(home) {
		if err = lock.MakeDir(place); err != nil {
			continue
		}
		if d, err = makeRunDir(place); err == nil {
			return d, nil
		}
	}
	return nil, err
}

// sweepAgents removes the files of agents whose fob has ended without doing so.
func (s System) sweepAgents(home front.Home) {
	for _, place := range s.agentPlaces(home) {
		sweepRuns(place)
	}
}

// agents gives those that run, the oldest first.
func (s System) agents(home front.Home) []runningAgent {
	all := []runningAgent{}
	for _, place := range s.agentPlaces(home) {
		if lock.CheckDir(place) != nil {
			continue
		}
		dirs, _ := os.ReadDir(place)
		for _, d := range dirs {
			mark, ours := strings.CutPrefix(d.Name(), runPrefix)
			if !ours || strings.HasSuffix(mark, takenAway) {
				continue
			}
			a := runningAgent{dir: filepath.Join(place, d.Name())}
			text, err := os.ReadFile(filepath.Join(a.dir, aboutName))
			if err == nil && json.Unmarshal(text, &a) == nil && !lock.Gone(mark) {
				all = append(all, a)
			}
		}
	}
	slices.SortFunc(all, func(a, b runningAgent) int { return a.Since.Compare(b.Since) })
	return all
}

func (d *runDir) end() { _ = takeAway(d.path) }

// takenAway ends the name of a folder that is being removed.
const takenAway = ".ended"

// takeAway removes a folder into which another process may be writing at this
// moment: that one finds the name no more.
func takeAway(dir string) error {
	gone := dir + takenAway
	if err := os.Rename(dir, gone); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	const writers = 3 // each may leave one file while the rest is removed
	var err error
	for range writers {
		if err = os.RemoveAll(gone); err == nil {
			return nil
		}
	}
	return err
}

// confining is how the agent is run: in a session keyring of its own. Where something
// else opens the store to it, why says so, and only a person's word lets it run.
func (s System) confining(ctx context.Context, g *globals, o execOptions) (run launch.Exec, why string, err error) {
	k, err := s.newKeeper(g)
	if err != nil {
		return nil, "", err
	}
	run = s.Confined
	var weak []string
	for _, p := range k.rest.Places() {
		if p.Holds != "" && p.Name != sealkey.SessionKeyring {
			weak = append(weak, fmt.Sprintf("the %s rests in the %s", p.Holds, p.Name))
		}
	}
	if ok, err := k.exists(); err == nil && ok {
		if way, _, silent := k.silentWay(ctx); silent {
			weak = append(weak, way.Name+" opens the store without a question")
		}
	}
	able, err := s.CanConfine()
	if !able {
		run = s.Stay
	}
	if err != nil {
		weak = append(weak, "it can have what rests in the session keyring: "+err.Error())
	}
	why = strings.Join(weak, "; ")
	if why == "" || o.weakOK {
		return run, why, nil
	}
	return nil, "", &fault.Error{
		What: "cannot keep an agent from the open store", Why: errors.New(why + ": every program of yours that asks fob without the mark of an agent gets what you get"),
		Next: []string{"accept that: --weak-ok", "or use a login whose keyring is its own: fob lock, then keyctl session - sh, and again there"}, Code: fault.Failed,
	}
}
