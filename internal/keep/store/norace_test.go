//go:build !race

package store

// raced: the program was built to find races, and takes many times as long.
const raced = false
