//go:build race

package serve

// memoryRoom is how much a process may grow with all its connections taken; the
// race detector keeps several bytes for each.
const memoryRoom = 256 << 20
