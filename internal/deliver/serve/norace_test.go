//go:build !race

package serve

// memoryRoom is how much a process may grow with all its connections taken.
const memoryRoom = 32 << 20
