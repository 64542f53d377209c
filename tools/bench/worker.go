package main

import "runtime"

// worker runs functions on one thread that runs nothing else. Linux keeps the
// session keyring and the counters of a process per thread, and a program that
// is started inherits those of the thread that starts it.
type worker struct{ jobs chan func() }

// newWorker calls setup on the new thread first.
func newWorker(setup func() error) (*worker, error) {
	w, ready := &worker{jobs: make(chan func())}, make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this function
		ready <- setup()
		for job := range w.jobs {
			job()
		}
	}()
	if err := <-ready; err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *worker) do(job func() error) error {
	done := make(chan error)
	w.jobs <- func() { done <- job() }
	return <-done
}

func (w *worker) close() { close(w.jobs) }
