package match_test

// parameter is a constant of the code that is chosen by measuring. The values
// are tried from start on; start is what books, papers and the geometry of
// fingers suggest (ridges are about 9 pixels apart), not what an earlier choice
// gave.
type parameter struct {
	file, name string // constant name = value, in a file of this module
	start      string
	values     []string
}

var parameters = []parameter{
	{extractMask, "floorShare", "0.25", []string{"0.15", "0.20", "0.25", "0.30", "0.35", "0.40"}},
	{extractMask, "leastGrey", "4.0", []string{"1.5", "2.5", "4.0", "6.0", "9.0"}},
	{extractMask, "hopeful", "0.30", []string{"0.06", "0.10", "0.14", "0.18", "0.22", "0.26", "0.30", "0.35"}},
	{extractOrient, "fineImage", "2.0", []string{"1.2", "1.6", "2.0", "2.5"}},
	{extractOrient, "coarseImage", "4.0", []string{"3.0", "4.0", "5.0", "6.0"}},
	{extractOrient, "fineRidges", "1.6", []string{"0.9", "1.2", "1.6", "2.0"}},
	{extractOrient, "coarseRidges", "3.0", []string{"2.0", "2.5", "3.0", "4.0", "5.0"}},
	{extractEnhance, "acrossWidth", "0.44", []string{"0.36", "0.38", "0.40", "0.42", "0.44", "0.46"}},
	{extractEnhance, "alongMost", "4.0", []string{"3.4", "3.7", "4.0", "4.2", "4.5"}},
	{extractEnhance, "straight", "0.50", []string{"0.35", "0.40", "0.45", "0.50", "0.60"}},
	{extractEnhance, "crooked", "0.20", []string{"0.15", "0.20", "0.25", "0.30"}},
	{extractMinutiae, "spurLength", "9", []string{"5", "7", "9", "11"}},
	{extractMinutiae, "islandLength", "18", []string{"10", "14", "18"}},
	{extractMinutiae, "traceLength", "14", []string{"10", "14", "18"}},
	{extractMinutiae, "leastTrace", "9", []string{"5", "7", "9"}},
	{extractMinutiae, "bridgeLength", "9", []string{"6", "8", "9", "11"}},
	{extractMinutiae, "gapLength", "9", []string{"7", "9", "11", "13"}},
	{extractMinutiae, "closeLength", "5", []string{"3", "4", "5", "6", "7"}},
	{extractMinutiae, "rimLength", "9", []string{"5", "7", "9", "12"}},
	{matchProbe, "radius", "70.0", []string{"60.0", "65.0", "70.0", "75.0", "80.0"}},
	{matchProbe, "threshold", "0.01", []string{"0.006", "0.008", "0.01", "0.0125", "0.015"}},
	{matchProbe, "margin", "50.0", []string{"28.0", "35.0", "42.0", "50.0", "60.0", "70.0"}},
	{matchProbe, "leastSeen", "24", []string{"8", "12", "16", "20", "24", "28"}},
	{matchProbe, "maxChoice", "36", []string{"28", "32", "36"}},
	{matchLocal, "maxTurn", "64", []string{"32", "40", "48", "56", "64"}},
	{matchLocal, "leastAlike", "0.20", []string{"0.10", "0.15", "0.20", "0.25", "0.30"}},
	{matchLocal, "rounds", "5", []string{"2", "3", "4", "5"}},
	{matchLocal, "edgeTurn", "32", []string{"20", "24", "28", "32", "40"}},
	{matchLocal, "edgeFar", "18", []string{"14", "16", "18", "20", "24", "30"}},
	{matchLocal, "farMiddle", "5", []string{"4", "5", "6", "7", "9"}},
	{matchLocal, "farSteep", "0.8", []string{"0.2", "0.3", "0.4", "0.6", "0.8", "1.2"}},
	{matchLocal, "turnMiddle", "11", []string{"8", "11", "14", "17"}},
	{matchLocal, "turnSteep", "0.4", []string{"0.2", "0.3", "0.4", "0.6"}},
	{matchLocal, "crossMiddle", "0.27", []string{"0.18", "0.22", "0.27", "0.33", "0.40"}},
	{matchLocal, "crossSteep", "15", []string{"7", "10", "15", "20", "30"}},
	{matchAlign, "nearby", "16.0", []string{"10.0", "12.0", "14.0", "16.0", "18.0"}},
	{matchAlign, "sameTurn", "22", []string{"14", "18", "22", "26", "30"}},
	{matchAlign, "turnCost", "0.5", []string{"0.1", "0.2", "0.3", "0.5", "0.8", "1.2"}},
	{matchScore, "rim", "8", []string{"4", "8", "12", "16", "24"}},
	{matchFit, "penalty", "0.001", []string{"0.00003", "0.0001", "0.0003", "0.001", "0.003", "0.01", "0.03"}},
}

const (
	extractMask     = "biometric/extract/mask.go"
	extractOrient   = "biometric/extract/orient.go"
	extractEnhance  = "biometric/extract/enhance.go"
	extractMinutiae = "biometric/extract/minutiae.go"
	matchProbe      = "biometric/match/probe.go"
	matchLocal      = "biometric/match/local.go"
	matchAlign      = "biometric/match/align.go"
	matchScore      = "biometric/match/score.go"
	matchFit        = "biometric/match/fit_test.go"
)
