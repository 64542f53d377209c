//go:build race

package cli

// raced: the program was built to find races, and takes many times the memory.
const raced = true
