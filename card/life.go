package card

import (
	"context"
	"fmt"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
)

// Block deactivates the card; it needs the role issuer. Nothing can be read
// from it until Unblock.
func (s *Session) Block(ctx context.Context) error {
	return s.life(ctx, "block card", insDeactivate, StateBlocked)
}

// Unblock gives a blocked card back; it needs the right unblock.
func (s *Session) Unblock(ctx context.Context) error {
	return s.life(ctx, "unblock card", insActivate, StateOperational)
}

// Terminate ends the card for good; it needs the role issuer.
func (s *Session) Terminate(ctx context.Context) error {
	return s.life(ctx, "terminate card", insTerminate, StateTerminated)
}

func (s *Session) life(ctx context.Context, what string, ins byte, to State) error {
	if _, err := s.link.do(ctx, apdu.Command{INS: ins}, sm.Encrypted); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.info.State = to
	return nil
}
