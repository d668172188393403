// Package ucum reads units of measure in the case-sensitive form of the Unified
// Code for Units of Measure, tells which are commensurable, and converts.
//
// It knows the base units, those that medicine measures in, and their prefixes;
// a unit that it does not know is refused, never guessed. It is stricter than
// the code in three places, because a value that is converted wrongly does harm:
// an annotation that stands alone ({score}, {1.73_m2}) is a unit of its own
// unless it only counts, and so are the equivalent, the osmole and every
// arbitrary unit ([IU], [pH]). Equivalents become moles with the charge that the
// caller gives.
package ucum
