// Package dlt645 speaks DL/T 645, the serial protocol of Chinese electricity
// meters, in its editions of 2007 and 1997, as a master asks and as a meter
// answers: reading with subsequent frames, writing, addresses, broadcast time,
// freeze, baud rate, passwords, clearing, relay control, load profiles, and
// the frames that a security module fills. Names that end in 1997 are of that
// edition. Each order has a request that a master makes, the reply it parses,
// and the same two from the meter's side.
//
// The data identifiers are a table, items.csv and items1997.csv, one row each;
// what is a combination of rate, phase and settlement day is code beside it.
// Explain says in words what every byte of a capture means.
//
// Marks in comments tell how sure a layout is: [S] read in a standard's text
// or a document that quotes it, [M] read in several implementations or
// captures, [K] general knowledge, [?] uncertain or different by vendor.
//
// The package is pure: it performs no I/O, knows no clock, starts nothing.
// Bytes from outside never make it panic. Passwords are kept out of every
// printed form of its types, and go to exactly one meter.
package dlt645
