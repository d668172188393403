// Package entitle says what the programme covers: it answers, from the signed
// cover on a card, the centre's signed counters and what the entries show since
// then, whether a person may have a service, what they pay and what they have
// left this year. The rules are data (rules.json); docs/entitlement.md is their
// table and says what is published and what was decided here.
//
// It reads no clock and no store: who asks brings everything along, and the
// same question always has the same answer.
package entitle
