// Package agent runs a clinic's workstation: it owns the card readers, carries
// out the two data paths of the system (a tapped card is read, checked, shown
// and kept; a new entry is signed, sealed, written to the card, kept and sent
// on) and tells what happens as a numbered stream of events.
//
// Every reader has one goroutine, which alone talks to the card in it. All
// goroutines live inside Run.
package agent
