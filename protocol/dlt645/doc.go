// Package dlt645 speaks DL/T 645, the serial protocol of Chinese electricity
// meters: frames, addresses, BCD, data identifiers as a table, reading, relay
// control. The 2007 edition is complete for what a fee-control master needs;
// of 1997 the framing and the common items are read.
//
// The package is pure: it performs no I/O, knows no clock, starts nothing.
// Bytes from outside never make it panic. Passwords are kept out of every
// printed form of its types.
package dlt645
