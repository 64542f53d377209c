package profile

import (
	"errors"
	"hash"
	"slices"
)

const (
	// sieveFrom is the size from which a file is not kept whole: for a smaller
	// one the memory costs less than the looking.
	sieveFrom  = 128 << 10
	sieveBlock = 64 << 10
	// mostPasses and mostNames end what is no longer less work than to read the
	// whole file.
	mostPasses, mostNames = 6, 64
)

// sieve reads a large file block by block, in memory that is small enough to stay
// near the processor, and keeps the sections of some names. To map memory for
// 10,000 profiles, 361 pages, takes longer than to read them.
//
// Which names are wanted shows only as the sections are read. When they name a
// section that was not wanted so far, the file is read again from its start:
// what is kept comes from one reading always, never in part from a file that was
// changed meanwhile.
type sieve struct {
	names []string
	first [256]bool // the bytes that a header may go on with after "[profile "
	block int       // how much is read at once
	sum   hash.Hash // of all that the last pass has read; nil where nobody asks
	whole bool      // a pass ended well, and sum is that of the whole file
}

func newSieve(name string, likely []string) *sieve {
	s := &sieve{block: sieveBlock}
	for _, c := range "\"'\\ \t" { // where the name is not what it looks like
		s.first[c] = true
	}
	for c := 0x80; c < len(s.first); c++ {
		s.first[c] = true
	}
	s.want("default")
	s.want(name)
	for _, l := range likely[:min(len(likely), mostNames/4)] {
		s.want(l)
	}
	return s
}

func (s *sieve) want(name string) (more bool) {
	if name == "" || slices.Contains(s.names, name) {
		return false
	}
	s.names = append(s.names, name)
	s.first[name[0]] = true
	return true
}

var errUnsieved = errors.New("the file must be read whole")

// read gives the text that stands before the first section, and each section
// that is wanted, in the order of the file. After an error nothing is known.
func (s *sieve) read(at func(into []byte, offset int) (int, error)) ([]byte, error) {
	for range mostPasses {
		text, err := s.pass(at)
		if err != nil {
			return nil, err
		}
		if !s.wantNamed(text) {
			s.whole = true
			return text, nil
		}
		if len(s.names) > mostNames {
			break
		}
	}
	return nil, errUnsieved
}

// wantNamed wants the sections that those of text name, and says whether there
// are any that were not wanted before.
func (s *sieve) wantNamed(text []byte) (more bool) {
	for _, h := range (Set{text: text}).heads() {
		for _, e := range read(text, h).entries {
			switch e.key {
			case "source_profile", "include_profile", "services":
				more = s.want(e.value) || more
			}
		}
	}
	return more
}

// pass reads the file once. What follows the last header of a block is read
// anew with the next one, since a section may be cut there, its header too.
func (s *sieve) pass(at func(into []byte, offset int) (int, error)) ([]byte, error) {
	block, filled, offset := make([]byte, s.block), 0, 0
	kept, wanted := []byte(nil), true // what stands before any section
	if s.sum != nil {
		s.sum.Reset()
	}
	for {
		n, err := at(block[filled:], offset)
		if err != nil {
			return nil, err
		}
		if s.sum != nil {
			s.sum.Write(block[filled : filled+n])
		}
		filled, offset = filled+n, offset+n
		if offset > maxText {
			return nil, errUnsieved // which says that it is too large
		}
		from := 0
		sc := newScanner(block[:filled])
		for {
			start, bracket, ok := sc.next()
			if !ok {
				break
			}
			if wanted {
				kept = append(kept, block[from:start]...)
			}
			from, wanted = start, s.wants(block[bracket:filled])
		}
		if n == 0 {
			if wanted {
				kept = append(kept, block[from:filled]...)
			}
			return kept, nil
		}
		filled = copy(block, block[from:filled])
		if filled == len(block) {
			block = append(block, make([]byte, len(block))...)
		}
	}
}

// wants says whether the section whose header begins at this bracket is wanted,
// or may be.
func (s *sieve) wants(text []byte) bool {
	const start = "[profile "
	if len(text) > len(start) && string(text[:len(start)]) == start && !s.first[text[len(start)]] {
		return false
	}
	if !slices.ContainsFunc(s.names, func(name string) bool { return !differs(text, name) }) {
		return false
	}
	return slices.Contains(s.names, string((Set{text: text}).titleAt(0).name))
}
