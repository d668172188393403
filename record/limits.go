package record

// Limits of stored content. They bound what a decoder allocates, and what
// Validate admits.
const (
	maxSection    = 256 << 10 // bytes of one section's content
	maxItems      = 16384     // items of one kind in an entry
	maxReasons    = 8
	maxReactions  = 8
	maxComponents = 32
	maxActivities = 32
	maxGoals      = 16
	maxAbout      = 4 // codes that an alert was about
	maxExtensions = 16
	maxFamily     = 15
	maxCounters   = 16
	maxGiven      = 8

	maxNote      = 600 // bytes of free text
	maxShort     = 160 // bytes of a line of text
	maxUnit      = 24
	maxLot       = 24
	maxStudy     = 72
	maxRule      = 32
	maxExtension = 512 // bytes of an unknown item
	maxPart      = 255
	maxPerson    = 15
)

// MaxSummary is the greatest encoded length of a Summary in bytes, MaxIdentity
// of an Identity and MaxCover of a Cover. What seals them adds about 140 bytes
// and the card's files hold 2,044 and 2,048.
const (
	MaxSummary  = 1900
	MaxIdentity = 1400
	MaxCover    = 400
)

// MaxContent is the greatest sum of the encoded sections of an entry that fits
// a sealed entry of 2,000 bytes, sealing included, whatever the sections.
const MaxContent = 1780
