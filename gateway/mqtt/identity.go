package mqtt

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
)

// Kind says what a connection may be.
type Kind uint8

// Kinds of identity.
const (
	Agent    Kind = 1 // an edge program: publishes up/*, listens to down/*
	Terminal Kind = 2 // a customer's terminal 用户终端: listens to its notices, publishes its receipts
)

// Identity is who a connection is, from its credentials alone; the client id of the connection says nothing.
type Identity struct {
	Kind Kind
	ID   string // agent id, or account ID
}

// String is "agent street-1" or "terminal 1001", as logs and audit records write it.
func (i Identity) String() string {
	switch i.Kind {
	case Agent:
		return "agent " + i.ID
	case Terminal:
		return "terminal " + i.ID
	}
	return "nobody"
}

// TerminalUser is the broker user name of an account's terminal.
func TerminalUser(account string) string { return terminalPrefix + account }

// TerminalAccount is the account of a terminal's user name; ok is false for any other user name.
func TerminalAccount(user string) (account string, ok bool) {
	account, ok = strings.CutPrefix(user, terminalPrefix)
	return account, ok && account != ""
}

const terminalPrefix = "terminal-"

// secretMatches compares without telling by its duration where two secrets differ, or how long ours is: hashes have one length.
// An empty secret matches nothing, so an account without a terminal cannot be signed in to with an empty password.
func secretMatches(ours, given string) bool {
	a, b := sha256.Sum256([]byte(ours)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && ours != ""
}
