package softcard

import "time"

// Work is what a task cannot do without on the modelled card, however its
// commands are cut: the content that has to travel, and what has to be
// computed over it and stored. docs/formats/card.md says what counts.
type Work struct {
	Sent, Received int   // bytes of content to the card and from it
	Agreements     int   // of session keys, with setting the keys up
	Verifications  int   // of signatures
	Encrypted      int   // bytes of content under AES-CBC
	Authenticated  int   // bytes of content under CMAC
	Hashed         []int // bytes of each message hashed with SHA-256
	Written        []int // bytes of each write to memory
}

// Floor returns the least time that the work takes over the link: all content
// of a direction in one go, no headers, no objects, no padding of commands.
func (l Link) Floor(w Work) time.Duration {
	m := meter{link: l}
	m.time.Link = l.transfer(w.Sent) + l.transfer(w.Received)
	m.crypto(time.Duration(w.Agreements) * (timeECDH + 2*timeCMACInit))
	m.crypto(time.Duration(w.Verifications) * timeVerify)
	m.aes(w.Encrypted)
	m.cmac(w.Authenticated)
	for _, n := range w.Hashed {
		m.sha(n)
	}
	for _, n := range w.Written {
		m.time.NVM += time.Duration(pages(n)) * writeTime
	}
	return m.time.Total()
}
